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

impl Policy {
    /// Whether the scope leaves out all of these namespaces, so that nothing is judged.
    pub fn is_scope_empty(&self, namespaces: &[NamedNamespace]) -> bool {
        !namespaces.is_empty()
            && namespaces
                .iter()
                .all(|(name, namespace)| self.includes(Some(name), Some(&namespace.labels)) == Decision::No)
    }

    /// The overrides that were not applied to any container, and the globs, selectors and labels that match none of these
    /// namespaces, in the order of the fields. Without namespaces, which may not be known, nothing is said of them.
    pub fn without_effect(
        &self,
        namespaces: &[NamedNamespace],
        overrides_used: &BTreeSet<usize>,
    ) -> Vec<SpecRemark> {
        let mut remarks = Vec::new();
        let mut remark = |path: FieldPath, message| remarks.push(SpecRemark { path, message });
        let root = FieldPath::default();
        let is_selected = |selector: &LabelSelector| {
            namespaces
                .iter()
                .any(|(_, namespace)| selects(Some(selector), Some(&namespace.labels)) == Decision::Yes)
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
            if self.scope.selector().is_some_and(|selector| !is_selected(selector)) {
                remark(scope.field("namespaceSelector"), "no namespace has these labels");
            }
        }
        let overrides = root.field("overrides");
        for index in (0..self.overrides.len()).filter(|index| !overrides_used.contains(index)) {
            remark(overrides.index(index), "it matches no container");
        }
        if are_known {
            let annotations = &self.annotations;
            let selector = annotations.namespace_selector.as_ref().filter(|_| annotations.enabled);
            if selector.is_some_and(|selector| !is_selected(selector)) {
                let path = root.field("annotations").field("namespaceSelector");
                remark(path, "no namespace has these labels, so no annotation exempts anything");
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
