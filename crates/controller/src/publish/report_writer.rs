//! Brings a stored report to the one that is wanted.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use parking_lot::Mutex;
use tagwatch_client::{CALL_LIMIT, call};
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::report::{PolicyReport, Precondition, ReportOwner, ReportPlan, StoredReport, plan};
use tokio::time::Instant;

use super::cleanup::Removals;
use super::retries::{Planned, Retries};
use super::writer::{ClusterWriter, Verb, WriteError, WriteTarget};
use crate::state::{Known, MemoryBasis, Queue, ReportIndex, ReportKey, WatchRegistry, WorkloadStates};

/// How often a write is decided anew because the report changed under it, before it waits.
const ATTEMPTS: usize = 3;

/// The result of a write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WriteOutcome {
    /// The report is stored (or removed) now.
    Stored,
    /// The stored report was the wanted one.
    Unchanged,
    /// The report API is not served; once it is, everything is evaluated again.
    ApiAbsent,
    /// Another client keeps changing it: it is not written before this time.
    Deferred(Duration),
    /// Another client made it anew after it was removed: it is not removed before this time.
    Returned(Duration),
    /// A report of another engine or installation has the name.
    NameTaken(ReportOwner),
}

/// Creates, updates and deletes reports, and keeps the index of stored reports current.
pub(crate) struct ReportWriter {
    pub(crate) client: Client,
    pub(crate) writer: Arc<ClusterWriter>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) queue: Arc<Queue>,
    /// When what failed is tried again.
    pub(crate) retries: Mutex<Retries>,
    /// Where reports cannot be removed that nothing wants.
    pub(crate) removals: Mutex<Removals>,
    /// Whether what is known of a namespace is enough to delete its reports.
    pub(crate) watches: WatchRegistry,
    /// This installation, as its reports name it.
    pub(crate) instance: Arc<str>,
}

