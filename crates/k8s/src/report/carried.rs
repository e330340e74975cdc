//! Labels of the namespace that a report carries, so that `kubectl get -l team=…` and dashboards find it. An annotation
//! names them: they are ours, and go when the policy names them no more.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tagwatch_core::workload::Workload;

use super::{CARRIED_LABELS_ANNOTATION, INSTANCE_LABEL, MANAGED_BY_LABEL};

/// What decides whose a report is does not come from a namespace.
const OURS: [&str; 2] = [MANAGED_BY_LABEL, INSTANCE_LABEL];

/// The labels of these names that the workload's namespace has.
pub(super) fn labels(workload: &Workload, names: &[String]) -> BTreeMap<String, String> {
    let Some(namespace) = &workload.namespace else { return BTreeMap::new() };
    let wanted = names.iter().filter(|name| !OURS.contains(&name.as_str()));
    wanted.filter_map(|name| Some((name.clone(), namespace.labels.get(name)?.clone()))).collect()
}

/// The annotation that names these labels; none where there are none.
pub(super) fn annotation(labels: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let names: Vec<&str> = labels.keys().map(String::as_str).collect();
    (!names.is_empty()).then(|| [(CARRIED_LABELS_ANNOTATION.to_owned(), names.join(","))].into())
}

/// The labels of a report that its annotation names. The annotation may have been edited: our own labels are never among them.
pub(super) fn of_report(metadata: &ObjectMeta) -> BTreeMap<&str, &str> {
    let annotations = metadata.annotations.as_ref();
    let names = annotations.and_then(|all| all.get(CARRIED_LABELS_ANNOTATION)).map_or("", String::as_str);
    let ours = names.split(',').filter(|name| !OURS.contains(name));
    let labels = metadata.labels.as_ref();
    ours.filter_map(|name| labels?.get_key_value(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
