//! Parts of a policy that have no effect, since nothing in the cluster matches them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::exemption::AnnotationRules;
use super::matcher::Matcher;
use super::path::FieldPath;
use super::selector::{Decision, selects};
use super::spec::LabelSelector;
use super::{Policy, PolicyPart};
use crate::rules::{Parameter, ids};
use crate::text::UntrustedText;
use crate::workload::Namespace;

const NO_NAMESPACE: &str = "it matches no namespace";

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

    /// The overrides that were not applied to any container, the entries for images and tags that match none, and the globs,
    /// selectors and labels that match none of these namespaces, or that restrict nothing because they match all, in the
    /// order of the fields. Without namespaces, which may not be known, nothing is said of them.
    ///
    /// Of a `match`, entries of `namespaces` alone are named: which of its other entries match would have to be asked of
    /// every container, with an index for each.
    pub fn without_effect(
        &self,
        namespaces: &[NamedNamespace],
        parts_used: &BTreeSet<PolicyPart>,
    ) -> Vec<SpecRemark> {
        let root = FieldPath::default();
        let names: BTreeSet<&str> = namespaces.iter().map(|(name, _)| name.raw()).collect();
        let are_known = !names.is_empty();
        let mut remarks = Remarks { namespaces, names, parts_used, found: Vec::new() };
        remarks.of_images(self, &root);
        if are_known {
            remarks.of_scope(self, &root.field("scope"));
        }
        let path = root.field("overrides");
        for (index, layer) in self.overrides.iter().enumerate() {
            if parts_used.contains(&PolicyPart::at(PolicyPart::Override, index)) {
                remarks.of_match(&layer.matcher, &path.index(index));
            } else {
                remarks.add(path.index(index), "it matches no container");
            }
        }
        let path = root.field("exemptions");
        for (index, exemption) in self.exemptions.iter().enumerate() {
            remarks.of_match(&exemption.matcher, &path.index(index));
        }
        if are_known {
            remarks.of_annotations(&self.annotations, &root.field("annotations"));
            remarks.of_labels(&self.metric_labels, &root.field("metricLabels"));
        }
        remarks.found
    }
}

/// Remarks as they are found.
struct Remarks<'a> {
    namespaces: &'a [NamedNamespace],
    /// Their names; none where they are not known.
    names: BTreeSet<&'a str>,
    parts_used: &'a BTreeSet<PolicyPart>,
    found: Vec<SpecRemark>,
}

impl Remarks<'_> {
    fn add(&mut self, path: FieldPath, message: &'static str) {
        self.found.push(SpecRemark { path, message });
    }

    /// The indexes of a list whose parts are not used.
    fn unused(&self, len: usize, part: fn(u16) -> PolicyPart) -> Vec<usize> {
        (0..len).filter(|index| !self.parts_used.contains(&PolicyPart::at(part, *index))).collect()
    }

    fn selected(&self, selector: &LabelSelector) -> Matched {
        let decisions =
            self.namespaces.iter().map(|(_, namespace)| selects(Some(selector), Some(&namespace.labels)));
        Matched::of(decisions.map(|decision| decision == Decision::Yes))
    }

    /// An entry with a typo has no other sign: the tags that it was meant for are reported as before, or not reported.
    fn of_images(&mut self, policy: &Policy, root: &FieldPath) {
        let rules = root.field("rules");
        let floating = rules.field(ids::FLOATING_TAG);
        let (words, patterns) = policy.classifier.declared_floating().len();
        for (path, len, part, message) in [
            (
                floating.field(Parameter::Words.as_str()),
                words,
                PolicyPart::Word as fn(u16) -> _,
                "no image has a tag with this word",
            ),
            (
                floating.field(Parameter::Patterns.as_str()),
                patterns,
                PolicyPart::Pattern,
                "it matches the tag of no image",
            ),
            (
                rules.field(ids::LATEST_TAG).field(Parameter::Tags.as_str()),
                policy.declared_tags().len(),
                PolicyPart::Tag,
                "no image has this tag",
            ),
            (
                root.field("immutable"),
                policy.classifier.immutable().len(),
                PolicyPart::Immutable,
                "it matches no image",
            ),
        ] {
            for index in self.unused(len, part) {
                self.add(path.index(index), message);
            }
        }
    }

    fn of_scope(&mut self, policy: &Policy, path: &FieldPath) {
        if policy.is_scope_empty(self.namespaces) {
            self.add(path.clone(), "it matches no namespace, so nothing is checked");
        }
        for (field, index) in policy.scope.unmatched(&self.names) {
            self.add(path.field(field).index(index), NO_NAMESPACE);
        }
        for index in policy.scope.unrestricting(&self.names) {
            let path = path.field("namespaces").index(index);
            self.add(path, "it matches every namespace, so the list leaves none out");
        }
        let path = path.field("namespaceSelector");
        match policy.scope.selector().map(|selector| self.selected(selector)) {
            Some(Matched::None) => self.add(path, "no namespace has these labels"),
            Some(Matched::All) => self.add(path, "it matches every namespace, so it leaves none out"),
            Some(Matched::Some) | None => {}
        }
    }

    /// Where no entry matches, the override or the exemption as a whole is unused, which is told elsewhere.
    fn of_match(&mut self, matcher: &Matcher, path: &FieldPath) {
        let unmatched = matcher.namespaces().unmatched(&self.names);
        if self.names.is_empty() || unmatched.len() == matcher.namespaces().len() {
            return;
        }
        let path = path.field("match").field("namespaces");
        for index in unmatched {
            self.add(path.index(index), NO_NAMESPACE);
        }
    }

    fn of_annotations(&mut self, annotations: &AnnotationRules, path: &FieldPath) {
        let selector = annotations.namespace_selector.as_ref().filter(|_| annotations.enabled);
        let path = path.field("namespaceSelector");
        match selector.map(|selector| self.selected(selector)) {
            Some(Matched::None) => {
                self.add(path, "no namespace has these labels, so no annotation exempts anything");
            }
            Some(Matched::All) => {
                self.add(path, "it matches every namespace, so it restricts no annotation");
            }
            Some(Matched::Some) | None => {}
        }
    }

    fn of_labels(&mut self, labels: &[String], path: &FieldPath) {
        for (index, label) in labels.iter().enumerate() {
            if !self.namespaces.iter().any(|(_, namespace)| namespace.labels.contains_key(label)) {
                self.add(path.index(index), "no namespace has this label");
            }
        }
    }
}
