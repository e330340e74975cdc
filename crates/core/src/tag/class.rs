//! The classes of tags, and the confidence of a class.

use crate::named;

/// How likely the same reference names other bytes tomorrow, in the order in which the classes are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagClass {
    /// The image does not parse.
    Invalid,
    /// Pinned by a digest; the tag beside it is a comment.
    Digest,
    /// The cluster saw the reference resolve to several digests.
    ProvenMutable,
    /// The policy's `immutable` list names it.
    DeclaredImmutable,
    /// Neither tag nor digest.
    ImplicitLatest,
    /// The tag is the word `latest`, compared exactly.
    Latest,
    /// The tag holds a commit, a date or a build number.
    Unique,
    /// A full version, conventionally fixed.
    Version,
    /// A channel, a branch, a partial version, a distribution or a variant.
    Floating,
    /// Nothing is known of it.
    Unclassified,
}

named!(TagClass {
    Invalid => "invalid",
    Digest => "digest",
    ProvenMutable => "proven-mutable",
    DeclaredImmutable => "declared-immutable",
    ImplicitLatest => "implicit-latest",
    Latest => "latest",
    Unique => "unique",
    Version => "version",
    Floating => "floating",
    Unclassified => "unclassified",
});

impl TagClass {
    /// Whether a reference of this class can be expected to move.
    pub fn is_mutable(self) -> bool {
        matches!(self, Self::ProvenMutable | Self::ImplicitLatest | Self::Latest | Self::Floating)
    }
}

/// The basis of a classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// The policy declares it.
    Declared,
    /// The cluster showed it.
    Proven,
    /// The form of the reference shows it.
    Pattern,
    /// Neither the policy, the cluster nor the form of the reference shows it.
    Unknown,
}

named!(Confidence {
    Declared => "declared",
    Proven => "proven",
    Pattern => "pattern",
    Unknown => "unknown",
});

/// A class with its basis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classification {
    /// How mutable the reference is.
    pub class: TagClass,
    /// The basis of the class. It is [`Confidence::Unknown`] for [`TagClass::Invalid`] and
    /// [`TagClass::Unclassified`], and for [`TagClass::Floating`] where the tag may be one that is pushed once: one
    /// number alone, a channel or branch with a number, and two numbers of a publisher that is not known to move them.
    pub confidence: Confidence,
    /// The pattern that matched, in words with the matching text, such as "git SHA `1a2b3c4`"; `None` where no
    /// pattern did. Safe for a terminal.
    pub matched: Option<String>,
}

impl Classification {
    /// The classification of the same reference where the cluster saw it resolve to several digests. What has a digest cannot
    /// move, and what does not parse names nothing.
    #[must_use]
    pub fn with_proof(self) -> Self {
        match self.class {
            TagClass::Invalid | TagClass::Digest => self,
            _ => Self {
                class: TagClass::ProvenMutable,
                confidence: Confidence::Proven,
                matched: Some("seen to resolve to several digests".to_owned()),
            },
        }
    }
}
