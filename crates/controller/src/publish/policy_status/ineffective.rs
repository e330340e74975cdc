//! Parts of the policy that have no effect, as its status says it.

use std::collections::BTreeSet;

use tagwatch_core::policy::{NamedNamespace, Policy, PolicyPart, SpecRemark};
use tagwatch_k8s::tag_policy::{IneffectivePart, IneffectiveParts};

use super::status::Problem;
use crate::state::StatesSnapshot;

/// Parts that are named one by one; all of them are counted.
const MAX_REMARKS: usize = 20;

/// The overrides that apply to a workload, and the entries that match an image.
pub(super) fn parts_used(states: &StatesSnapshot) -> BTreeSet<PolicyPart> {
    states.iter().flat_map(|(_, state)| state.parts.iter().copied()).collect()
}

/// Names the parts of the policy that match nothing.
pub(super) fn ineffective_parts(
    policy: &Policy,
    namespaces: &[NamedNamespace],
    parts_used: &BTreeSet<PolicyPart>,
) -> IneffectiveParts {
    let remarks = policy.without_effect(namespaces, parts_used);
    let named = remarks.iter().take(MAX_REMARKS).map(|SpecRemark { path, message }| IneffectivePart {
        place: path.to_string(),
        message: (*message).to_owned(),
    });
    IneffectiveParts { count: i64::try_from(remarks.len()).unwrap_or(i64::MAX), remarks: named.collect() }
}

/// A scope that matches none of the namespaces: a policy that checks nothing is hardly meant.
pub(super) fn empty_scope(policy: &Policy, namespaces: &[NamedNamespace]) -> Option<Problem> {
    policy.is_scope_empty(namespaces).then(|| Problem {
        reason: "ScopeEmpty",
        message: format!("spec.scope matches none of {} namespaces: nothing is checked", namespaces.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_parts_are_named_and_all_are_counted() {
        let change = serde_json::json!({ "match": { "names": ["x"] }, "rules": { "latest-tag": { "enabled": false } } });
        let spec = serde_json::json!({ "overrides": vec![change; 25] });
        let (_, policy) = Policy::read(&spec).expect("a valid policy");
        let parts = ineffective_parts(&policy, &[], &[0, 2].map(PolicyPart::Override).into());
        assert_eq!((parts.count, parts.remarks.len()), (23, MAX_REMARKS));
        let places: Vec<&str> = parts.remarks.iter().map(|part| part.place.as_str()).collect();
        assert_eq!(places[..3], ["spec.overrides[1]", "spec.overrides[3]", "spec.overrides[4]"]);
        assert_eq!(empty_scope(&policy, &[]), None, "namespaces are not known");
    }
}
