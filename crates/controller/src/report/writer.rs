//! The only place that changes anything in the cluster. Every write passes here: within the rate, within the
//! time limit, counted by outcome. A later leader check belongs here too.

use std::time::Duration;

use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use leaky_bucket::RateLimiter;
use tagwatch_client::{CallError, call};
use tagwatch_k8s::report::{PolicyReport, Precondition, ReportPlan, StoredReport};
use thiserror::Error;

use super::ReportKey;
use crate::metrics::ControllerMetrics;

/// Limit of one call about one report.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// Writes a second that are never exceeded for long, and how many may go at once after a quiet time. An API
/// server stores a few hundred reports a second; this keeps us from being the reason that others wait.
const WRITES_PER_SECOND: usize = 500;
const BURST: usize = 1_000;

/// A kind of write, as RBAC and the audit log name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
}

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Why a write did not happen.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// The report is not what we thought: read it, and decide again.
    #[error("somebody else was faster")]
    Outdated,
    /// The namespace is going away, and takes everything in it along.
    #[error("the namespace is being deleted")]
    NamespaceTerminating,
    /// Anything else: try again later.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Writes reports.
pub(crate) struct Writer {
    client: Client,
    rate: RateLimiter,
    metrics: ControllerMetrics,
}

impl Writer {
    pub(crate) fn new(client: Client, metrics: ControllerMetrics) -> Self {
        let interval = Duration::from_millis(100);
        let rate = RateLimiter::builder()
            .initial(BURST)
            .max(BURST)
            .refill(WRITES_PER_SECOND / 10)
            .interval(interval)
            .build();
        Self { client, rate, metrics }
    }

    /// Reads one report with its body.
    pub(crate) async fn read(&self, key: &ReportKey) -> Result<Option<StoredReport>, CallError> {
        let report = call(WRITE_LIMIT, self.api(key).get_opt(&key.1)).await?;
        Ok(report.map(StoredReport::from))
    }

    /// Carries out a plan. Returns what is stored afterwards.
    pub(crate) async fn carry_out(
        &self,
        key: &ReportKey,
        plan: ReportPlan,
    ) -> Result<Option<StoredReport>, Refusal> {
        match plan {
            ReportPlan::Create(report) => self.create(key, &report).await.map(Some),
            ReportPlan::Replace(report) => self.replace(key, &report).await.map(Some),
            ReportPlan::Delete(precondition) => self.delete(key, precondition).await.map(|()| None),
            ReportPlan::Keep | ReportPlan::Blocked => Ok(None),
        }
    }

    async fn create(&self, key: &ReportKey, report: &PolicyReport) -> Result<StoredReport, Refusal> {
        self.rate.acquire_one().await;
        let api = self.api(key);
        let answer = call(WRITE_LIMIT, api.create(&PostParams::default(), report)).await;
        self.counted(Verb::Create, answer).map(StoredReport::from)
    }

    async fn replace(&self, key: &ReportKey, report: &PolicyReport) -> Result<StoredReport, Refusal> {
        self.rate.acquire_one().await;
        let api = self.api(key);
        let answer = call(WRITE_LIMIT, api.replace(&key.1, &PostParams::default(), report)).await;
        self.counted(Verb::Update, answer).map(StoredReport::from)
    }

    async fn delete(&self, key: &ReportKey, precondition: Precondition) -> Result<(), Refusal> {
        self.rate.acquire_one().await;
        let Precondition { uid, resource_version } = precondition;
        let preconditions = Some(Preconditions { uid, resource_version });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        let api = self.api(key);
        let answer = call(WRITE_LIMIT, api.delete(&key.1, &params)).await;
        if let Err(error) = &answer
            && error.code() == Some(404)
        {
            self.count(Verb::Delete, "already_gone");
            return Ok(());
        }
        self.counted(Verb::Delete, answer).map(drop)
    }

    fn counted<T>(&self, verb: Verb, answer: Result<T, CallError>) -> Result<T, Refusal> {
        match answer {
            Ok(stored) => {
                self.count(verb, "ok");
                Ok(stored)
            }
            Err(error) if is_namespace_terminating(&error) => {
                self.count(verb, "namespace_terminating");
                Err(Refusal::NamespaceTerminating)
            }
            Err(error) => {
                self.count(verb, error.category());
                match (verb, error.code()) {
                    (_, Some(409)) | (Verb::Update, Some(404)) => Err(Refusal::Outdated),
                    _ => Err(Refusal::Call(error)),
                }
            }
        }
    }

    fn count(&self, verb: Verb, outcome: &str) {
        self.metrics.report_writes.with_label_values(&[verb.as_str(), outcome]).inc();
    }

    fn api(&self, key: &ReportKey) -> Api<PolicyReport> {
        Api::namespaced(self.client.clone(), &key.0)
    }
}

/// A namespace that is being deleted refuses new objects with 403 and this cause; one that is already gone
/// answers 404 about itself.
fn is_namespace_terminating(error: &CallError) -> bool {
    let CallError::Api(kube::Error::Api(status)) = error else { return false };
    let Some(details) = &status.details else { return false };
    match status.code {
        403 => details.causes.iter().any(|cause| cause.reason == "NamespaceTerminating"),
        404 => details.kind == "namespaces",
        _ => false,
    }
}
