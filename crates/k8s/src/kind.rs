//! The kinds that tagwatch watches.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, ReplicationController};
use tagwatch_core::text::UntrustedText;

/// A kind that tagwatch watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchedKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` `StatefulSet`.
    StatefulSet,
    /// `apps/v1` `DaemonSet`.
    DaemonSet,
    /// `apps/v1` `ReplicaSet`.
    ReplicaSet,
    /// `v1` `ReplicationController`.
    ReplicationController,
    /// `batch/v1` Job.
    Job,
    /// `batch/v1` `CronJob`.
    CronJob,
    /// `v1` Pod.
    Pod,
}

/// The names of a kind, as the generated API types hold them.
struct ResourceNames {
    api_version: &'static str,
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
}

const fn names_of<K: k8s_openapi::Resource>() -> ResourceNames {
    ResourceNames { api_version: K::API_VERSION, group: K::GROUP, kind: K::KIND, plural: K::URL_PATH_SEGMENT }
}

impl WatchedKind {
    /// Every watched kind; pods last, since owners are looked up among the others.
    pub const ALL: [Self; 8] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::ReplicaSet,
        Self::ReplicationController,
        Self::Job,
        Self::CronJob,
        Self::Pod,
    ];

    /// Looks up a kind by the two fields that an owner reference or a report's scope names it with. The
    /// version is not compared: an old reference may say `apps/v1beta2`, and the kind is the same.
    pub fn find(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::ALL.into_iter().find(|watched| watched.kind() == kind && watched.group() == group)
    }

    /// `group/version`, or `version` alone for the core group.
    pub fn api_version(self) -> &'static str {
        self.names().api_version
    }

    /// API group; empty for the core group.
    pub fn group(self) -> &'static str {
        self.names().group
    }

    /// Kind, in `CamelCase`.
    pub fn kind(self) -> &'static str {
        self.names().kind
    }

    /// Name of the resource in URLs and in RBAC rules.
    pub fn plural(self) -> &'static str {
        self.names().plural
    }

    /// Path of the pod spec from the object's root.
    pub fn pod_spec_path(self) -> &'static str {
        match self {
            Self::CronJob => "spec.jobTemplate.spec.template.spec",
            Self::Pod => "spec",
            _ => "spec.template.spec",
        }
    }

    /// Whether an object of this kind that has a controller is reported under that controller. The others are
    /// workloads whoever owns them: a Deployment that an operator made is still what people roll out.
    pub fn yields_to_owner(self) -> bool {
        matches!(self, Self::ReplicaSet | Self::ReplicationController | Self::Job | Self::Pod)
    }

    fn names(self) -> ResourceNames {
        match self {
            Self::Deployment => names_of::<Deployment>(),
            Self::StatefulSet => names_of::<StatefulSet>(),
            Self::DaemonSet => names_of::<DaemonSet>(),
            Self::ReplicaSet => names_of::<ReplicaSet>(),
            Self::ReplicationController => names_of::<ReplicationController>(),
            Self::Job => names_of::<Job>(),
            Self::CronJob => names_of::<CronJob>(),
            Self::Pod => names_of::<Pod>(),
        }
    }
}

/// A kind as labels and addresses name it, safe for both: `Kind` where it is one that tagwatch watches, else
/// `Kind.group`, and `Kind.core` for the core group.
///
/// Whoever may create a pod can write any owner into it, a `v1` Deployment too. No two kinds have the same label, so
/// none can take the place of another.
pub fn kind_label(api_version: &str, kind: &str) -> String {
    if WatchedKind::find(api_version, kind).is_some() {
        return kind.to_owned();
    }
    // No real kind holds a dot, and no real group is called `core`.
    let kind = UntrustedText::from(kind).label().replace('.', "\\u{2e}");
    match api_version.split_once('/').map_or("", |(group, _)| group) {
        "" => format!("{kind}.core"),
        "core" => format!("{kind}.\\u{{63}}ore"),
        group => format!("{kind}.{}", UntrustedText::from(group).label()),
    }
}

/// A generated API type whose objects hold a pod template; marks [`crate::slim::SlimWorkload`].
pub trait TemplateKind:
    k8s_openapi::Resource<Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + Send + Sync + 'static
{
    /// The watched kind that the type stands for.
    const WATCHED: WatchedKind;
}

macro_rules! template_kinds {
    ($($kind:ident),+ $(,)?) => {
        $(impl TemplateKind for $kind {
            const WATCHED: WatchedKind = WatchedKind::$kind;
        })+
    };
}

template_kinds!(Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_whatever_the_version() {
        for kind in WatchedKind::ALL {
            assert_eq!(WatchedKind::find(kind.api_version(), kind.kind()), Some(kind));
        }
        assert_eq!(WatchedKind::find("apps/v1beta2", "Deployment"), Some(WatchedKind::Deployment));
        assert_eq!(WatchedKind::find("batch/v1beta1", "CronJob"), Some(WatchedKind::CronJob));
    }

    #[test]
    fn the_same_kind_of_another_group_is_another_kind() {
        assert_eq!(WatchedKind::find("apps.example.com/v1", "Deployment"), None);
        assert_eq!(WatchedKind::find("v1", "Deployment"), None);
        assert_eq!(WatchedKind::find("batch.volcano.sh/v1alpha1", "Job"), None);
        assert_eq!(WatchedKind::find("apps/v1", "deployment"), None);
    }

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
            // Whoever writes these means to be taken for another.
            ("io/v1", "Rollout.argoproj", "Rollout\\u{2e}argoproj.io"),
            ("core/v1", "Deployment", "Deployment.\\u{63}ore"),
            ("v1", "Deploy\u{1b}ment", "Deploy\\u{1b}ment.core"),
            ("v1", "Deploy\\u{1b}ment", "Deploy\\u{5c}u{1b}ment.core"),
        ] {
            assert_eq!(kind_label(api_version, kind), label, "{api_version} {kind}");
        }
    }

    #[test]
    fn names_are_those_of_the_api() {
        let names =
            WatchedKind::ALL.map(|kind| format!("{}/{} {}", kind.api_version(), kind.plural(), kind.kind()));
        assert_eq!(
            names,
            [
                "apps/v1/deployments Deployment",
                "apps/v1/statefulsets StatefulSet",
                "apps/v1/daemonsets DaemonSet",
                "apps/v1/replicasets ReplicaSet",
                "v1/replicationcontrollers ReplicationController",
                "batch/v1/jobs Job",
                "batch/v1/cronjobs CronJob",
                "v1/pods Pod",
            ]
        );
    }
}
