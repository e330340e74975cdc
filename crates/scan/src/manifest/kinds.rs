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
}
