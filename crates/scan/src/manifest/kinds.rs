//! The built-in kinds that hold a pod template.

/// A kind with the path from its root to its pod spec.
#[derive(Debug)]
pub(super) struct WorkloadKind {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) pod_spec: &'static [&'static str],
}

const fn of(
    api_version: &'static str,
    kind: &'static str,
    pod_spec: &'static [&'static str],
) -> WorkloadKind {
    WorkloadKind { api_version, kind, pod_spec }
}

const TEMPLATE: &[&str] = &["spec", "template", "spec"];

/// In the versions that a current API server serves.
const KINDS: [WorkloadKind; 9] = [
    of("v1", "Pod", &["spec"]),
    of("v1", "PodTemplate", &["template", "spec"]),
    of("v1", "ReplicationController", TEMPLATE),
    of("apps/v1", "Deployment", TEMPLATE),
    of("apps/v1", "StatefulSet", TEMPLATE),
    of("apps/v1", "DaemonSet", TEMPLATE),
    of("apps/v1", "ReplicaSet", TEMPLATE),
    of("batch/v1", "Job", TEMPLATE),
    of("batch/v1", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
];

/// Groups in which Kubernetes once served the kinds above
/// (<https://kubernetes.io/docs/reference/using-api/deprecation-guide/>).
const FORMER_GROUPS: [&str; 3] = ["apps", "batch", "extensions"];

/// How a kind stands to the table.
#[derive(Debug)]
pub(super) enum Coverage {
    /// It is read.
    Covered(&'static WorkloadKind),
    /// A built-in kind in a version that is no longer served; with the one that is.
    FormerVersion(&'static WorkloadKind),
    /// Any other kind.
    Unknown,
}

pub(super) fn coverage(api_version: &str, kind: &str) -> Coverage {
    let Some(known) = KINDS.iter().find(|known| known.kind == kind) else { return Coverage::Unknown };
    if known.api_version == api_version {
        return Coverage::Covered(known);
    }
    match api_version.split_once('/') {
        Some((group, _)) if FORMER_GROUPS.contains(&group) => Coverage::FormerVersion(known),
        _ => Coverage::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_covered_in_its_own_group_and_version_only() {
        assert!(matches!(coverage("apps/v1", "Deployment"), Coverage::Covered(_)));
        assert!(matches!(coverage("extensions/v1beta1", "Deployment"), Coverage::FormerVersion(_)));
        assert!(matches!(coverage("batch/v1beta1", "CronJob"), Coverage::FormerVersion(_)));
        assert!(matches!(coverage("batch.volcano.sh/v1alpha1", "Job"), Coverage::Unknown));
        assert!(matches!(coverage("v1", "Service"), Coverage::Unknown));
    }
}
