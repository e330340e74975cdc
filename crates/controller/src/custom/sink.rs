//! Where the events of custom kinds go: into the index, as long as the watch is wanted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::PartialObjectMeta;
use kube_runtime::watcher::{self, Event};
use tagwatch_core::kinds::{CustomKind, TemplatePath};
use tagwatch_k8s::slim::{CustomObject, SlimCustom};
use tokio::time::Instant;

use super::states::{Place, State};
use crate::controller::Controller;
use crate::index::{Index, Node, WorkloadKey, custom_node};
use crate::watch::{Flow, Sink, refusal_code};

/// How long a watch that was in order may be refused before its objects are given up: an API server that is starting
/// refuses everybody until it knows the roles.
const FORBIDDEN_GRACE: Duration = Duration::from_secs(30);

/// What is watched, and in which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) kind: Arc<CustomKind>,
    pub(super) api_version: String,
    pub(super) paths: Vec<TemplatePath>,
}

/// An object of a custom kind, or its metadata alone.
pub(super) trait CustomItem {
    /// The object as the index keeps it.
    fn into_parts(self, target: &Target) -> (Node, Option<SlimCustom>);

    /// Its metadata.
    fn metadata(&self) -> &ObjectMeta;
}

impl CustomItem for CustomObject {
    fn into_parts(self, target: &Target) -> (Node, Option<SlimCustom>) {
        let mut node = custom_node(self.metadata(), &target.api_version, &target.kind);
        let object = SlimCustom::read(self, &target.kind, &target.paths);
        for remark in object.remarks() {
            tracing::debug!(workload = ?node.key, remark, "a template of this object cannot be read");
        }
        node.wants_pods = !object.is_finished();
        (node, Some(object))
    }

    fn metadata(&self) -> &ObjectMeta {
        self.metadata()
    }
}

impl CustomItem for PartialObjectMeta<CustomObject> {
    fn into_parts(self, target: &Target) -> (Node, Option<SlimCustom>) {
        (custom_node(&self.metadata, &target.api_version, &target.kind), None)
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }
}

/// Feeds the index from one watch of a custom kind.
pub(super) struct CustomSink {
    controller: Arc<Controller>,
    target: Arc<Target>,
    place: Place,
    /// False once the watch is not wanted any more. Written under the lock of the index.
    wanted: Arc<AtomicBool>,
    listed: Vec<(Node, Option<SlimCustom>)>,
    refused_since: Option<Instant>,
}

impl CustomSink {
    pub(super) fn new(
        controller: Arc<Controller>,
        target: Arc<Target>,
        place: Place,
        wanted: Arc<AtomicBool>,
    ) -> Self {
        Self { controller, target, place, wanted, listed: Vec::new(), refused_since: None }
    }

    /// Changes the index and asks for what that affects, unless the watch is not wanted any more.
    fn change<A: IntoIterator<Item = WorkloadKey>>(&self, act: impl FnOnce(&mut Index) -> A) -> Flow {
        let mut index = self.controller.index.lock();
        if !self.wanted.load(Ordering::Relaxed) {
            return Flow::Stop;
        }
        let before = index.custom.unread_kinds();
        let affected = act(&mut index);
        let unread = index.custom.unread_kinds();
        drop(index);
        self.controller.queue.now(affected);
        self.tell_unread(&before, &unread);
        Flow::Continue
    }

    /// A kind whose paths lead to no template is named once, and in the status of the policy: its images are not judged.
    fn tell_unread(&self, before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) {
        for (kind, remark) in now.iter().filter(|(kind, _)| !before.contains_key(*kind)) {
            tracing::warn!(
                kind,
                remark,
                "a custom kind holds its pod templates elsewhere than its template paths say"
            );
        }
        if !before.keys().eq(now.keys()) {
            self.controller.notify_policy_changed();
        }
    }

    fn finish_list(&mut self) -> Flow {
        let objects = std::mem::take(&mut self.listed);
        let (kind, scope) = (&self.place.0, self.place.1.as_deref());
        let count = objects.len();
        let mut begun = false;
        let flow = self.change(|index| {
            let affected = index.list_custom(kind, scope, objects);
            begun = index.owners.begin_custom(kind, scope);
            affected
        });
        if begun {
            tracing::info!(%kind, version = self.target.api_version, objects = count, "watching a custom kind");
            // Whatever stood under an owner that nobody knew may stand elsewhere now.
            self.controller.queue.now(self.controller.everything());
        }
        if flow == Flow::Continue {
            self.controller.mark_custom_kind(&self.place, Some(State::Watching));
        }
        flow
    }
}

impl<K: CustomItem> Sink<K> for CustomSink {
    fn event(&mut self, event: Event<K>) -> Flow {
        if !matches!(event, Event::Init | Event::InitApply(_)) {
            self.refused_since = None;
        }
        match event {
            Event::Init => {
                self.listed.clear();
                Flow::Continue
            }
            Event::InitApply(item) => {
                self.listed.push(item.into_parts(&self.target));
                Flow::Continue
            }
            Event::InitDone => self.finish_list(),
            Event::Apply(item) => {
                let (node, object) = item.into_parts(&self.target);
                self.change(|index| index.apply_custom(node, object))
            }
            Event::Delete(item) => {
                let uid = item.metadata().uid.clone().unwrap_or_default();
                self.change(|index| index.delete_custom(&uid))
            }
        }
    }

    /// Ends the watch where there is no right to it, and where its kind is gone; whoever began it looks further.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        let states = &self.controller.custom;
        match refusal_code(error) {
            Some(404) => Flow::Stop,
            Some(403) => {
                let since = *self.refused_since.get_or_insert_with(Instant::now);
                let watching = states.state(&self.place) == Some(State::Watching);
                if watching && since.elapsed() < FORBIDDEN_GRACE {
                    return Flow::Continue;
                }
                self.controller.mark_custom_kind(&self.place, Some(State::Forbidden));
                Flow::Stop
            }
            _ => {
                if states.state(&self.place) == Some(State::Listing) {
                    self.controller.mark_custom_kind(&self.place, Some(State::Failing));
                }
                Flow::Continue
            }
        }
    }
}
