//! The one way to change anything in the cluster but the lease: reports, proofs, the status of the policy and events. Every
//! write asks whether this replica leads, keeps to one rate and one time limit, and is counted by outcome.

use std::future::Future;
use std::time::Duration;

use leaky_bucket::RateLimiter;
use tagwatch_client::{CALL_LIMIT, CallError, call};
use tagwatch_k8s::report::ReportFailure;
use thiserror::Error;
use tokio_util::task::TaskTracker;

use crate::state::Leadership;
use crate::state::metrics::ControllerMetrics;

/// Writes a second that are never exceeded for long, and how many may go at once after a quiet time. An API
/// server stores a few hundred reports a second; this keeps us from slowing others down.
const WRITES_PER_SECOND: usize = 500;
const BURST: usize = 1_000;

/// What a write changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteTarget {
    /// A `PolicyReport`, created, updated or deleted.
    Report(Verb),
    /// The status of the policy.
    PolicyStatus,
    /// An event about a workload.
    Event,
    /// The proofs that tags moved.
    Proofs,
}

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
pub(crate) enum WriteError {
    /// Another replica writes, or may.
    #[error("this replica does not lead")]
    NotLeading,
    /// The object is not as it was read: read it, and decide again.
    #[error("the object is no longer as it was read")]
    Outdated,
    /// The namespace is being deleted, and its objects with it.
    #[error("the namespace is being deleted")]
    NamespaceTerminating,
    /// Anything else: try again later.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl WriteError {
    /// The HTTP status that the API server answered, if it did and it has no variant of its own.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Call(error) => error.code(),
            Self::NotLeading | Self::Outdated | Self::NamespaceTerminating => None,
        }
    }

    /// For how long the API server asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call(error) => error.retry_after(),
            Self::NotLeading | Self::Outdated | Self::NamespaceTerminating => None,
        }
    }

    /// Why the report is not stored, where that concerns people: another replica writes it, the next try decides anew, or its
    /// namespace is being deleted otherwise.
    pub(crate) fn failure(&self) -> Option<ReportFailure> {
        match self {
            Self::NotLeading | Self::Outdated | Self::NamespaceTerminating => None,
            Self::Call(CallError::Api(kube::Error::Api(status))) => {
                Some(ReportFailure::of_answer(status.code, &status.message))
            }
            Self::Call(_) => Some(ReportFailure::Unavailable),
        }
    }

    /// A label for metrics and logs, from a small fixed set.
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::NotLeading => "not_leading",
            Self::Outdated => "conflict",
            Self::NamespaceTerminating => "namespace_terminating",
            Self::Call(error) => error.category(),
        }
    }
}

/// Sends each write to the API server while this replica leads, within one rate limit, and counts its outcome.
pub(crate) struct ClusterWriter {
    leadership: Leadership,
    rate: RateLimiter,
    /// Holds a token for each write that is under way.
    under_way: TaskTracker,
    metrics: ControllerMetrics,
}

impl ClusterWriter {
    pub(crate) fn new(leadership: Leadership, metrics: ControllerMetrics) -> Self {
        let interval = Duration::from_millis(100);
        let rate = RateLimiter::builder()
            .initial(BURST)
            .max(BURST)
            .refill(WRITES_PER_SECOND / 10)
            .interval(interval)
            .build();
        Self { leadership, rate, under_way: TaskTracker::new(), metrics }
    }

    /// Whether this replica leads, so that a write would be sent.
    pub(crate) fn may_write(&self) -> bool {
        self.leadership.may_write()
    }

    /// Waits until no write is under way. None begins meanwhile where leadership was given up before.
    pub(crate) async fn settled(&self) {
        self.under_way.close();
        self.under_way.wait().await;
        self.under_way.reopen();
    }

