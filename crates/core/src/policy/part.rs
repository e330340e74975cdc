//! Entries of a policy that images and containers use.

use super::Policy;
use crate::reference::Reference;
use crate::rules::ids;

/// An entry of a policy by its index in the spec. Those of images and tags are used by an image that they match, even where
/// a digest or another entry decides its class: they are written right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyPart {
    /// Of `overrides`.
    Override(u16),
    /// Of `immutable`.
    Immutable(u16),
    /// Of the `words` of the rule `floating-tag`.
    Word(u16),
    /// Of the `patterns` of the rule `floating-tag`.
    Pattern(u16),
    /// Of the `tags` of the rule `latest-tag`.
    Tag(u16),
}

impl PolicyPart {
    /// A part by its index. The schema bounds every list far below the highest one.
    pub(crate) fn at(part: impl Fn(u16) -> Self, index: usize) -> Self {
        part(u16::try_from(index).unwrap_or(u16::MAX))
    }
}

impl Policy {
    /// The entries that match an image, which depend on its text alone.
    pub(crate) fn parts_of_image(&self, reference: &Reference) -> Vec<PolicyPart> {
        let of_image = self.classifier.immutable().matching(reference);
        let mut parts: Vec<PolicyPart> =
            of_image.map(|index| PolicyPart::at(PolicyPart::Immutable, index)).collect();
        let Some(tag) = reference.tag() else { return parts };
        let floating = self.classifier.declared_floating();
        parts.extend(floating.matching_words(tag).map(|index| PolicyPart::at(PolicyPart::Word, index)));
        parts.extend(floating.matching_patterns(tag).map(|index| PolicyPart::at(PolicyPart::Pattern, index)));
        let tags = self.declared_tags().iter().enumerate().filter(|(_, declared)| *declared == tag);
        parts.extend(tags.map(|(index, _)| PolicyPart::at(PolicyPart::Tag, index)));
        parts
    }

    /// The tags that `latest-tag` is about by the policy's own rules. Those of an override are not in the list: they are
    /// for some workloads alone.
    pub(super) fn declared_tags(&self) -> &[String] {
        let change = self.changes.iter().find(|change| change.id == ids::LATEST_TAG);
        change.and_then(|change| change.tags.as_deref()).unwrap_or_default()
    }
}
