//! Watches of workload objects: kube-runtime's reflector keeps the store, and the owner index learns of every
//! change.

use std::collections::HashSet;
use std::sync::Arc;

use kube_runtime::reflector::{ObjectRef, Store, store::Writer};
use kube_runtime::watcher::Event;
use tagwatch_k8s::kind::TemplateKind;
use tagwatch_k8s::slim::{SlimObject, SlimWorkload};

use super::{Flow, Sink};
use crate::controller::Controller;
use crate::index::{Node, Top, key_of, node_of, place};
use crate::readiness::ReadyToken;

/// Feeds one store and the owner index from one watch.
pub(crate) struct WorkloadSink<K: TemplateKind> {
    controller: Arc<Controller>,
    scope: Option<String>,
    ready: ReadyToken,
    writer: Writer<SlimWorkload<K>>,
    store: Store<SlimWorkload<K>>,
    listed: Vec<Node>,
}

impl<K: TemplateKind> WorkloadSink<K> {
    pub(crate) fn new(
        controller: Arc<Controller>,
        scope: Option<String>,
        ready: ReadyToken,
        writer: Writer<SlimWorkload<K>>,
    ) -> Self {
        let store = writer.as_reader();
        Self { controller, scope, ready, writer, store, listed: Vec::new() }
    }

    /// Takes over a complete list. What it does not name is gone, though no event said so; the rest is
    /// evaluated, since nobody knows what changed meanwhile.
    fn finish_list(&mut self) {
        self.writer.apply_watcher_event(&Event::InitDone);
        let nodes = std::mem::take(&mut self.listed);
        let uids: HashSet<Arc<str>> = nodes.iter().map(|node| node.key.uid().into()).collect();
        let mut index = self.controller.index.lock();
        let mut affected = index.owners.retain(kind_of::<K>(), self.scope.as_deref(), &uids);
        let keys: Vec<_> = nodes.iter().map(|node| node.key.clone()).collect();
        for node in nodes {
            affected.extend(index.owners.apply(node));
        }
        for key in keys {
            if let Top::Workload(top) = index.owners.top(&key) {
                affected.insert(top);
            }
        }
        drop(index);
        self.controller.queue.now(affected);
        self.ready.ready();
    }

    fn apply(&mut self, object: SlimWorkload<K>) {
        let judged_alike = self.stored(&object).is_some_and(|known| judged_alike(&known, &object));
        let node = node_of(&object);
        let key = node.key.clone();
        self.writer.apply_watcher_event(&Event::Apply(object));
        let mut index = self.controller.index.lock();
        let mut affected = index.owners.apply(node);
        if !judged_alike && let Top::Workload(top) = index.owners.top(&key) {
            affected.insert(top);
        }
        drop(index);
        self.controller.queue.now(affected);
    }

    fn delete(&mut self, object: SlimWorkload<K>) {
        let key = key_of(&object);
        self.writer.apply_watcher_event(&Event::Delete(object));
        let mut index = self.controller.index.lock();
        let affected = index.owners.delete(key.uid());
        drop(index);
        self.controller.queue.now(affected);
    }

    fn stored(&self, object: &SlimWorkload<K>) -> Option<Arc<SlimWorkload<K>>> {
        let (namespace, name) = place(SlimObject::metadata(object));
        self.store.get(&ObjectRef::new(name).within(namespace))
    }
}

impl<K: TemplateKind> Sink<SlimWorkload<K>> for WorkloadSink<K> {
    fn event(&mut self, event: Event<SlimWorkload<K>>) -> Flow {
        match event {
            Event::Init => {
                self.listed.clear();
                self.writer.apply_watcher_event(&Event::Init);
            }
            Event::InitApply(object) => {
                self.listed.push(node_of(&object));
                self.writer.apply_watcher_event(&Event::InitApply(object));
            }
            Event::InitDone => self.finish_list(),
            Event::Apply(object) => self.apply(object),
            Event::Delete(object) => self.delete(object),
        }
        Flow::Continue
    }
}

fn kind_of<K: TemplateKind>() -> (&'static str, &'static str) {
    (K::WATCHED.group(), K::WATCHED.kind())
}

/// Whether two states of an object get the same verdicts: most updates are of the status alone.
fn judged_alike<K: TemplateKind>(known: &SlimWorkload<K>, new: &SlimWorkload<K>) -> bool {
    known.uid() == new.uid()
        && known.images() == new.images()
        && known.is_finished() == new.is_finished()
        && known.is_rolled_out() == new.is_rolled_out()
        && known.restarted_at() == new.restarted_at()
        && known.ignore() == new.ignore()
        && known.template_ignore() == new.template_ignore()
}
