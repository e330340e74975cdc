//! How labels and addresses name a kind.

use super::find_watched;
use crate::text::UntrustedText;

/// The group of an `apiVersion`; empty for the core group.
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _version)| group)
}

/// A kind as labels and addresses name it, safe for both: `Kind` for a built-in kind that tagwatch watches, else
/// `Kind.group`, and `Kind.core` for the core group.
///
/// A user who may create a pod can write any owner into it, a `v1` Deployment too. No two kinds have the same label, so
/// none can take the place of another.
pub fn kind_label(api_version: &str, kind: &str) -> String {
    if find_watched(api_version, kind).is_some() { kind.to_owned() } else { full_kind(api_version, kind) }
}

/// A kind with its group, as kubectl takes it: `Deployment.apps`, and `Pod.core` of the core group. Safe for labels and
/// addresses. No two kinds have the same one.
pub fn full_kind(api_version: &str, kind: &str) -> String {
    // No real kind holds a dot, and no real group is called `core`.
    let kind = UntrustedText::from(kind).label().replace('.', "\\u{2e}");
    match group_of(api_version) {
        "" => format!("{kind}.core"),
        "core" => format!("{kind}.\\u{{63}}ore"),
        group => format!("{kind}.{}", UntrustedText::from(group).label()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_its_bare_name_only_where_it_is_watched() {
        for (api_version, kind, label) in [
            ("apps/v1", "Deployment", "Deployment"),
            ("apps/v1beta2", "Deployment", "Deployment"),
            ("v1", "Pod", "Pod"),
            ("argoproj.io/v1alpha1", "Rollout", "Rollout.argoproj.io"),
            ("v1", "Deployment", "Deployment.core"),
            ("batch/v1", "Deployment", "Deployment.batch"),
            ("apps/v1", "deployment", "deployment.apps"),
            ("v1", "ConfigMap", "ConfigMap.core"),
            // Owner references that imitate another kind.
            ("io/v1", "Rollout.argoproj", "Rollout\\u{2e}argoproj.io"),
            ("core/v1", "Deployment", "Deployment.\\u{63}ore"),
            ("v1", "Deploy\u{1b}ment", "Deploy\\u{1b}ment.core"),
            ("v1", "Deploy\\u{1b}ment", "Deploy\\u{5c}u{1b}ment.core"),
        ] {
            assert_eq!(kind_label(api_version, kind), label, "{api_version} {kind}");
        }
    }
}
