//! Which object holds the fields of the evaluated containers: the workload itself, or something that it made.

use tagwatch_core::issue::EditMode;
use tagwatch_core::kinds::{KindRole, WorkloadKind};
use tagwatch_core::workload::Container;
use tagwatch_index::{Index, ObjectStore, WorkloadKey};

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
        /// The kind with its rollout semantics.
        kind: &'static WorkloadKind,
        /// A change of the template reaches a pod only once the pod is deleted.
        by_hand: bool,
    },
    /// An object of another kind, with the paths of the pod specs that are read from it.
    Custom(Box<[Box<str>]>),
}

impl FieldOwner {
    pub(crate) fn of(key: &WorkloadKey, index: &Index, store: &dyn ObjectStore) -> Self {
        match key.watched_kind() {
            Some(kind) if kind.is_pod() => Self::Pod { is_mirror: index.is_mirror(key) },
            Some(kind) => Self::BuiltIn {
                kind,
                by_hand: store.get(key).is_some_and(|object| object.is_updated_by_hand()),
            },
            None => {
                let object = store.get(key);
                let paths = object.iter().flat_map(|object| object.pod_spec_paths());
                Self::Custom(paths.map(Box::from).collect())
            }
        }
    }

    /// How a container can be changed. Its path shows where it is: pods have a shorter one than any template.
    pub(crate) fn edit_mode(&self, container: &Container) -> EditMode {
        if container.drift.as_ref().is_some_and(|drift| drift.older_revision.is_some()) {
            return EditMode::OlderRevision;
        }
        if container.is_of_pods() {
            return EditMode::OtherImage;
        }
        let is_in = |pod_spec: &str| {
            container.field_path.strip_prefix(pod_spec).is_some_and(|rest| rest.starts_with('.'))
        };
        match self {
            Self::Pod { is_mirror: true } => EditMode::Mirror,
            Self::Pod { is_mirror: false } => EditMode::Pod,
            Self::BuiltIn { kind, .. } if !kind.pod_spec_paths().any(|path| is_in(&path)) => EditMode::Added,
            Self::BuiltIn { kind, .. } if kind.traits.is_template_immutable => EditMode::Recreate,
            Self::BuiltIn { kind, by_hand } if *by_hand || kind.traits.role == KindRole::Dependent => {
                EditMode::Replace
            }
            Self::BuiltIn { .. } => EditMode::Template,
            Self::Custom(paths) if paths.is_empty() => EditMode::Elsewhere,
            Self::Custom(paths) if paths.iter().any(|path| is_in(path)) => EditMode::Custom,
            Self::Custom(_) => EditMode::Added,
        }
    }
}
