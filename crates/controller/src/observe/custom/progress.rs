//! How far the watch of a custom kind has come.

use std::sync::Arc;
use std::time::Duration;

use kube_runtime::watcher;
use tagwatch_k8s::served::ServedKind;
use tokio::time::Instant;

use crate::observe::objects::WatchProgress;
use crate::observe::stats::refusal_code;
use crate::observe::watch::Flow;
use crate::state::{CustomWatches, WatchScope, WatchState};

/// How long a watch that was in order may be refused before its objects are given up: an API server that is starting
/// refuses everything until it knows the roles.
const FORBIDDEN_GRACE: Duration = Duration::from_secs(30);

/// Reports the state of one watch of a custom kind.
pub(super) struct CustomProgress {
    custom: Arc<CustomWatches>,
    served: Arc<ServedKind>,
    scope: WatchScope,
    refused_since: Option<Instant>,
}

impl CustomProgress {
    pub(super) fn new(custom: Arc<CustomWatches>, served: Arc<ServedKind>, scope: WatchScope) -> Self {
        Self { custom, served, scope, refused_since: None }
    }

    fn set(&self, state: WatchState) {
        self.custom.set(&self.scope, Some(state));
    }
}

impl WatchProgress for CustomProgress {
    fn progressed(&mut self) {
        self.refused_since = None;
    }

    fn listed(&mut self, objects: usize, is_new: bool) {
        if is_new {
            let version = &self.served.resource.api_version;
            tracing::info!(kind = %self.scope.0, version, objects, "watching a custom kind");
        }
        self.set(WatchState::Watching);
    }

    /// Ends the watch where there is no right to it, and where its kind is gone; its task decides what comes next.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        let state = self.custom.state(&self.scope);
        match refusal_code(error) {
            Some(404) => Flow::Stop,
            Some(403) => {
                let since = *self.refused_since.get_or_insert_with(Instant::now);
                if state == Some(WatchState::Watching) && since.elapsed() < FORBIDDEN_GRACE {
                    return Flow::Continue;
                }
                self.set(WatchState::Forbidden);
                Flow::Stop
            }
            _ => {
                if state == Some(WatchState::Listing) {
                    self.set(WatchState::Failing);
                }
                Flow::Continue
            }
        }
    }
}
