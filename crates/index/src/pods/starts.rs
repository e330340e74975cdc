//! From which image a container was started (`docs/design/verdicts.md`, "Proof from the cluster").
//!
//! The image in a pod's spec can change in place, and the status goes on to show the container that was started from the one
//! before: by KEP-5067 even with the new `observedGeneration`, and kubelets before 1.33 write none. So a status is read as
//! one of the spec's image only where the container is known to have been started since that image is there: its
//! `containerID` has changed.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use tagwatch_k8s::slim::{ContainerImageStatus, ImageStatus, NoImageReason};

use super::record::{ContainerState, ImageHash};

/// How long a container must run on before it counts as one of the image that the spec names, where that was not known when
/// it was first seen, in seconds. A kubelet has restarted by then whatever it is to restart.
pub(super) const START_SETTLES_IN: u32 = 3_600;

/// A start of a container, as a number: enough to notice that it is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StartId(u32);

impl StartId {
    /// No start is known.
    const NONE: Self = Self(0);

    /// By its `containerID`; where a kubelet writes none, by its time.
    fn of(status: &ContainerImageStatus) -> Self {
        let mut hasher = DefaultHasher::new();
        match (&status.container_id, &status.image_status) {
            (Some(id), _) => id.raw().hash(&mut hasher),
            (None, ImageStatus::Ran { since: Some(since), .. }) => since.hash(&mut hasher),
            (None, _) => return Self::NONE,
        }
        // The upper half is as good as the lower.
        Self(u32::try_from(hasher.finish() >> 32).unwrap_or_default().max(1))
    }
}

/// The last start of a container that is known, and the image of that start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) id: StartId,
    pub(super) image: ImageHash,
}

/// What was known of a container before its status came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) state: Option<&'a ContainerState>,
    /// The digest that it ran.
    pub(super) digest: Option<&'a str>,
    /// Where nothing was known of the container, that its spec may have named another image before its first start.
    pub(super) may_have_changed: bool,
}

impl Start {
    /// Whether it is to be remembered: there was a start, or it will not be known from which image the first one is.
    pub(super) fn matters(self) -> bool {
        self.id != StartId::NONE || self.image == ImageHash::UNSURE
    }

    /// The last start once this status is there.
    pub(super) fn after(status: &ContainerImageStatus, before: Before<'_>, now: u32) -> Self {
        let named = ImageHash::of(status.image.raw());
        let is_outdated = status.image_status == ImageStatus::Unknown(NoImageReason::Outdated);
        let id = StartId::of(status);
        let Some(state) = before.state else {
            let is_unsure = before.may_have_changed || (is_outdated && id != StartId::NONE);
            return Self { id, image: if is_unsure { ImageHash::UNSURE } else { named } };
        };
        let start = state.start;
        if id == StartId::NONE || id == start.id {
            let has_settled = start.image == ImageHash::UNSURE
                && !is_outdated
                && state.since.saturating_add(START_SETTLES_IN) <= now;
            return if has_settled { Self { image: named, ..start } } else { start };
        }
        let image = if is_outdated {
            // It was started from a spec before this one.
            start.image
        } else if start.image == ImageHash::UNSURE && start.id == StartId::NONE {
            // Its first start: the kubelet may not have known better.
            ImageHash::UNSURE
        } else if named != start.image && is_same_digest(status, before.digest) {
            // From the new image, which is the same one, or from the image before: the kubelet may not have known better.
            ImageHash::UNSURE
        } else {
            named
        };
        Self { id, image }
    }
}

fn is_same_digest(status: &ContainerImageStatus, before: Option<&str>) -> bool {
    matches!(&status.image_status, ImageStatus::Ran { digest, .. } if before == Some(digest))
}
