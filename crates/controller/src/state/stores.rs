//! The stores of kube-runtime's reflectors, by kind: where the reconcile loop reads watched objects.

use std::borrow::Cow;
use std::sync::Arc;

use kube_runtime::reflector::{Lookup, ObjectRef, Store};
use parking_lot::RwLock;
use tagwatch_core::kinds::KindName;
use tagwatch_index::{ObjectStore, WorkloadKey};
use tagwatch_k8s::slim::SlimObject;

/// A watched object as a reflector stores it, by namespace and name.
#[derive(Debug, Clone)]
pub struct Stored(pub Arc<SlimObject>);

/// A store holds one kind, which is named beside it.
impl Lookup for Stored {
    type DynamicType = ();

    fn kind((): &()) -> Cow<'_, str> {
        "SlimObject".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "".into()
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some(self.0.key().name().into())
    }

    fn namespace(&self) -> Option<Cow<'_, str>> {
        Some(self.0.key().namespace().into())
    }

    // Kept in every reference of the store, and not compared.
    fn resource_version(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn uid(&self) -> Option<Cow<'_, str>> {
        None
    }
}

/// How a store names the object of a key.
pub(crate) fn reference(key: &WorkloadKey) -> ObjectRef<Stored> {
    ObjectRef::new(key.name()).within(key.namespace())
}

/// One store for each watched kind and namespace (or for all namespaces at once).
#[derive(Default)]
pub(crate) struct Stores(RwLock<Vec<KindStore>>);

struct KindStore {
    kind: KindName,
    scope: Option<String>,
    objects: Store<Stored>,
}

impl Stores {
    /// From now on objects of a kind are read here, instead of in the store of an earlier watch.
    pub(crate) fn put(&self, kind: &KindName, scope: Option<&str>, objects: Store<Stored>) {
        let mut stores = self.0.write();
        stores.retain(|store| !store.is_of(kind, scope));
        stores.push(KindStore { kind: kind.clone(), scope: scope.map(str::to_owned), objects });
    }

    /// A kind is not watched any more. Returns whether anything of it was read.
    pub(crate) fn remove(&self, kind: &KindName, scope: Option<&str>) -> bool {
        let mut stores = self.0.write();
        let before = stores.len();
        stores.retain(|store| !store.is_of(kind, scope));
        stores.len() < before
    }
}

impl ObjectStore for Stores {
    fn get(&self, key: &WorkloadKey) -> Option<Arc<SlimObject>> {
        let stores = self.0.read();
        let mut of_kind = stores.iter().filter(|store| key.is_of(&store.kind.group, &store.kind.kind));
        let found = of_kind.find_map(|store| store.objects.get(&reference(key)))?;
        (found.0.key() == key).then(|| Arc::clone(&found.0))
    }
}

impl KindStore {
    fn is_of(&self, kind: &KindName, scope: Option<&str>) -> bool {
        self.kind == *kind && self.scope.as_deref() == scope
    }
}
