//! A cluster in memory, from objects as the API server sends them.

#![expect(
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "a fixture of tests, whose calls read better with the JSON in place"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tagwatch_core::kinds::{KindName, Kinds, WorkloadKind, watched};
use tagwatch_k8s::ApiResource;
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{SlimObject, SlimPod, WireObject};

use crate::assemble::{Absence, Assembled, Collected};
use crate::index::Index;
use crate::store::ObjectStore;

/// An owner reference: API version, kind and name.
pub type Owner<'a> = (&'a str, &'a str, &'a str);

/// A Deployment that owns `ReplicaSet`s of [`workload`].
pub const WEB: Owner<'static> = ("apps/v1", "Deployment", "web");
/// An Argo Rollout, a custom kind that owns `ReplicaSet`s.
pub const ROLLOUT: Owner<'static> = ("argoproj.io/v1alpha1", "Rollout", "web");

/// The index and a store as the watches fill them.
#[derive(Debug)]
pub struct Cluster {
    /// The index under test.
    pub index: Index,
    /// The slim objects, in place of the stores that the watches fill.
    pub store: MemoryStore,
    /// What time it is.
    pub now: Timestamp,
}

/// Objects by group, kind, namespace and name.
#[derive(Debug, Default)]
pub struct MemoryStore(BTreeMap<[String; 4], Arc<SlimObject>>);

impl ObjectStore for MemoryStore {
    fn get(&self, key: &WorkloadKey) -> Option<Arc<SlimObject>> {
        self.0.get(&place(key)).filter(|object| object.key() == key).map(Arc::clone)
    }
}

fn place(key: &WorkloadKey) -> [String; 4] {
    [key.group(), key.kind(), key.namespace(), key.name()].map(str::to_owned)
}

impl Default for Cluster {
    fn default() -> Self {
        Self { index: Index::default(), store: MemoryStore::default(), now: Timestamp::UNIX_EPOCH }
    }
}

impl Cluster {
    /// Applies an object of a built-in kind.
    pub fn apply(&mut self, kind: &str, object: Value) -> WorkloadKey {
        let kind = watched().find(|known| known.kind() == kind).unwrap();
        self.apply_served(&ServedKind::built_in(kind), object).0
    }

    /// Applies an object of a custom kind of the table, which is watched from then on.
    pub fn apply_custom(&mut self, group: &str, kind: &str, object: Value) -> WorkloadKey {
        let kind = Arc::clone(Kinds::default().get(&KindName::new(group, kind)).unwrap());
        self.index.begin_kind(&kind, None);
        self.apply_served(&served(&kind), object).0
    }

    /// Applies an object of any kind. Returns its key and the workloads to be evaluated.
    pub fn apply_served(
        &mut self,
        served: &ServedKind,
        object: Value,
    ) -> (WorkloadKey, BTreeSet<WorkloadKey>) {
        let wire: WireObject = serde_json::from_str(&object.to_string()).unwrap();
        let object = SlimObject::read(&wire, served);
        let place = place(object.key());
        let before = self.store.0.get(&place).map(Arc::clone);
        let (object, affected) = self.index.apply_object(object, before.as_deref());
        let key = object.key().clone();
        if object.is_silent() {
            self.store.0.remove(&place);
        } else {
            self.store.0.insert(place, object);
        }
        (key, affected)
    }

    /// Deletes an object that is no Pod.
    pub fn delete(&mut self, key: &WorkloadKey) -> BTreeSet<WorkloadKey> {
        self.store.0.remove(&place(key));
        self.index.delete_object(key)
    }

    /// The watch of a custom kind ends.
    pub fn end_kind(&mut self, kind: &KindName) -> BTreeSet<WorkloadKey> {
        self.store.0.retain(|[group, name, ..], _| *group != kind.group || *name != kind.kind);
        self.index.end_kind(kind, None)
    }

    /// Applies a Pod. Returns its key.
    pub fn pod(&mut self, object: Value) -> WorkloadKey {
        let pod: SlimPod = serde_json::from_value(object).unwrap();
        self.index.apply_pod(&pod, self.now);
        pod.key()
    }

    /// Everything that could have a report.
    pub fn candidates(&self) -> BTreeSet<WorkloadKey> {
        let mut part = self.index.candidates(None);
        let mut found = part.found;
        while let Some(last) = part.last {
            part = self.index.candidates(Some(&last));
            found.append(&mut part.found);
        }
        found
    }

    /// What is judged under a key.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn assemble(&mut self, key: &WorkloadKey) -> Result<Assembled, Absence> {
        let collected = self.index.collect(key, &self.store, self.now);
        let prepared = collected.and_then(Collected::prepare).inspect_err(|_| self.index.forget(key))?;
        Ok(self.index.attach(prepared, self.now))
    }
}

/// A custom kind in its preferred version.
pub fn served(kind: &Arc<WorkloadKind>) -> ServedKind {
    let resource = ApiResource {
        group: kind.group().to_owned(),
        version: kind.versions[0].version.clone(),
        api_version: kind.api_version(),
        kind: kind.kind().to_owned(),
        plural: kind.plural.to_owned(),
    };
    ServedKind::new(Arc::clone(kind), resource)
}

/// Metadata of an object in the namespace `shop`.
pub fn metadata(name: &str, owner: Option<Owner<'_>>) -> Value {
    let owners: Vec<Value> = owner
        .into_iter()
        .map(|(api_version, kind, name)| {
            json!({ "apiVersion": api_version, "kind": kind, "name": name, "uid": uid(name), "controller": true })
        })
        .collect();
    json!({ "name": name, "namespace": "shop", "uid": uid(name), "ownerReferences": owners })
}

/// The UID of an object of this name.
pub fn uid(name: &str) -> String {
    format!("uid-of-{name}")
}

/// A pod spec with containers of these names and images.
pub fn containers(all: &[(&str, &str)]) -> Value {
    let list = all
        .iter()
        .map(|(name, image)| json!({ "name": name, "image": image, "imagePullPolicy": "IfNotPresent" }));
    json!({ "containers": list.collect::<Vec<_>>() })
}

/// An object with a pod template.
pub fn workload(name: &str, owner: Option<Owner<'_>>, replicas: i32, all: &[(&str, &str)]) -> Value {
    json!({
        "metadata": metadata(name, owner),
        "spec": { "replicas": replicas, "template": { "spec": containers(all) } },
    })
}

/// A Pod as the API server sends it, without container statuses.
pub fn pod(name: &str, owner: Option<Owner<'_>>, phase: &str, all: &[(&str, &str)]) -> Value {
    json!({ "metadata": metadata(name, owner), "spec": containers(all), "status": { "phase": phase } })
}

/// The key of [`ROLLOUT`].
pub fn rollout() -> WorkloadKey {
    WorkloadKey::new(ROLLOUT.0, ROLLOUT.1, "shop", ROLLOUT.2, uid(ROLLOUT.2))
}

/// An Argo Rollout with this spec.
pub fn rollout_object(spec: &Value) -> Value {
    json!({ "metadata": metadata("web", None), "spec": spec })
}

/// A pod template of one container without a pull policy.
pub fn unset(name: &str, image: &str) -> Value {
    json!({ "spec": { "containers": [{ "name": name, "image": image }] } })
}
