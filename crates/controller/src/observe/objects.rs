//! Watches of objects, built-in and custom: kube-runtime's reflector keeps the store, and the owner index changes with
//! it, under one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kube_runtime::reflector::Store;
use kube_runtime::reflector::store::{Writer, store};
use kube_runtime::watcher::{self, Event};
use tagwatch_index::{Index, WorkloadKey};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{SlimObject, WireObject};

use super::Observer;
use super::watch::{Flow, Sink};
use crate::state::{StatusTracker, Stored, reference};

/// Follows how far a watch has come.
pub(super) trait WatchProgress: Send {
    /// A list is complete, or an object has changed.
    fn mark_progress(&mut self) {}

    /// Every object is known: so many, of a kind that may not have been watched before.
    fn mark_listed(&mut self, objects: usize, is_new: bool);

    /// The watch failed and will be tried again, unless this stops it.
    fn failed(&mut self, _error: &watcher::Error) -> Flow {
        Flow::Continue
    }
}

/// Feeds one store and the index from one watch.
pub(super) struct ObjectSink {
    observer: Observer,
    served: Arc<ServedKind>,
    scope: Option<String>,
    progress: Box<dyn WatchProgress>,
    writer: Writer<Stored>,
    store: Store<Stored>,
    listed: Vec<SlimObject>,
    /// False once the watch is not wanted any more. Written under the lock of the index.
    wanted: Arc<AtomicBool>,
}

impl ObjectSink {
    pub(super) fn new(
        observer: Observer,
        served: Arc<ServedKind>,
        scope: Option<String>,
        wanted: Arc<AtomicBool>,
        progress: Box<dyn WatchProgress>,
    ) -> Self {
        let (store, writer) = store();
        Self { observer, served, scope, progress, writer, store, listed: Vec::new(), wanted }
    }

    fn read(&self, object: &WireObject) -> SlimObject {
        let object = SlimObject::read(object, &self.served);
        for remark in object.remarks() {
            tracing::debug!(workload = ?object.key(), remark, "a template of this object cannot be read");
        }
        object
    }

    /// Changes the store and the index, and asks for the evaluations that this needs, unless the watch is not wanted any
    /// more.
    fn change(&mut self, act: impl FnOnce(&mut Self, &mut Index) -> Affected) -> Flow {
        let shared = Arc::clone(&self.observer.index);
        let mut index = shared.lock();
        if !self.wanted.load(Ordering::Relaxed) {
            return Flow::Stop;
        }
        let before = index.misread_kinds();
        let affected = act(self, &mut index);
        let misread = index.misread_kinds();
        drop(index);
        self.observer.queue.request(affected);
        report_misread(&self.observer.status, &before, &misread);
        Flow::Continue
    }

    /// Takes over a complete list. Until then the store of an earlier watch of the kind is read.
    fn finish_list(&mut self) -> Flow {
        let objects = std::mem::take(&mut self.listed);
        let count = objects.len();
        let mut is_new = false;
        let flow = self.change(|sink, index| {
            let (kind, scope) = (&sink.served.kind, sink.scope.as_deref());
            let (objects, affected) = index.apply_list(&kind.name, scope, objects);
            is_new = index.begin_kind(kind, scope);
            sink.writer.apply_watcher_event(&Event::Init);
            for object in objects.into_iter().filter(|object| !object.is_silent()) {
                sink.writer.apply_watcher_event(&Event::InitApply(Stored(object)));
            }
            sink.writer.apply_watcher_event(&Event::InitDone);
            sink.observer.stores.put(&kind.name, scope, sink.store.clone());
            affected
        });
        if flow == Flow::Continue {
            if is_new {
                // What was reported under an owner that was not watched may be reported elsewhere now.
                self.observer.queue.request_all();
            }
            self.progress.mark_listed(count, is_new);
        }
        flow
    }

    fn apply(&mut self, object: SlimObject, index: &mut Index) -> Affected {
        let before = self.store.get(&reference(object.key()));
        let (object, affected) = index.apply_object(object, before.as_ref().map(|before| &*before.0));
        let is_silent = object.is_silent();
        let stored = Stored(object);
        let event = if is_silent { Event::Delete(stored) } else { Event::Apply(stored) };
        self.writer.apply_watcher_event(&event);
        affected
    }

    fn delete(&mut self, object: SlimObject, index: &mut Index) -> Affected {
        let affected = index.delete_object(object.key());
        self.writer.apply_watcher_event(&Event::Delete(Stored(Arc::new(object))));
        affected
    }
}

type Affected = BTreeSet<WorkloadKey>;

/// A kind whose paths lead to no template is named once, and in the status of the policy: its images are not judged.
fn report_misread(status: &StatusTracker, before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) {
    for (kind, remark) in now.iter().filter(|(kind, _)| !before.contains_key(*kind)) {
        tracing::warn!(
            kind,
            remark,
            "a custom kind holds its pod templates elsewhere than its template paths say"
        );
    }
    if !before.keys().eq(now.keys()) {
        status.notify();
    }
}

impl Sink<WireObject> for ObjectSink {
    fn mark_progress(&mut self) {
        self.progress.mark_progress();
    }

    fn event(&mut self, event: Event<WireObject>) -> Flow {
        match event {
            Event::Init => {
                self.listed.clear();
                Flow::Continue
            }
            Event::InitApply(object) => {
                let mut object = self.read(&object);
                self.observer.index.lock().share_keys(&mut object);
                self.listed.push(object);
                Flow::Continue
            }
            Event::InitDone => self.finish_list(),
            Event::Apply(object) => {
                let object = self.read(&object);
                self.change(|sink, index| sink.apply(object, index))
            }
            Event::Delete(object) => {
                let object = self.read(&object);
                self.change(|sink, index| sink.delete(object, index))
            }
        }
    }

    fn failed(&mut self, error: &watcher::Error) -> Flow {
        self.progress.failed(error)
    }
}
