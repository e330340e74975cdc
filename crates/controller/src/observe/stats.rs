//! What a watch reports of itself: metrics, and a log line when it breaks and when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kube::core::Status;
use kube_runtime::watcher;
use tagwatch_client::describe;
use tokio::sync::OwnedSemaphorePermit;

use crate::state::metrics::ControllerMetrics;
use crate::state::{FailureKind, Need, Watch, WatchRegistry};

/// The reason where an initial state does not come.
const SILENT: &str = "silent";
/// The reason where there is no right.
const FORBIDDEN: &str = "forbidden";

/// Counters and state of one watch.
#[derive(Clone)]
pub(crate) struct WatchStats {
    resource: Arc<str>,
    metrics: ControllerMetrics,
    registry: WatchRegistry,
    watch: Arc<Watch>,
    broken: Arc<AtomicBool>,
}

impl WatchStats {
    /// Of a watch of a resource in one namespace, or in all.
    pub(crate) fn new(
        resource: impl Into<Arc<str>>,
        scope: Option<&str>,
        need: Need,
        registry: &WatchRegistry,
        metrics: ControllerMetrics,
    ) -> Self {
        let resource = resource.into();
        let watch = registry.begin(&resource, scope, need);
        let registry = registry.clone();
        Self { resource, metrics, registry, watch, broken: Arc::new(AtomicBool::new(false)) }
    }

    /// Plural name of the watched resource.
    pub(crate) fn resource(&self) -> &str {
        &self.resource
    }

    pub(crate) fn started(&self) {
        self.watch.mark_running();
        self.metrics.watch_starts.with_label_values(&[self.resource()]).inc();
    }

    /// The turn to list all objects, for as long as it is kept.
    pub(super) async fn list_turn(&self) -> Option<OwnedSemaphorePermit> {
        self.registry.list_turn().await
    }

    pub(super) fn mark_event(&self) {
        self.watch.mark_event();
    }

    /// The watch has ended. Its owner reports why.
    pub(super) fn ended(&self) {
        self.watch.mark_ended();
    }

    /// Its initial state is known, or not waited for.
    pub(super) fn listed(&self) {
        self.registry.mark_listed(&self.watch);
    }

    /// There is nothing to watch: its API is not served.
    pub(super) fn absent(&self) {
        self.watch.mark_ended();
        self.listed();
    }

    /// The watch has ended because there is no right to it, and begins again once there is.
    pub(super) fn forbidden(&self) {
        self.metrics.watch_errors.with_label_values(&[self.resource(), FORBIDDEN]).inc();
        self.registry.mark_forbidden(&self.watch, FORBIDDEN);
        if !self.broken.swap(true, Ordering::Relaxed) {
            let (resource, namespace) = (self.resource(), self.watch.scope());
            tracing::warn!(
                resource,
                namespace,
                reason = FORBIDDEN,
                "watch failed; trying again once there is a right to it"
            );
        }
    }

    /// Nothing came within the time for an initial state.
    pub(super) fn silent(&self) {
        self.metrics.watch_errors.with_label_values(&[self.resource(), SILENT]).inc();
        self.watch.mark_failed(SILENT, FailureKind::Passing);
    }

    /// Logs the first failure loudly; the ones that follow until the watch is back only at debug level.
    pub(crate) fn failed(&self, error: &watcher::Error) {
        let reason = category(error);
        self.metrics.watch_errors.with_label_values(&[self.resource(), reason]).inc();
        self.watch.mark_failed(reason, kind(error));
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
        self.watch.mark_settled();
        if self.broken.swap(false, Ordering::Relaxed) {
            tracing::info!(resource = self.resource(), "watch is back");
        }
    }
}

fn text(error: &watcher::Error) -> String {
    if is_undecodable(error) {
        return "an object cannot be decoded; its kind will be read anew".to_owned();
    }
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
    if is_undecodable(error) {
        return None;
    }
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    }
}

/// Whether an object of an answer cannot be decoded. An answer that was cut off is none of these.
pub(super) fn is_undecodable(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    let (InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error)) = error else {
        return false;
    };
    match error {
        kube::Error::SerdeError(error) => !error.is_eof(),
        // kube takes an event that it cannot decode for a `Status`, and reads one in which nothing is set.
        kube::Error::Api(status) => **status == Status::default(),
        _ => false,
    }
}

/// Where the API server understood the request and refused it, it says so each time until what it lacks is there. A watch
/// that expired or was throttled goes on by itself.
fn kind(error: &watcher::Error) -> FailureKind {
    match refusal_code(error) {
        Some(400..=407 | 409 | 411..=428 | 430..=499) => FailureKind::Refused,
        _ if is_undecodable(error) => FailureKind::Undecodable,
        _ => FailureKind::Passing,
    }
}

/// A label for metrics, from a small fixed set.
fn category(error: &watcher::Error) -> &'static str {
    match refusal_code(error) {
        Some(403) => FORBIDDEN,
        Some(404) => "not_found",
        Some(410) => "expired",
        Some(429) => "throttled",
        Some(400..=499) => "refused",
        Some(_) => "server_error",
        None if matches!(error, watcher::Error::NoResourceVersion) => "no_resource_version",
        None if is_undecodable(error) => "undecodable",
        None => "unreachable",
    }
}
