//! How far the watch of a custom kind has come.

use std::sync::Arc;

use kube_runtime::watcher;
use tagwatch_k8s::served::ServedKind;

use crate::observe::objects::WatchProgress;
use crate::observe::rights::Refusals;
use crate::observe::stats::refusal_code;
use crate::observe::watch::Flow;
use crate::state::{CustomWatches, WatchScope, WatchState};

/// Reports the state of one watch of a custom kind.
pub(super) struct CustomProgress {
    custom: Arc<CustomWatches>,
    served: Arc<ServedKind>,
    scope: WatchScope,
    refusals: Refusals,
}

impl CustomProgress {
    pub(super) fn new(
        custom: Arc<CustomWatches>,
        served: Arc<ServedKind>,
        scope: WatchScope,
        refusals: Refusals,
    ) -> Self {
        Self { custom, served, scope, refusals }
    }

    fn set(&self, state: WatchState) {
        self.custom.set(&self.scope, Some(state));
    }
}

impl WatchProgress for CustomProgress {
    fn mark_progress(&mut self) {
        self.refusals.mark_worked();
    }

    fn mark_listed(&mut self, objects: usize, is_new: bool) {
        if is_new {
            let version = &self.served.resource.api_version;
            tracing::info!(kind = %self.scope.kind, version, objects, "watching a custom kind");
        }
        self.set(WatchState::Watching);
    }

    /// Ends the watch where there is no right to it, and where its kind is gone; its task decides what comes next.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        match refusal_code(error) {
            Some(404) => Flow::Stop,
            Some(403) => {
                let flow = self.refusals.mark_failed(error);
                if flow == Flow::Stop {
                    self.set(WatchState::Forbidden);
                }
                flow
            }
            _ => {
                if self.custom.state(&self.scope) == Some(WatchState::Listing) {
                    self.set(WatchState::Failing);
                }
                Flow::Continue
            }
        }
    }
}
