//! Watched objects with no more than tagwatch judges.
//!
//! A generated `Pod` takes 50 KB in a store, most of it `managedFields`. These types decode the place and the
//! text of each image, the identity and the owner, and skip the rest without building it.

mod json;
mod meta;
mod namespace;
mod node;
mod object;
mod pod;
mod pod_spec;
mod pod_status;
mod resource;
mod rollout;
mod template;
mod text;
mod wire;

pub use meta::SlimIgnore;
pub use namespace::SlimNamespace;
pub use node::{NodeImages, SlimNode};
pub use object::SlimObject;
pub use pod::{PodDeletion, PodPhase, SlimPod};
pub use pod_spec::{ImagePlace, MAX_PLACES, MAX_TEXT_BYTES, PodImages};
pub use pod_status::{ContainerImageStatus, ImageStatus, LastRun, NoImageReason};
pub use rollout::{RevisionChange, STALLED_AFTER, UntimedRollout};
pub use wire::WireObject;
