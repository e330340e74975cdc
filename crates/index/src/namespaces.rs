//! Namespaces: their labels and annotations, which decide on scope, exemptions and metric labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tagwatch_core::workload::Namespace;

/// Every namespace, by name.
#[derive(Debug, Default)]
pub(crate) struct NamespaceIndex(BTreeMap<Box<str>, Arc<Namespace>>);

impl NamespaceIndex {
    /// Takes a namespace in. Returns whether it is another one for judging.
    pub(crate) fn apply(&mut self, name: &str, namespace: Namespace) -> bool {
        if self.get(name).is_some_and(|known| **known == namespace) {
            return false;
        }
        self.0.insert(name.into(), Arc::new(namespace));
        true
    }

    /// Forgets a namespace; its objects are deleted by events of their own.
    pub(crate) fn delete(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Forgets every namespace that a complete list did not name.
    pub(crate) fn retain(&mut self, listed: &BTreeSet<Box<str>>) {
        self.0.retain(|name, _| listed.contains(name));
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Namespace>)> {
        self.0.iter().map(|(name, namespace)| (&**name, namespace))
    }

    /// What is known of a namespace; `None` where namespaces may not be read.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Namespace>> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(team: &str) -> Namespace {
        Namespace { labels: [("team".to_owned(), team.to_owned())].into(), ..Namespace::default() }
    }

    #[test]
    fn only_what_judging_asks_for_is_a_change() {
        let mut index = NamespaceIndex::default();
        assert!(index.apply("shop", labelled("a")));
        assert!(!index.apply("shop", labelled("a")));
        assert!(index.apply("shop", labelled("b")));
        index.retain(&["mail".into()].into());
        assert!(index.get("shop").is_none());
    }
}
