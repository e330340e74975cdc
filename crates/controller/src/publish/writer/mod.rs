//! The one way to change anything in the cluster: reports, proofs, the status of the policy and events. Every write asks
//! the gate, keeps to one rate and one time limit, and is counted by outcome.

mod gate;

use std::future::Future;
use std::time::Duration;

use leaky_bucket::RateLimiter;
use tagwatch_client::{CALL_LIMIT, CallError, call};
use thiserror::Error;

use crate::state::metrics::ControllerMetrics;
use gate::WriteGate;

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
    /// This process may not write.
    #[error("this replica may not write")]
    GateClosed,
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
            Self::GateClosed | Self::Outdated | Self::NamespaceTerminating => None,
        }
    }

    /// For how long the API server asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call(error) => error.retry_after(),
            Self::GateClosed | Self::Outdated | Self::NamespaceTerminating => None,
        }
    }

    /// A label for metrics and logs, from a small fixed set.
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::GateClosed => "gate_closed",
            Self::Outdated => "conflict",
            Self::NamespaceTerminating => "namespace_terminating",
            Self::Call(error) => error.category(),
        }
    }
}

/// Sends each write to the API server behind one gate and one rate limit, and counts its outcome.
pub(crate) struct ClusterWriter {
    gate: WriteGate,
    rate: RateLimiter,
    metrics: ControllerMetrics,
}

impl ClusterWriter {
    pub(crate) fn new(metrics: ControllerMetrics) -> Self {
        let interval = Duration::from_millis(100);
        let rate = RateLimiter::builder()
            .initial(BURST)
            .max(BURST)
            .refill(WRITES_PER_SECOND / 10)
            .interval(interval)
            .build();
        Self { gate: WriteGate::default(), rate, metrics }
    }

    /// Sends one change to the API server. `change` is not polled while the gate is closed.
    pub(crate) async fn write<T>(
        &self,
        target: WriteTarget,
        change: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, WriteError> {
        self.rate.acquire_one().await;
        // Behind the wait, during which the gate may have closed.
        if !self.gate.is_open() {
            return Err(WriteError::GateClosed);
        }
        let answer = call(CALL_LIMIT, change).await;
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

    /// From now on nothing is written.
    #[cfg(test)]
    pub(crate) fn close_gate(&self) {
        self.gate.close();
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
    use super::*;
    use crate::state::metrics::Metrics;

    #[tokio::test]
    async fn a_closed_gate_lets_nothing_through() {
        let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
        let writer = ClusterWriter::new(metrics.clone());
        let target = WriteTarget::Report(Verb::Create);
        assert!(matches!(writer.write(target, async { Ok(7) }).await, Ok(7)));
        writer.close_gate();
        for target in [target, WriteTarget::PolicyStatus, WriteTarget::Event, WriteTarget::Proofs] {
            let answer = writer.write::<()>(target, async { panic!("sent") }).await;
            assert!(matches!(answer, Err(WriteError::GateClosed)));
        }
        assert_eq!(metrics.report_writes.with_label_values(&["create", "ok"]).get(), 1);
    }
}
