//! Kinds that Kubernetes brings and that run nothing: there is no pod template in them that a policy could declare.

/// Group, empty for the core group, and kind: the resources of `kubectl api-resources` of Kubernetes 1.34 without containers
/// that users look at.
const WITHOUT_PODS: [(&str, &str); 25] = [
    ("", "ConfigMap"),
    ("", "Endpoints"),
    ("", "Event"),
    ("", "LimitRange"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("", "ResourceQuota"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "ControllerRevision"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("coordination.k8s.io", "Lease"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("storage.k8s.io", "StorageClass"),
];

/// Whether a kind is one of Kubernetes that runs nothing. It is written as an address names kinds (`Service.core`), or
/// without its group.
pub fn is_without_pods(written: &str) -> bool {
    let (kind, group) = written.split_once('.').map_or((written, None), |(kind, group)| (kind, Some(group)));
    WITHOUT_PODS.iter().any(|(known_group, known)| {
        let label = if known_group.is_empty() { "core" } else { known_group };
        *known == kind && group.is_none_or(|group| group == label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_another_group_is_another_kind() {
        for written in ["Service", "Service.core", "Ingress", "Ingress.networking.k8s.io"] {
            assert!(is_without_pods(written), "{written}");
        }
        for written in ["Service.serving.knative.dev", "service", "Deployment", "Pod", ""] {
            assert!(!is_without_pods(written), "{written}");
        }
    }

    #[test]
    fn no_kind_that_is_read_is_among_them() {
        for entry in crate::kinds::table() {
            assert!(!WITHOUT_PODS.contains(&(entry.group, entry.kind)), "{}", entry.kind);
        }
    }
}
