//! The API server's step: from the report that is stored to the one that is wanted.

use std::sync::Arc;
use std::time::Duration;

use tagwatch_k8s::report::{PolicyReport, ReportPlan, StoredReport, plan};
use tokio::time::Instant;

use crate::controller::Controller;
use crate::report::{Known, ReportKey};
use crate::writer::WriteError;
use tagwatch_index::WorkloadKey;

/// How often a write is decided anew because the report changed under it, before it waits.
const ATTEMPTS: usize = 3;

/// What a write came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteOutcome {
    /// The report is stored (or removed) now.
    Stored,
    /// It was as it should be.
    Unchanged,
    /// The report API is not served; once it is, everything is evaluated again.
    ApiAbsent,
    /// Another client keeps changing it: it is not written before this time.
    Deferred(Duration),
    /// A report without our label has the name.
    NameTaken,
}

/// Takes what is stored to what is wanted; `None` for no report.
pub(super) async fn write(
    controller: &Controller,
    key: &ReportKey,
    wanted: Option<PolicyReport>,
) -> Result<WriteOutcome, WriteError> {
    for _ in 0..ATTEMPTS {
        let (known, ready) = {
            let reports = controller.reports.lock();
            (reports.known(key), reports.is_ready(&key.namespace))
        };
        if !ready {
            return Ok(WriteOutcome::ApiAbsent);
        }
        let stored = match known {
            Known::Absent => None,
            Known::Fresh(stored) => Some(stored),
            Known::Stale(_) => read(controller, key).await?.map(Arc::new),
        };
        let plan = plan(stored.as_deref(), wanted.clone());
        match plan {
            ReportPlan::Keep => {
                controller.reports.lock().mark_settled(key);
                return Ok(WriteOutcome::Unchanged);
            }
            ReportPlan::Blocked => return Ok(WriteOutcome::NameTaken),
            ReportPlan::Create(_) | ReportPlan::Replace(_) | ReportPlan::Delete(_) => {}
        }
        if let Err(delay) = may_restore(controller, key) {
            return Ok(WriteOutcome::Deferred(delay));
        }
        match carry_out(controller, key, plan).await {
            Err(WriteError::Outdated) => {
                read(controller, key).await?;
            }
            answer => return answer.map(|()| WriteOutcome::Stored),
        }
    }
    Err(WriteError::Outdated)
}

fn may_restore(controller: &Controller, key: &ReportKey) -> Result<(), Duration> {
    let mut reports = controller.reports.lock();
    reports.may_restore(key, Instant::now())
}

/// Reads the report of a workload of which nothing is remembered, where it changed since it was listed: another tagwatch
/// may have written it, such as the one that this process replaces.
pub(super) async fn read_unremembered(
    controller: &Controller,
    key: &WorkloadKey,
    report: &ReportKey,
) -> Result<(), WriteError> {
    let is_remembered = controller.states.lock().memory(key).is_some_and(|memory| !memory.is_unread);
    let is_stale = matches!(controller.reports.lock().known(report), Known::Stale(_));
    if is_stale && !is_remembered {
        read(controller, report).await?;
    }
    Ok(())
}

async fn read(controller: &Controller, key: &ReportKey) -> Result<Option<StoredReport>, WriteError> {
    let stored = controller.report_api.read(key).await?;
    let mut reports = controller.reports.lock();
    reports.begin(key);
    reports.finish(key, stored.clone());
    Ok(stored)
}

async fn carry_out(controller: &Controller, key: &ReportKey, plan: ReportPlan) -> Result<(), WriteError> {
    controller.reports.lock().begin(key);
    let answer = controller.report_api.carry_out(key, plan).await.map(|stored| {
        // There is one for every workload: what it says of times is kept once.
        let states = controller.states.lock();
        let known = states.first_seen(key);
        stored.map(|stored| match known {
            Some(known) => stored.shared_with(known),
            None => stored,
        })
    });
    let mut reports = controller.reports.lock();
    match answer {
        Ok(stored) => {
            if reports.finish(key, stored) {
                drop(reports);
                controller.look_after(key);
            }
            Ok(())
        }
        Err(error) => {
            reports.mark_uncertain(key);
            Err(error)
        }
    }
}
