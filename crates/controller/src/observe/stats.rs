//! What a watch reports of itself: metrics, and a log line when it breaks and when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kube_runtime::watcher;
use tagwatch_client::describe;

use crate::state::metrics::ControllerMetrics;

/// Counters of one watch.
#[derive(Debug, Clone)]
pub(crate) struct WatchStats {
    resource: Arc<str>,
    metrics: ControllerMetrics,
    broken: Arc<AtomicBool>,
}

impl WatchStats {
    pub(crate) fn new(resource: impl Into<Arc<str>>, metrics: ControllerMetrics) -> Self {
        Self { resource: resource.into(), metrics, broken: Arc::new(AtomicBool::new(false)) }
    }

    /// Plural name of the watched resource.
    pub(crate) fn resource(&self) -> &str {
        &self.resource
    }

    pub(crate) fn started(&self) {
        self.metrics.watch_starts.with_label_values(&[self.resource()]).inc();
    }

    /// Logs the first failure loudly; the ones that follow until the watch is back only at debug level.
    pub(crate) fn failed(&self, error: &watcher::Error) {
        let reason = category(error);
        self.metrics.watch_errors.with_label_values(&[self.resource(), reason]).inc();
        if self.broken.swap(true, Ordering::Relaxed) {
            tracing::debug!(resource = self.resource(), reason, error = text(error), "watch still failing");
        } else {
            tracing::warn!(
                resource = self.resource(),
                reason,
                error = text(error),
                "watch failed; trying again"
            );
        }
    }

    pub(crate) fn recovered(&self) {
        if self.broken.swap(false, Ordering::Relaxed) {
            tracing::info!(resource = self.resource(), "watch is back");
        }
    }
}

fn text(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => describe(error),
        watcher::Error::WatchError(status) => {
            format!("{} ({} {})", status.message, status.code, status.reason)
        }
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

/// The HTTP status by which the API server refused a watch or its list.
pub(crate) fn refusal_code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    }
}

/// A label for metrics, from a small fixed set.
fn category(error: &watcher::Error) -> &'static str {
    match refusal_code(error) {
        Some(403) => "forbidden",
        Some(404) => "not_found",
        Some(410) => "expired",
        Some(429) => "throttled",
        Some(400..=499) => "refused",
        Some(_) => "server_error",
        None if matches!(error, watcher::Error::NoResourceVersion) => "no_resource_version",
        None => "unreachable",
    }
}
