//! Which object holds the fields of the evaluated containers: the workload itself, or something that it made.

use tagwatch_console::EditMode;
use tagwatch_core::workload::Container;
use tagwatch_k8s::kind::WatchedKind;
use tagwatch_k8s::slim::SlimCustom;

use crate::index::{Index, WorkloadKey};
use crate::stores::Stores;

/// What a workload holds of the containers that are evaluated under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldOwner {
    /// A Pod without a controller.
    Pod {
        /// A kubelet runs it from a file.
        is_mirror: bool,
    },
    /// An object of a built-in kind with a pod template.
    BuiltIn {
        /// The kind.
        kind: WatchedKind,
        /// A change of the template reaches a pod only once the pod is deleted.
        by_hand: bool,
    },
    /// An object of another kind, with the paths of the pod specs that are read from it.
    Custom(Box<[Box<str>]>),
}

impl FieldOwner {
    pub(crate) fn of(key: &WorkloadKey, index: &Index, stores: &Stores) -> Self {
        match WatchedKind::find(key.api_version(), key.kind()) {
            Some(WatchedKind::Pod) => {
                Self::Pod { is_mirror: index.pods.shapes(key).iter().any(|(shape, _)| shape.is_mirror) }
            }
            Some(kind) => Self::BuiltIn {
                kind,
                by_hand: stores.get(key).is_some_and(|object| object.is_updated_by_hand()),
            },
            None => {
                let paths = index.custom.get(key).into_iter().flat_map(SlimCustom::pod_spec_paths);
                Self::Custom(paths.map(Box::from).collect())
            }
        }
    }

    /// How a container can be changed. Its path shows where it is: pods have a shorter one than any template.
    pub(crate) fn edit_mode(&self, container: &Container) -> EditMode {
        let is_in = |pod_spec: &str| {
            container.field_path.strip_prefix(pod_spec).is_some_and(|rest| rest.starts_with('.'))
        };
        match self {
            Self::Pod { is_mirror: true } => EditMode::Mirror,
            Self::Pod { is_mirror: false } => EditMode::Pod,
            Self::BuiltIn { kind, .. } if !is_in(kind.pod_spec_path()) => EditMode::Added,
            Self::BuiltIn { kind: WatchedKind::Job, .. } => EditMode::Recreate,
            Self::BuiltIn { kind: WatchedKind::ReplicaSet | WatchedKind::ReplicationController, .. }
            | Self::BuiltIn { by_hand: true, .. } => EditMode::Replace,
            Self::BuiltIn { .. } => EditMode::Template,
            Self::Custom(paths) if paths.is_empty() => EditMode::Elsewhere,
            Self::Custom(paths) if paths.iter().any(|path| is_in(path)) => EditMode::Custom,
            Self::Custom(_) => EditMode::Added,
        }
    }
}
