//! Which custom kinds are watched, and where.

use std::collections::BTreeSet;

use tagwatch_core::kinds::KindName;
use tagwatch_k8s::key::WorkloadKey;

/// The custom kinds whose objects are all known, by watched namespace or for all. A handful: looking through them takes
/// less than hashing a key.
#[derive(Debug, Default)]
pub(crate) struct WatchedCustomKinds(Vec<(KindName, BTreeSet<Option<Box<str>>>)>);

impl WatchedCustomKinds {
    /// Adds a kind. Returns whether it was not there.
    pub(crate) fn begin(&mut self, kind: &KindName, scope: Option<&str>) -> bool {
        let scope = scope.map(Box::from);
        if let Some((_, scopes)) = self.0.iter_mut().find(|(known, _)| known == kind) {
            return scopes.insert(scope);
        }
        self.0.push((kind.clone(), BTreeSet::from([scope])));
        true
    }

    /// Removes a kind in one scope: a namespace, or `None` for the whole cluster.
    pub(crate) fn end(&mut self, kind: &KindName, scope: Option<&str>) {
        let scope = scope.map(Box::from);
        self.0.retain_mut(|(known, scopes)| {
            if known == kind {
                scopes.remove(&scope);
            }
            !scopes.is_empty()
        });
    }

    /// Whether an object of this key would be known.
    pub(crate) fn covers(&self, key: &WorkloadKey) -> bool {
        let here = |scope: &Option<Box<str>>| scope.as_deref().is_none_or(|only| only == key.namespace());
        self.0.iter().any(|(kind, scopes)| key.is_of(&kind.group, &kind.kind) && scopes.iter().any(here))
    }
}
