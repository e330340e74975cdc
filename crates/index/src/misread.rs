//! Custom kinds whose objects hold no template where one is expected.

use std::collections::{BTreeMap, HashSet};

use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimObject;

/// The objects that cannot be read, by `Kind.group`.
#[derive(Debug, Default)]
pub(crate) struct MisreadKinds(BTreeMap<String, Misread>);

#[derive(Debug)]
struct Misread {
    /// What is wrong with one of the objects.
    remark: String,
    objects: HashSet<WorkloadKey>,
}

impl MisreadKinds {
    /// The kinds, each with what is wrong with one of its objects.
    pub(crate) fn remarks(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(kind, unread)| (kind.clone(), unread.remark.clone())).collect()
    }

    /// Takes an object in.
    pub(crate) fn apply(&mut self, object: &SlimObject) {
        let key = object.key();
        if !object.is_unread() {
            return self.remove(key);
        }
        let remark = object.remarks().first().cloned().unwrap_or_default();
        let empty = Misread { remark, objects: HashSet::new() };
        self.0.entry(key.kind_and_group()).or_insert(empty).objects.insert(key.clone());
    }

    /// Removes an object, whichever kind and group it is kept under.
    pub(crate) fn remove(&mut self, key: &WorkloadKey) {
        if self.0.is_empty() {
            return;
        }
        let kind = key.kind_and_group();
        let Some(unread) = self.0.get_mut(&kind) else { return };
        unread.objects.remove(key);
        if unread.objects.is_empty() {
            self.0.remove(&kind);
        }
    }

    /// Keeps these objects alone.
    pub(crate) fn retain(&mut self, keep: impl Fn(&WorkloadKey) -> bool) {
        self.0.retain(|_, unread| {
            unread.objects.retain(|key| keep(key));
            !unread.objects.is_empty()
        });
    }
}
