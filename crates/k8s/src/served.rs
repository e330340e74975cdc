//! A kind in the version in which it is watched.

use std::sync::Arc;

use kube_core::discovery::ApiResource;
use tagwatch_core::kinds::{TemplatePath, WorkloadKind};

/// What is watched, and how its objects are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedKind {
    /// The kind, with the paths of its pod templates and its rollout semantics.
    pub kind: Arc<WorkloadKind>,
    /// The version and the name of its resource.
    pub resource: ApiResource,
    /// Where its templates are in this version.
    templates: Vec<TemplatePath>,
    /// The paths of their pod specs, which objects share.
    pod_specs: Vec<Arc<str>>,
}

impl ServedKind {
    /// A kind that the API server serves as this resource.
    pub fn new(kind: Arc<WorkloadKind>, resource: ApiResource) -> Self {
        let templates = kind.templates(&resource.version).unwrap_or_default().to_vec();
        let pod_specs = templates.iter().map(|path| path.pod_spec().into()).collect();
        Self { kind, resource, templates, pod_specs }
    }

    /// A built-in kind, in the version that every API server serves.
    pub fn built_in(kind: &Arc<WorkloadKind>) -> Self {
        let resource = ApiResource {
            group: kind.group().to_owned(),
            version: kind.versions.first().map_or("", |known| known.version.as_str()).to_owned(),
            api_version: kind.api_version(),
            kind: kind.kind().to_owned(),
            plural: kind.plural.to_owned(),
        };
        Self::new(Arc::clone(kind), resource)
    }

    /// `plural.group`, or `plural` for a built-in kind, as metrics and logs name the watch.
    pub fn watch_name(&self) -> String {
        if self.kind.traits.is_built_in {
            self.resource.plural.clone()
        } else {
            format!("{}.{}", self.resource.plural, self.resource.group)
        }
    }

    pub(crate) fn templates(&self) -> &[TemplatePath] {
        &self.templates
    }

    /// The path of a pod spec, shared where it is the same in every object.
    pub(crate) fn shared_path(&self, pod_spec: &str) -> Arc<str> {
        let known = self.pod_specs.iter().find(|known| ***known == *pod_spec);
        known.map_or_else(|| pod_spec.into(), Arc::clone)
    }
}
