//! What really runs: which digest a reference resolved to, where, and since when (`rules.md`, section 6).
//!
//! Whoever watches a cluster reads pod statuses with [`manifest_digest`], tells digests of one image from digests of
//! two by [`SameImage`] and [`divided`], and hangs what it found on the container as [`DriftEvidence`]. The rules of
//! the policy `image-drift` read that; a manifest has none of it.

mod classes;
mod evidence;
mod grace;
mod image_id;
mod pending;
mod platform;
mod snippet;

pub use classes::{Full, SameImage, divided, images};
pub use evidence::{
    DriftConfidence, DriftEvidence, MAX_DIGESTS, Mixed, PodSighting, PullFailure, PullFailureReason,
    RegistryAnswer, Resolution, Resolutions,
};
pub use grace::{InvalidGrace, parse_grace, render_grace};
pub use image_id::{Discarded, manifest_digest};
pub use pending::next_look;
pub use platform::Platform;
pub use snippet::snippet;
