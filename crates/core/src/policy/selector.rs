//! Label selectors on namespaces, and the namespaces that a policy leaves out.

use std::collections::{BTreeMap, BTreeSet};

use super::matcher::NameGlobs;
use super::path::FieldPath;
use super::problems::Problems;
use super::spec::{LabelOperator, LabelRequirement, LabelSelector, Preset, ScopeSpec};
use crate::text::UntrustedText;

/// Namespaces of Kubernetes itself
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces>).
const SYSTEM_NAMESPACES: &[&str] = &["kube-system", "kube-public", "kube-node-lease"];

/// Namespaces that managed clusters fill with workloads of the provider. Google (`config-management-system`,
/// `gke-*`, `gmp-*`); Amazon (`amazon-*`, `aws-observability`); Microsoft (`aks-*`, `app-routing-system`,
/// `azure-arc`, `calico-system`, `gatekeeper-system`, `tigera-operator`); `OpenShift` (`openshift`,
/// `openshift-*`); `DigitalOcean` and others use `kube-system`.
const MANAGED_ADD_ONS: &[&str] = &[
    "aks-*",
    "amazon-*",
    "app-routing-system",
    "aws-observability",
    "azure-arc",
    "calico-system",
    "config-management-system",
    "gatekeeper-system",
    "gke-*",
    "gmp-*",
    "openshift",
    "openshift-*",
    "tigera-operator",
];

/// Whether a condition holds, where that can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The selector admits the workload.
    Yes,
    /// The selector does not match.
    No,
    /// It depends on the namespace's labels or its name, which are unknown.
    Undecided,
}

/// The namespaces that are in scope.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    namespaces: NameGlobs,
    exclude: NameGlobs,
    presets: NameGlobs,
    selector: Option<LabelSelector>,
}

impl Scope {
    pub(super) fn compile(spec: &ScopeSpec, path: &FieldPath, problems: &mut Problems) -> Self {
        let ScopeSpec { namespaces, exclude_namespaces, namespace_selector, exclude_presets } = spec;
        let presets = exclude_presets.iter().flat_map(|preset| match preset {
            Preset::SystemNamespaces => SYSTEM_NAMESPACES,
            Preset::ManagedAddOns => MANAGED_ADD_ONS,
        });
        let presets: Vec<String> = presets.map(|name| (*name).to_owned()).collect();
        check_selector(namespace_selector.as_ref(), &path.field("namespaceSelector"), problems);
        Self {
            namespaces: NameGlobs::compile(namespaces, &path.field("namespaces"), problems),
            exclude: NameGlobs::compile(exclude_namespaces, &path.field("excludeNamespaces"), problems),
            presets: NameGlobs::compile(&presets, path, problems),
            selector: namespace_selector.clone(),
        }
    }

    /// The label selector, where there is one.
    pub(super) fn selector(&self) -> Option<&LabelSelector> {
        self.selector.as_ref()
    }

    /// The globs that match none of these names, by field and index. Presets name what a cluster may have.
    pub(super) fn unmatched(&self, names: &BTreeSet<&str>) -> Vec<(&'static str, usize)> {
        [("namespaces", &self.namespaces), ("excludeNamespaces", &self.exclude)]
            .into_iter()
            .flat_map(|(field, globs)| globs.unmatched(names).into_iter().map(move |index| (field, index)))
            .collect()
    }

    /// The globs of namespaces that match all of these names, where there are several, each by its index.
    pub(super) fn unrestricting(&self, names: &BTreeSet<&str>) -> Vec<usize> {
        if names.len() > 1 { self.namespaces.matching_all(names) } else { Vec::new() }
    }

    pub(super) fn includes(
        &self,
        name: Option<&UntrustedText>,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Decision {
        let by_name = match name.map(UntrustedText::raw) {
            Some(name) if self.exclude.any(name) || self.presets.any(name) => Decision::No,
            Some(name) if !self.namespaces.is_empty() && !self.namespaces.any(name) => Decision::No,
            None if !self.namespaces.is_empty() => Decision::Undecided,
            _ => Decision::Yes,
        };
        match (by_name, selects(self.selector.as_ref(), labels)) {
            (Decision::No, _) | (_, Decision::No) => Decision::No,
            (Decision::Yes, Decision::Yes) => Decision::Yes,
            _ => Decision::Undecided,
        }
    }
}

/// Whether labels satisfy a selector; no selector is satisfied by all.
pub(super) fn selects(
    selector: Option<&LabelSelector>,
    labels: Option<&BTreeMap<String, String>>,
) -> Decision {
    let Some(selector) = selector else { return Decision::Yes };
    let Some(labels) = labels else { return Decision::Undecided };
    let equal = selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value));
    if equal && selector.match_expressions.iter().all(|requirement| holds(requirement, labels)) {
        Decision::Yes
    } else {
        Decision::No
    }
}

/// As Kubernetes: `NotIn` holds for a label that is not there.
fn holds(requirement: &LabelRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&requirement.key);
    let listed = value.is_some_and(|value| requirement.values.contains(value));
    match requirement.operator {
        LabelOperator::In => listed,
        LabelOperator::NotIn => !listed,
        LabelOperator::Exists => value.is_some(),
        LabelOperator::DoesNotExist => value.is_none(),
    }
}

pub(super) fn check_selector(selector: Option<&LabelSelector>, path: &FieldPath, problems: &mut Problems) {
    let Some(selector) = selector else { return };
    for (index, requirement) in selector.match_expressions.iter().enumerate() {
        let path = path.field("matchExpressions").index(index).field("values");
        let wants_values = matches!(requirement.operator, LabelOperator::In | LabelOperator::NotIn);
        if wants_values && requirement.values.is_empty() {
            problems.add(&path, "In and NotIn need at least one value");
        } else if !wants_values && !requirement.values.is_empty() {
            problems.add(&path, "Exists and DoesNotExist take no values");
        }
    }
}
