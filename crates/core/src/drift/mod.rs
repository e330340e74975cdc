//! What really runs: which digest a reference resolved to, where, and since when (docs/design/verdicts.md, "Proof from
//! the cluster").
//!
//! The controller reads pod statuses with [`manifest_digest`], decides with [`SameImage`] and [`divided`] whether digests
//! name one image or several, and attaches the result to the container as [`DriftEvidence`]. The rules of the group
//! `image-drift` read that; a manifest has none of it.

mod apart;
mod classes;
mod evidence;
mod grace;
mod image_id;
mod platform;

pub use classes::{Full, SameImage, divided, images};
pub use evidence::{
    DriftConfidence, DriftEvidence, MAX_DIGESTS, Mixed, OlderRevision, PodSighting, PullFailure,
    PullFailureReason, RegistryAnswer, Resolution, Resolutions,
};
pub use grace::{InvalidGrace, parse_grace, render_grace};
pub use image_id::{Discarded, manifest_digest};
pub use platform::Platform;
