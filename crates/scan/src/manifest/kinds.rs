//! Built-in kinds in versions that are no longer served.

use std::sync::Arc;

use tagwatch_core::kinds::{WorkloadKind, built_in, group_of};

/// Groups in which Kubernetes once served its workload kinds
/// (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/>).
const FORMER_GROUPS: [&str; 3] = ["apps", "batch", "extensions"];

/// The built-in kind that a manifest names in a former group or version.
pub(super) fn former_version_of(api_version: &str, kind: &str) -> Option<&'static Arc<WorkloadKind>> {
    let is_former = FORMER_GROUPS.contains(&group_of(api_version));
    built_in().iter().find(|known| is_former && known.kind() == kind && known.api_version() != api_version)
}

/// Whether Kubernetes itself defines the kinds of an API version: the fields of those that hold images are known. Another
/// `image` in them is none, such as that of an RBD volume.
pub(super) fn is_of_kubernetes(api_version: &str) -> bool {
    match group_of(api_version) {
        "" => api_version == "v1",
        "apps" | "autoscaling" | "batch" | "events" | "extensions" | "policy" => true,
        group => group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_former_in_another_version_or_group_of_kubernetes_only() {
        let former = |api_version: &str, kind: &str| former_version_of(api_version, kind).is_some();
        assert!(!former("apps/v1", "Deployment"));
        assert!(former("extensions/v1beta1", "Deployment"));
        assert!(former("batch/v1beta1", "CronJob"));
        assert!(!former("batch.volcano.sh/v1alpha1", "Job"));
        assert!(!former("v1", "Service"));
    }

    #[test]
    fn groups_of_kubernetes_end_with_its_domain_or_have_none() {
        for (api_version, expected) in [
            ("v1", true),
            ("v2", false),
            ("apps/v1", true),
            ("apiextensions.k8s.io/v1", true),
            ("kustomize.config.k8s.io/v1beta1", true),
            ("cluster.x-k8s.io/v1beta1", false),
            ("ops.example.com/v1", false),
            ("skaffold/v4beta11", false),
        ] {
            assert_eq!(is_of_kubernetes(api_version), expected, "{api_version}");
        }
    }
}
