//! What the audit log says of a fill. Both sides are measured by it, and so by one clock.

use std::{future, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use tagwatch_e2e::{AuditLog, Mark, Request, Requests, eventually};

const FILL_LIMIT: Duration = Duration::from_mins(10);

/// Waits until `agent` has created this many reports behind `mark`; returns when the last one was answered.
pub(crate) async fn last_created(log: &AuditLog, mark: Mark, agent: &str, reports: u32) -> Result<Timestamp> {
    let mut place = mark;
    let mut created = Vec::new();
    let mut look = || -> Result<()> {
        let new = log.advance(&mut place)?;
        let new = new.matching(|request| request.user_agent.starts_with(agent) && is_created_report(request));
        created.extend(new.iter().map(|request| request.stage_timestamp.clone()));
        ensure!(created.len() >= usize::try_from(reports)?, "{} of {reports}", created.len());
        Ok(())
    };
    eventually(FILL_LIMIT, "every report is stored", || future::ready(look())).await?;
    // RFC 3339 in UTC with a fixed number of digits sorts as text.
    let last = created.iter().max().context("no report was created")?;
    last.parse().with_context(|| format!("the audit log's time {last:?}"))
}

fn is_created_report(request: &Request) -> bool {
    request.verb == "create" && request.resource() == "policyreports" && request.code() == 201
}

/// How often `agent` has written, its lease aside. It may have asked for nothing at all.
pub(crate) async fn writes_or_none(log: &AuditLog, mark: Mark, agent: &str) -> Result<usize> {
    let requests = log.since(mark).await?.matching(|request| request.user_agent.starts_with(agent));
    Ok(requests.mutating().without_leases_and_reviews().count())
}

/// What `agent` has asked for that writes, its lease aside. It must have asked for something.
pub(crate) async fn writes(log: &AuditLog, mark: Mark, agent: &str) -> Result<Requests> {
    Ok(log.since(mark).await?.by_agent(agent)?.mutating().without_leases_and_reviews())
}

/// Seconds from one time to a later one.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
