//! The workload objects that were listed.

use std::collections::HashMap;
use std::sync::Arc;

use tagwatch_index::{ObjectStore, WorkloadKey};
use tagwatch_k8s::slim::SlimObject;

/// Objects that hold templates, by their keys.
#[derive(Debug, Default)]
pub(super) struct Objects(HashMap<WorkloadKey, Arc<SlimObject>>);

impl Objects {
    /// Keeps those of a list that say something by themselves.
    pub(super) fn keep(&mut self, objects: Vec<Arc<SlimObject>>) {
        let speaking = objects.into_iter().filter(|object| !object.is_silent());
        self.0.extend(speaking.map(|object| (object.key().clone(), object)));
    }
}

impl ObjectStore for Objects {
    fn get(&self, key: &WorkloadKey) -> Option<Arc<SlimObject>> {
        self.0.get(key).cloned()
    }
}