impl ReportWriter {
    /// Brings the stored report to the wanted one; `None` removes it.
    pub(crate) async fn write(
        &self,
        key: &ReportKey,
        wanted: Option<PolicyReport>,
    ) -> Result<WriteOutcome, WriteError> {
        for _ in 0..ATTEMPTS {
            let (known, ready) = {
                let reports = self.reports.lock();
                (reports.known(key), reports.is_ready(&key.namespace))
            };
            if !ready {
                return Ok(WriteOutcome::ApiAbsent);
            }
            let stored = match known {
                Known::Absent => None,
                Known::Fresh(stored) => Some(stored),
                Known::Stale(_) | Known::Unread => self.read(key).await?.map(Arc::new),
            };
            let plan = plan(stored.as_deref(), wanted.clone());
            match plan {
                ReportPlan::Keep => {
                    let mut reports = self.reports.lock();
                    reports.mark_settled(key);
                    if wanted.is_some() {
                        reports.mark_wanted(key);
                    }
                    return Ok(WriteOutcome::Unchanged);
                }
                ReportPlan::Blocked(owner) => return Ok(WriteOutcome::NameTaken(owner)),
                ReportPlan::Create(_) | ReportPlan::Replace(_) | ReportPlan::Delete(_) => {}
            }
            if !self.writer.may_write() {
                return Err(WriteError::NotLeading);
            }
            if matches!(plan, ReportPlan::Delete(_))
                && let Err(delay) = self.reports.lock().try_remove(key, Instant::now())
            {
                return Ok(WriteOutcome::Returned(delay));
            }
            let attempt = self.reports.lock().try_restore(key, Instant::now());
            if let Err(delay) = attempt {
                return Ok(WriteOutcome::Deferred(delay));
            }
            let is_creation = matches!(plan, ReportPlan::Create(_));
            match self.carry_out(key, plan).await {
                Err(WriteError::Outdated) => {
                    self.read(key).await?;
                }
                // An aggregated API may say 400 of a name that is taken (Kyverno's reports-server, `pkg/api/polr.go`).
                Err(error) if is_creation && error.code() == Some(400) => {
                    if self.read(key).await?.is_none() {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    let released = self.retries.lock().succeeded(&key.namespace);
                    self.request(released);
                    return Ok(WriteOutcome::Stored);
                }
            }
        }
        Err(WriteError::Outdated)
    }

    /// Requests the evaluations that follow from a failure or a success.
    pub(crate) fn request(&self, planned: Vec<Planned>) {
        for (key, wait) in planned {
            self.queue.request_after(key, wait);
        }
    }

    /// Reads the report of a workload, where it changed since it was read, unless what is remembered counts for more: another
    /// tagwatch may have written it, such as the replica that leads, or the process that this one replaces.
    pub(crate) async fn read_unremembered(
        &self,
        key: &WorkloadKey,
        report: &ReportKey,
    ) -> Result<(), WriteError> {
        let basis = self.states.lock().memory(key).map(|memory| memory.basis);
        let is_remembered = self.writer.may_write() && basis == Some(MemoryBasis::Own);
        let is_stale = matches!(self.reports.lock().known(report), Known::Stale(_) | Known::Unread);
        if is_stale && !is_remembered {
            self.read(report).await?;
        }
        Ok(())
    }

    /// Whether the API server holds a report of this name, as far as is known.
    pub(crate) fn has_report(&self, key: &ReportKey) -> bool {
        !matches!(self.reports.lock().known(key), Known::Absent)
    }

    async fn read(&self, key: &ReportKey) -> Result<Option<StoredReport>, WriteError> {
        let report = call(CALL_LIMIT, self.api(key).get_opt(&key.name)).await?;
        let stored = report.map(|report| StoredReport::new(report, &self.instance));
        let mut reports = self.reports.lock();
        reports.begin(key);
        reports.finish(key, stored.clone());
        Ok(stored)
    }

    async fn carry_out(&self, key: &ReportKey, plan: ReportPlan) -> Result<(), WriteError> {
        self.reports.lock().begin(key);
        let removed = match &plan {
            ReportPlan::Delete(Precondition { resource_version, .. }) => Some(resource_version.clone()),
            _ => None,
        };
        let answer = self.send(key, plan).await.map(|stored| {
            // There is one for every workload: what it says of times is kept once.
            let states = self.states.lock();
            let known = states.first_seen(key);
            stored.map(|stored| match known {
                Some(known) => stored.shared_with(known),
                None => stored,
            })
        });
        let mut reports = self.reports.lock();
        match answer {
            Ok(stored) => {
                match removed {
                    Some(version) => reports.mark_removed(key, version, Instant::now()),
                    None => reports.mark_wanted(key),
                }
                let is_contested = reports.finish(key, stored);
                drop(reports);
                if is_contested {
                    self.queue.request_owner_of(key, &self.reports);
                }
                Ok(())
            }
            Err(error) => {
                reports.mark_uncertain(key);
                Err(error)
            }
        }
    }

    /// Sends the change of a plan. Returns what is stored afterwards.
    async fn send(&self, key: &ReportKey, plan: ReportPlan) -> Result<Option<StoredReport>, WriteError> {
        let (api, params) = (self.api(key), PostParams::default());
        let stored = match plan {
            ReportPlan::Create(report) => {
                self.writer.write(WriteTarget::Report(Verb::Create), api.create(&params, &report)).await?
            }
            ReportPlan::Replace(report) => {
                let replacing = api.replace(&key.name, &params, &report);
                self.writer.write(WriteTarget::Report(Verb::Update), replacing).await?
            }
            ReportPlan::Delete(precondition) => {
                self.delete(&api, key, precondition).await?;
                return Ok(None);
            }
            ReportPlan::Keep | ReportPlan::Blocked(_) => return Ok(None),
        };
        Ok(Some(StoredReport::new(stored, &self.instance)))
    }

    async fn delete(
        &self,
        api: &Api<PolicyReport>,
        key: &ReportKey,
        precondition: Precondition,
    ) -> Result<(), WriteError> {
        let Precondition { uid, resource_version } = precondition;
        let preconditions = Some(Preconditions { uid, resource_version });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        let deleting = api.delete(&key.name, &params);
        match self.writer.write(WriteTarget::Report(Verb::Delete), deleting).await {
            Err(error) if error.code() == Some(404) => Ok(()),
            answer => answer.map(drop),
        }
    }

    fn api(&self, key: &ReportKey) -> Api<PolicyReport> {
        Api::namespaced(self.client.clone(), &key.namespace)
    }
}
