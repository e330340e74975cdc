//! What the double serves.

/// What raises `metadata.generation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Nothing: the objects have none.
    None,
    /// A change of `spec`.
    Spec,
    /// A change of anything but metadata (custom resources without the status subresource,
    /// `apiextensions-apiserver/pkg/registry/customresource/strategy.go`).
    Content,
}

/// A resource of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of discovery documents")]
pub struct Resource {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
    pub(crate) generation: Generation,
    /// Whether `status` has an endpoint of its own, and is left alone by writes to the object.
    pub(crate) has_status: bool,
    /// A custom resource: it is updated with a resourceVersion alone, and applied by its list keys.
    pub(crate) is_custom: bool,
}

impl Resource {
    /// `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

const fn resource(
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    generation: Generation,
    has_status: bool,
) -> Resource {
    Resource {
        group,
        version: "v1",
        kind,
        plural,
        namespaced: true,
        generation,
        has_status,
        is_custom: false,
    }
}

const fn custom(resource: Resource, version: &'static str) -> Resource {
    Resource { version, is_custom: true, ..resource }
}

const fn of_cluster(resource: Resource) -> Resource {
    Resource { namespaced: false, ..resource }
}

/// Every resource that the bench uses.
pub(super) static RESOURCES: [Resource; 16] = [
    of_cluster(resource("", "Namespace", "namespaces", Generation::None, true)),
    of_cluster(resource("", "Node", "nodes", Generation::None, true)),
    resource("", "ConfigMap", "configmaps", Generation::None, false),
    resource("", "Pod", "pods", Generation::None, true),
    resource("", "ReplicationController", "replicationcontrollers", Generation::Spec, true),
    resource("apps", "DaemonSet", "daemonsets", Generation::Spec, true),
    resource("apps", "Deployment", "deployments", Generation::Spec, true),
    resource("apps", "ReplicaSet", "replicasets", Generation::Spec, true),
    resource("apps", "StatefulSet", "statefulsets", Generation::Spec, true),
    resource("batch", "CronJob", "cronjobs", Generation::Spec, true),
    resource("batch", "Job", "jobs", Generation::Spec, true),
    resource("coordination.k8s.io", "Lease", "leases", Generation::None, false),
    resource("events.k8s.io", "Event", "events", Generation::None, false),
    custom(resource("argoproj.io", "Rollout", "rollouts", Generation::Spec, true), "v1alpha1"),
    custom(
        of_cluster(resource("tagwatch.dev", "TagPolicy", "tagpolicies", Generation::Spec, true)),
        "v1alpha1",
    ),
    custom(
        resource("wgpolicyk8s.io", "PolicyReport", "policyreports", Generation::Content, false),
        "v1alpha2",
    ),
];

/// A resource by its plural name, of which the bench uses none twice.
///
/// # Panics
/// When there is none: a mistake in the bench.
#[expect(clippy::expect_used, reason = "a mistake in the bench ends it")]
pub fn resource_named(plural: &str) -> &'static Resource {
    RESOURCES.iter().find(|resource| resource.plural == plural).expect("the bench uses this resource")
}

/// The resource of a path.
pub(super) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES
        .iter()
        .find(|resource| (resource.group, resource.version, resource.plural) == (group, version, plural))
}
