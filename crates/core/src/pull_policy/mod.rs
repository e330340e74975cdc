//! The pull policy, and the one that an API server fills in. Compose has its own words for it.

mod compose;

use crate::named;
use crate::reference::Reference;
pub use compose::ComposePullPolicy;

/// `imagePullPolicy` of a container, `pullPolicy` of an image volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PullPolicy {
    /// The kubelet asks the registry at every container start.
    Always,
    /// The kubelet pulls only what the node does not have.
    IfNotPresent,
    /// The kubelet never pulls.
    Never,
}

named!(PullPolicy {
    Always => "Always",
    IfNotPresent => "IfNotPresent",
    Never => "Never",
});

impl PullPolicy {
    /// What the API server fills in for an unset policy: `Always` when the parsed tag is `latest` (written, or
    /// implied by neither tag nor digest), else `IfNotPresent`, also for `None`, an image that does not parse
    /// (`SetDefaults_Container` in Kubernetes' `pkg/apis/core/v1/defaults.go`, which asks
    /// `pkg/util/parsers.ParseImageName`). A `latest` beside a digest counts.
    pub fn default_for(reference: Option<&Reference>) -> Self {
        match reference {
            Some(reference) if reference.tag_or_default() == Some("latest") => Self::Always,
            _ => Self::IfNotPresent,
        }
    }
}
