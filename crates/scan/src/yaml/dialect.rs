//! Who reads the YAML: readers of one language differ in the values of words and in merge keys.

use super::scalar::Scalar;

/// The program whose reading applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// kubectl: go-yaml v2, YAML 1.1.
    Kubectl,
    /// Compose: go-yaml v4. `yes` and `on` are texts, keys of a mapping have precedence over merged ones, and the tags
    /// `!reset` and `!override` say how files are merged.
    Compose,
}

/// How Compose merges a value with that of an earlier file
/// (<https://github.com/compose-spec/compose-spec/blob/main/13-merge.md#reset-value>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MergeTag {
    /// The earlier value goes, and this one is none.
    Reset,
    /// This one takes the place of the earlier one as a whole.
    Override,
}

impl Dialect {
    /// What a scalar is, which YAML 1.1 reads as another one.
    pub(super) fn scalar(self, text: &str, scalar: Scalar) -> Scalar {
        let is_word = matches!(scalar, Scalar::Bool(_))
            && !matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE");
        if self == Self::Compose && is_word { Scalar::String } else { scalar }
    }

    /// The tag of a node, where it says how to merge.
    pub(super) fn merge_tag(self, tag: &str) -> Option<MergeTag> {
        match (self, tag) {
            (Self::Compose, "!reset") => Some(MergeTag::Reset),
            (Self::Compose, "!override") => Some(MergeTag::Override),
            _ => None,
        }
    }
}
