//! What a cluster showed of a container's image.

use std::time::Duration;

use jiff::Timestamp;

use crate::named;
use crate::text::UntrustedText;

/// Most digests that are kept of a reference.
pub const MAX_DIGESTS: usize = 8;

/// What the cluster showed of a container's image, beside what the object says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriftEvidence {
    /// The reference, or one that its pods name instead, resolved to several images somewhere in the cluster.
    pub moved: Option<Resolutions>,
    /// Pods of this workload run several images of the reference, and no rollout is in progress.
    pub mixed: Option<Mixed>,
    /// Pods of this workload wait for the image and do not get it.
    pub pull_failure: Option<PullFailure>,
    /// The last rollout restart ended on the digest that it began with.
    pub restarted_same_image: bool,
    /// Images that pods of this workload name in this container, though the template names another: from before it
    /// changed, or through admission.
    pub other_images: Vec<UntrustedText>,
    /// The image that the template names in this container, where the container's own image is one that pods name instead.
    pub template_image: Option<UntrustedText>,
    /// The revision whose pods name the image, where only pods of an older one do.
    pub older_revision: Option<OlderRevision>,
    /// The registry's answer, where it was asked.
    pub registry: Option<RegistryAnswer>,
    /// The container's own reference is proven to have moved, though neither `moved` nor `mixed` of this container says so:
    /// an image volume has no status, and of an image that only pods name the template's container reports what ran.
    pub is_proven_elsewhere: bool,
}

impl DriftEvidence {
    /// Whether the container's own reference is proven to have resolved to several images, so that its tag is mutable.
    pub fn proves_own_reference(&self) -> bool {
        let proves =
            |found: &Resolutions| found.reference.is_none() && found.confidence == DriftConfidence::Proven;
        self.is_proven_elsewhere
            || self.moved.as_ref().is_some_and(proves)
            || self.mixed.as_ref().is_some_and(|mixed| proves(&mixed.resolutions))
    }
}

/// A `ReplicaSet` or `ReplicationController` that is not of the newest revision and still asks for pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OlderRevision {
    /// The object whose template is newer, as `kubectl get --output name` prints it.
    pub owner: UntrustedText,
    /// The namespace of both.
    pub namespace: UntrustedText,
    /// Kind of what made the pods.
    pub kind: UntrustedText,
    /// Its name.
    pub name: UntrustedText,
    /// Its revision, as `deployment.kubernetes.io/revision` counts.
    pub revision: u32,
    /// Whether all pods that the rollout is to replace are replaced; else it makes no progress.
    pub is_rolled_out: bool,
    /// Whether a container of one of its pods was started; else all of them wait.
    pub has_started: bool,
}

/// The confidence that two digests are two images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftConfidence {
    /// No node is known that has both images. The digests may be of one image: for several platforms, where the nodes are not
    /// known, or of two indexes with equal manifests.
    Likely,
    /// Both ran on nodes of one platform, and a node of it lists them as different images.
    Proven,
}

named!(DriftConfidence {
    Likely => "likely",
    Proven => "proven",
});

/// The images that one reference resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolutions {
    /// The confidence that they are several.
    pub confidence: DriftConfidence,
    /// The reference, where pods name another than the template does.
    pub reference: Option<UntrustedText>,
    /// One for each image, in the order in which they were first seen; at most [`MAX_DIGESTS`].
    pub digests: Vec<Resolution>,
}

/// An image that a reference resolved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// A digest of it that pods ran, `algorithm:hex`.
    pub digest: String,
    /// Other digests that pods ran, and that a node lists for the same image.
    pub same: Vec<String>,
    /// Pods that run it; none where they are all gone.
    pub pods: u32,
    /// When it was first seen.
    pub since: Timestamp,
    /// When it was last seen, where no pod runs it any more.
    pub until: Option<Timestamp>,
    /// Some of its pods in the workload's own namespace.
    pub here: Vec<PodSighting>,
    /// How many pods run it that are not named in `here`: more of them, and those of other namespaces.
    pub elsewhere: u32,
}

/// A pod that runs an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodSighting {
    /// Name of the pod.
    pub pod: UntrustedText,
    /// The node that it runs on.
    pub node: UntrustedText,
}

/// Several images under one workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixed {
    /// The images; every pod of them is in the workload.
    pub resolutions: Resolutions,
    /// How long they have run side by side.
    pub lasted: Duration,
}

/// An image that nodes do not get.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PullFailure {
    pub reason: PullFailureReason,
    /// The image that the pods name, where the template names another.
    pub image: Option<UntrustedText>,
    pub since: Timestamp,
    pub lasted: Duration,
    /// Some of the pods that wait.
    pub here: Vec<PodSighting>,
}

/// The reasons of a waiting container that are about its image, as the kubelet names them
/// (`pkg/kubelet/images/types.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PullFailureReason {
    /// `InvalidImageName`: the image does not parse.
    InvalidName,
    /// `ErrImageNeverPull`: the pull policy is `Never`, and the node has no copy.
    NeverPull,
    /// `ErrImagePull` and `ImagePullBackOff`, between which the kubelet alternates.
    Pull,
}

impl PullFailureReason {
    /// Reads `state.waiting.reason`; `None` for what is not about the image.
    pub fn parse(reason: &str) -> Option<Self> {
        match reason {
            "InvalidImageName" => Some(Self::InvalidName),
            "ErrImageNeverPull" => Some(Self::NeverPull),
            "ErrImagePull" | "ImagePullBackOff" => Some(Self::Pull),
            _ => None,
        }
    }

    /// The name in messages. Two reasons that alternate have one name, so that messages stay the same.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidName => "InvalidImageName",
            Self::NeverPull => "ErrImageNeverPull",
            Self::Pull => "ErrImagePull",
        }
    }

    /// Whether another attempt may succeed, so that the state is given some time.
    pub fn is_passing(self) -> bool {
        self == Self::Pull
    }
}

/// A registry's answer about a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryAnswer {
    /// It has this digest, and a pod runs another image.
    Differs {
        /// What the registry has.
        digest: String,
        /// Whether any pod runs that.
        some_run_it: bool,
        /// The images that pods run, a digest for each.
        runs: Vec<String>,
    },
    /// It did not answer with a digest.
    Unknown {
        /// The reason, for people.
        reason: UntrustedText,
    },
}
