//! Built-in kinds in versions that are no longer served.

use std::sync::Arc;

use tagwatch_core::kinds::{WorkloadKind, built_in, group_of};

/// Groups in which Kubernetes once served its workload kinds
/// (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/>).
const FORMER_GROUPS: [&str; 3] = ["apps", "batch", "extensions"];

/// The built-in kind that a manifest names in a former group or version.
pub(super) fn former_version_of(api_version: &str, kind: &str) -> Option<&'static Arc<WorkloadKind>> {
    if !FORMER_GROUPS.contains(&group_of(api_version)) {
        return None;
    }
    built_in().iter().find(|known| known.kind() == kind && known.api_version() != api_version)
}

/// Kinds of the groups in which the workload kinds are. Another kind there is misspelled, or in the wrong group.
const PLAIN_KINDS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "Binding",
            "ComponentStatus",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "PodTemplate",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    ("extensions", &["Ingress", "NetworkPolicy", "PodSecurityPolicy"]),
];

/// Groups of Kubernetes without a workload kind
/// (<https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/>), and that of kustomizations.
const GROUPS_WITHOUT_WORKLOADS: [&str; 22] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "audit.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "kustomize.config.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Whether Kubernetes itself defines a kind, and runs no image of it.
pub(super) fn is_of_kubernetes(api_version: &str, kind: &str) -> bool {
    let group = group_of(api_version);
    let kinds = PLAIN_KINDS.iter().find(|(known, _)| *known == group);
    (!group.is_empty() || api_version == "v1") && kinds.is_some_and(|(_, kinds)| kinds.contains(&kind))
        || GROUPS_WITHOUT_WORKLOADS.contains(&group)
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
    fn kinds_of_kubernetes_are_known_and_others_in_its_groups_are_not() {
        for (api_version, kind, expected) in [
            ("v1", "PersistentVolume", true),
            ("v1", "Deployment", false),
            ("v2", "Secret", false),
            ("apps/v1", "ControllerRevision", false),
            ("apps/v1", "deployment", false),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", true),
            ("kustomize.config.k8s.io/v1beta1", "Kustomization", true),
            ("kops.k8s.io/v1alpha2", "Cluster", false),
            ("cluster.x-k8s.io/v1beta1", "Machine", false),
            ("ops.example.com/v1", "Database", false),
            ("skaffold/v4beta11", "Config", false),
        ] {
            assert_eq!(is_of_kubernetes(api_version, kind), expected, "{api_version} {kind}");
        }
    }
}
