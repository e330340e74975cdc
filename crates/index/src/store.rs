//! Where objects are read.

use std::sync::Arc;

use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimObject;

/// The watched objects that hold templates, as a reflector keeps them.
pub trait ObjectStore {
    /// The object of a key, if the store holds the one with its UID.
    fn get(&self, key: &WorkloadKey) -> Option<Arc<SlimObject>>;
}