    /// Sends one change to the API server. `change` is not polled while another replica leads.
    pub(crate) async fn write<T>(
        &self,
        target: WriteTarget,
        change: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, WriteError> {
        self.rate.acquire_one().await;
        // In this order, so that `settled` waits for every write that was let through.
        let _under_way = self.under_way.token();
        // Behind the wait, during which the lease may have been lost.
        let limit = self.leadership.write_limit(CALL_LIMIT).ok_or(WriteError::NotLeading)?;
        let answer = call(limit, change).await;
        self.count(target, answer.as_ref().err());
        answer.map_err(|error| classify(target, error))
    }

    fn count(&self, target: WriteTarget, error: Option<&CallError>) {
        match target {
            WriteTarget::Report(verb) => {
                let outcome = match error {
                    None => "ok",
                    Some(error) if is_gone(verb, error) => "already_gone",
                    Some(error) if is_namespace_terminating(error) => "namespace_terminating",
                    Some(error) => error.category(),
                };
                self.metrics.report_writes.with_label_values(&[verb.as_str(), outcome]).inc();
            }
            WriteTarget::PolicyStatus => {
                let outcome = error.map_or("ok", CallError::category);
                self.metrics.policy_status_writes.with_label_values(&[outcome]).inc();
            }
            WriteTarget::Event => {
                let outcome = if error.is_none() { "published" } else { "failed" };
                self.metrics.events.with_label_values(&[outcome]).inc();
            }
            // One object, written at most every ten seconds: a failure is logged.
            WriteTarget::Proofs => {}
        }
    }
}

fn classify(target: WriteTarget, error: CallError) -> WriteError {
    match (target, error.code()) {
        (WriteTarget::Report(verb), _) if !is_gone(verb, &error) && is_namespace_terminating(&error) => {
            WriteError::NamespaceTerminating
        }
        (WriteTarget::Report(_) | WriteTarget::PolicyStatus, Some(409))
        | (WriteTarget::Report(Verb::Update) | WriteTarget::PolicyStatus, Some(404)) => WriteError::Outdated,
        _ => WriteError::Call(error),
    }
}

/// Whether there is nothing left to delete.
fn is_gone(verb: Verb, error: &CallError) -> bool {
    verb == Verb::Delete && error.code() == Some(404)
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;
    use crate::state::TermLimits;
    use crate::state::metrics::Metrics;

    #[tokio::test]
    async fn a_replica_that_does_not_lead_sends_nothing() {
        let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
        let leadership = Leadership::default();
        let writer = ClusterWriter::new(leadership.clone(), metrics.clone());
        let target = WriteTarget::Report(Verb::Create);
        assert!(matches!(writer.write(target, async { Ok(7) }).await, Ok(7)));
        leadership.give_up();
        for target in [target, WriteTarget::PolicyStatus, WriteTarget::Event, WriteTarget::Proofs] {
            let answer = writer.write::<()>(target, async { panic!("sent") }).await;
            assert!(matches!(answer, Err(WriteError::NotLeading)));
        }
        assert_eq!(metrics.report_writes.with_label_values(&["create", "ok"]).get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_is_waited_for_and_given_up_before_another_replica_may_lead() {
        let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
        let leadership = Leadership::standby();
        let writer = ClusterWriter::new(leadership.clone(), metrics);
        let (begun, after) = (Instant::now(), Duration::from_secs);
        leadership.extend(TermLimits { begin_before: begun + after(2), end_before: begun + after(5) });
        let target = WriteTarget::Report(Verb::Create);
        let writing = async {
            let answer = writer.write::<()>(target, pending()).await;
            (answer.unwrap_err().category(), begun.elapsed())
        };
        let settling = async {
            tokio::time::sleep(after(1)).await;
            leadership.give_up();
            writer.settled().await;
            begun.elapsed()
        };
        let (written, settled) = tokio::join!(writing, settling);
        assert_eq!((written, settled), (("timeout", after(5)), after(5)));
        leadership.extend(TermLimits { begin_before: begun + after(20), end_before: begun + after(25) });
        assert!(writer.write(target, async { Ok(()) }).await.is_ok());
    }
}
