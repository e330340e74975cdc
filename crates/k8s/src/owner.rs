//! The controller of an object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tagwatch_core::text::UntrustedText;

use crate::kind::WatchedKind;

/// The controller of an object, as its owner reference names it. Whoever may create the object may write
/// anything here, so it says only where to look: the owner counts when its UID is the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId {
    /// `group/version`, or `version` alone for the core group.
    pub api_version: UntrustedText,
    /// Kind, in `CamelCase`.
    pub kind: UntrustedText,
    /// Name; the namespace is that of the owned object, or none for an owner that is cluster-scoped.
    pub name: UntrustedText,
    /// UID.
    pub uid: UntrustedText,
}

impl OwnerId {
    /// The owner reference that says `controller: true`; the API server allows one at most.
    pub fn controller_of(metadata: &ObjectMeta) -> Option<Self> {
        let owner =
            metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
        Some(Self {
            api_version: owner.api_version.as_str().into(),
            kind: owner.kind.as_str().into(),
            name: owner.name.as_str().into(),
            uid: owner.uid.as_str().into(),
        })
    }

    /// The owner's kind, where it is one that tagwatch watches.
    pub fn watched_kind(&self) -> Option<WatchedKind> {
        WatchedKind::find(self.api_version.raw(), self.kind.raw())
    }
}
