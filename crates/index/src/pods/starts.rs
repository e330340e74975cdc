//! From which image a container was started (`docs/design/verdicts.md`, "Proof from the cluster").
//!
//! The image in a pod's spec can change in place, and the status goes on to show containers that were started from images
//! before: by KEP-5067 even with the new `observedGeneration`, and kubelets before 1.33 write none. So the image of a start
//! is known only where the spec has named no other one since the last start that is known, or where another digest shows it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use tagwatch_k8s::slim::{ContainerImageStatus, ImageStatus, NoImageReason};

use super::record::{ContainerState, ImageHash, hash};

/// How long after a change of its image in the spec a container that starts, or that runs on, is one of the image that the
/// spec names, in seconds, beside the grace period of the pod. A kubelet has restarted by then whatever it is to restart, and
/// its status has arrived; a container that ignores SIGTERM runs on, and is shown as before, for as long as its pod asks for.
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

/// The digest of a start, as a number. Two that share one are taken for the same: then nothing is concluded from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DigestHash(u32);

impl DigestHash {
    const NONE: Self = Self(0);

    fn of(status: &ContainerImageStatus) -> Self {
        match &status.image_status {
            ImageStatus::Ran { digest, .. } => {
                Self(u32::try_from(hash(digest) >> 32).unwrap_or_default().max(1))
            }
            ImageStatus::PullFailing { .. } | ImageStatus::Unknown(_) => Self::NONE,
        }
    }

    fn or(self, before: Self) -> Self {
        if self == Self::NONE { before } else { self }
    }

    /// Whether both are known, and are two.
    fn differs_from(self, other: Self) -> bool {
        self != Self::NONE && other != Self::NONE && self != other
    }
}

/// How often the spec has named another image for a container since its last start that is known, and when it last did. In
/// one number, because a hundred thousand pods have it: the lowest bit is set for several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ImageChanges(u32);

impl ImageChanges {
    const NONE: Self = Self(0);
    const SEVERAL: u32 = 1;

    /// A start is from one of two images, and one from the second is followed by none from the first.
    fn once(now: u32) -> Self {
        // Of time, an even number of seconds, and never none.
        Self((now | Self::SEVERAL).saturating_add(1) & !Self::SEVERAL)
    }

    /// A start may be from any of the images.
    fn several(now: u32) -> Self {
        Self(Self::once(now).0 | Self::SEVERAL)
    }

    fn and_another(self, now: u32) -> Self {
        if self == Self::NONE { Self::once(now) } else { Self::several(now) }
    }

    fn is_once(self) -> bool {
        self != Self::NONE && self.0 & Self::SEVERAL == 0
    }

    fn have_settled(self, settles_in: u32, now: u32) -> bool {
        (self.0 & !Self::SEVERAL).checked_add(settles_in).is_some_and(|settled| settled <= now)
    }
}

/// The last start of a container that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    id: StartId,
    /// The image that it was started from.
    pub(super) image: ImageHash,
    /// What was last known of it or, where that is unknown, of the start before.
    digest: DigestHash,
    changes: ImageChanges,
}

/// What was known of a container before its status came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) state: Option<&'a ContainerState>,
    pub(super) images: ImagesBefore,
    /// That of [`PodFacts`](super::PodFacts).
    pub(super) settles_in: u32,
}

/// What the spec named for a container before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImagesBefore {
    /// What it names now.
    Same,
    /// Another image until now.
    Another,
    /// Its pod was not known, and may have named any number of others.
    Unknown,
}

impl Start {
    /// Whether the container was started.
    pub(super) fn is_known(self) -> bool {
        self.id != StartId::NONE
    }

    /// Whether it is to be remembered: there was a start, or it will not be known from which image the first one is.
    pub(super) fn matters(self) -> bool {
        self.id != StartId::NONE || self.image == ImageHash::UNSURE
    }

    /// The last start once this status is there.
    pub(super) fn after(status: &ContainerImageStatus, before: Before<'_>, now: u32) -> Self {
        let is_outdated = status.image_status == ImageStatus::Unknown(NoImageReason::Outdated);
        let Some(ContainerState { start, .. }) = before.state else {
            return match before.images {
                ImagesBefore::Same if is_outdated && StartId::of(status) != StartId::NONE => {
                    Self::first(status, ImageChanges::several(now))
                }
                ImagesBefore::Same => Self::first(status, ImageChanges::NONE),
                ImagesBefore::Another => Self::first(status, ImageChanges::once(now)),
                ImagesBefore::Unknown => Self::first(status, ImageChanges::several(now)),
            };
        };
        let changes = match before.images {
            ImagesBefore::Same => start.changes,
            ImagesBefore::Another => start.changes.and_another(now),
            ImagesBefore::Unknown => ImageChanges::several(now),
        };
        Self { changes, ..*start }.followed_by(status, is_outdated, (before.settles_in, now))
    }

    fn first(status: &ContainerImageStatus, changes: ImageChanges) -> Self {
        let is_sure = changes == ImageChanges::NONE;
        let image = if is_sure { ImageHash::of(status.image.raw()) } else { ImageHash::UNSURE };
        Self { id: StartId::of(status), image, digest: DigestHash::of(status), changes }
    }

    fn followed_by(
        self,
        status: &ContainerImageStatus,
        is_outdated: bool,
        (settles_in, now): (u32, u32),
    ) -> Self {
        let named = ImageHash::of(status.image.raw());
        let (id, digest) = (StartId::of(status), DigestHash::of(status));
        let has_settled = !is_outdated && self.changes.have_settled(settles_in, now);
        let is_same = id == StartId::NONE || id == self.id;
        let is_of_named = if is_same {
            // A container that has ended is never restarted for another image, as with most init containers.
            let runs = matches!(status.image_status, ImageStatus::Ran { until: None, .. });
            // One that is known to be of another image is not of this one, however long the kubelet leaves it alone.
            has_settled && runs && (self.image == named || self.image == ImageHash::UNSURE)
        } else {
            // Of two images, one after the other, another digest is that of the second.
            let is_second = self.changes.is_once() && digest.differs_from(self.digest);
            has_settled || self.changes == ImageChanges::NONE || is_second
        };
        let known = Self { id: if is_same { self.id } else { id }, digest: digest.or(self.digest), ..self };
        if is_of_named {
            Self { image: named, changes: ImageChanges::NONE, ..known }
        } else if is_same {
            known
        } else {
            Self { image: ImageHash::UNSURE, ..known }
        }
    }
}
