//! Parts of a policy that have no effect, since nothing in the cluster matches them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Policy;
use super::path::FieldPath;
use super::selector::{Decision, selects};
use super::spec::LabelSelector;
use crate::text::UntrustedText;
use crate::workload::Namespace;

/// A namespace with its name.
pub type NamedNamespace = (UntrustedText, Arc<Namespace>);

/// A part of a policy that has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecRemark {
    /// The field.
    pub path: FieldPath,
    /// Why it has no effect; safe for a terminal.
    pub message: &'static str,
}

/// How many of the namespaces something matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matched {
    None,
    Some,
    All,
}

impl Matched {
    /// Of namespaces, whether each is matched. With one, nothing is said of all: an instance that watches one namespace
    /// knows no other.
    fn of(namespaces: impl Iterator<Item = bool>) -> Self {
        let matched: Vec<bool> = namespaces.collect();
        if !matched.contains(&true) {
            Self::None
        } else if matched.len() > 1 && !matched.contains(&false) {
            Self::All
        } else {
            Self::Some
        }
    }
}

impl Policy {
    /// Whether the scope leaves out all of these namespaces, so that nothing is judged.
    pub fn is_scope_empty(&self, namespaces: &[NamedNamespace]) -> bool {
        !namespaces.is_empty()
            && namespaces
                .iter()
                .all(|(name, namespace)| self.includes(Some(name), Some(&namespace.labels)) == Decision::No)
    }

    /// The overrides that were not applied to any container, and the globs, selectors and labels that match none of these
    /// namespaces, or that restrict nothing because they match all, in the order of the fields. Without namespaces, which may
    /// not be known, nothing is said of them.
    pub fn without_effect(
        &self,
        namespaces: &[NamedNamespace],
        overrides_used: &BTreeSet<usize>,
    ) -> Vec<SpecRemark> {
        let mut remarks = Vec::new();
        let mut remark = |path: FieldPath, message| remarks.push(SpecRemark { path, message });
        let root = FieldPath::default();
        let selected = |selector: &LabelSelector| {
            let decisions =
                namespaces.iter().map(|(_, namespace)| selects(Some(selector), Some(&namespace.labels)));
            Matched::of(decisions.map(|decision| decision == Decision::Yes))
        };
        let names: Vec<&str> = namespaces.iter().map(|(name, _)| name.raw()).collect();
        let are_known = !namespaces.is_empty();
        if are_known {
            let scope = root.field("scope");
            if self.is_scope_empty(namespaces) {
                remark(scope.clone(), "it matches no namespace, so nothing is checked");
            }
            for (field, index) in self.scope.unmatched(&names) {
                remark(scope.field(field).index(index), "it matches no namespace");
            }
            for index in self.scope.unrestricting(&names) {
                let path = scope.field("namespaces").index(index);
                remark(path, "it matches every namespace, so the list leaves none out");
            }
            match self.scope.selector().map(selected) {
                Some(Matched::None) => {
                    remark(scope.field("namespaceSelector"), "no namespace has these labels");
                }
                Some(Matched::All) => {
                    remark(
                        scope.field("namespaceSelector"),
                        "it matches every namespace, so it leaves none out",
                    );
                }
                Some(Matched::Some) | None => {}
            }
        }
        let overrides = root.field("overrides");
        for index in (0..self.overrides.len()).filter(|index| !overrides_used.contains(index)) {
            remark(overrides.index(index), "it matches no container");
        }
        if are_known {
            let annotations = &self.annotations;
            let selector = annotations.namespace_selector.as_ref().filter(|_| annotations.enabled);
            let path = root.field("annotations").field("namespaceSelector");
            match selector.map(selected) {
                Some(Matched::None) => {
                    remark(path, "no namespace has these labels, so no annotation exempts anything");
                }
                Some(Matched::All) => {
                    remark(path, "it matches every namespace, so it restricts no annotation");
                }
                Some(Matched::Some) | None => {}
            }
            for (index, label) in self.metric_labels.iter().enumerate() {
                if !namespaces.iter().any(|(_, namespace)| namespace.labels.contains_key(label)) {
                    remark(root.field("metricLabels").index(index), "no namespace has this label");
                }
            }
        }
        remarks
    }
}
