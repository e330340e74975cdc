//! The rights that custom kinds need, as `config/rbac` and the chart give them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tagwatch_core::kinds::custom_table;

/// The label by which the rules of a `ClusterRole` become tagwatch's.
const AGGREGATION_LABEL: &str = "tagwatch.dev/aggregate-to-controller";

/// The rules that let tagwatch read every custom kind of the table, as the field `rules` of a `ClusterRole` in YAML.
pub fn custom_kinds_rules_yaml() -> String {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in custom_table() {
        groups.entry(entry.group).or_default().insert(entry.plural);
    }
    let mut yaml = "rules:\n".to_owned();
    for (group, plurals) in groups {
        let plurals: Vec<&str> = plurals.into_iter().collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            yaml,
            "  - apiGroups: [{group}]\n    resources: [{}]\n    verbs: [list, watch]",
            plurals.join(", ")
        );
    }
    yaml
}

/// The `ClusterRole` of `config/rbac/custom-kinds`.
pub fn custom_kinds_role_yaml() -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: tagwatch-custom-kinds\n  \
         labels:\n    app.kubernetes.io/name: tagwatch\n    app.kubernetes.io/instance: tagwatch\n    \
         {AGGREGATION_LABEL}: \"true\"\n{}",
        custom_kinds_rules_yaml()
    )
}
