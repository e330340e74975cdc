//! The stores of kube-runtime's reflectors, by kind: where the reconcile loop reads workload objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube_runtime::reflector::{ObjectRef, Store};
use tagwatch_k8s::kind::{TemplateKind, WatchedKind};
use tagwatch_k8s::slim::{SlimObject, SlimWorkload};

use crate::index::WorkloadKey;

/// An object out of a store, whatever its kind.
pub(crate) type StoredObject = Arc<dyn SlimObject + Send + Sync>;

/// Reads one store.
pub(crate) trait Read: Send + Sync {
    fn get(&self, namespace: &str, name: &str) -> Option<StoredObject>;
}

impl<K: TemplateKind> Read for Store<SlimWorkload<K>> {
    fn get(&self, namespace: &str, name: &str) -> Option<StoredObject> {
        let object = Store::get(self, &ObjectRef::new(name).within(namespace))?;
        Some(object)
    }
}

/// One store for each watched kind and namespace (or for all namespaces at once).
#[derive(Default)]
pub(crate) struct Stores(BTreeMap<WatchedKind, Vec<Box<dyn Read>>>);

impl Stores {
    pub(crate) fn add(&mut self, kind: WatchedKind, store: Box<dyn Read>) {
        self.0.entry(kind).or_default().push(store);
    }

    /// The object of a key, if the store holds the one with its UID.
    pub(crate) fn get(&self, key: &WorkloadKey) -> Option<StoredObject> {
        let kind = WatchedKind::find(key.api_version(), key.kind())?;
        let mut stores = self.0.get(&kind)?.iter();
        stores
            .find_map(|store| store.get(key.namespace(), key.name()))
            .filter(|object| object.uid() == key.uid())
    }
}
