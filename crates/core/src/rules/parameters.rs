//! The parameters of rules.

use std::time::Duration;

use crate::named;
use crate::pull_policy::PullPolicy;

/// A rule's parameter, by which documentation and error messages name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Names [`Parameters::tags`].
    Tags,
    /// Further words that float, for the whole policy.
    Words,
    /// Further patterns of tags that float, for the whole policy.
    Patterns,
    /// Names [`Parameters::value`].
    Value,
    /// Names [`Parameters::include_pinned`].
    IncludePinned,
    /// Names [`Parameters::allowed`].
    Allowed,
    /// Names [`Parameters::grace`].
    Grace,
}

named!(Parameter {
    Tags => "tags",
    Words => "words",
    Patterns => "patterns",
    Value => "value",
    IncludePinned => "includePinned",
    Allowed => "allowed",
    Grace => "grace",
});

impl Parameter {
    /// One sentence for the documentation.
    pub fn description(self) -> &'static str {
        match self {
            Self::Tags => "Further tags that the rule is about beside `latest`, compared with case.",
            Self::Words => {
                "Further words that make a tag float, where one is a whole part of it, at its head or end. They \
                 count for the whole policy."
            }
            Self::Patterns => {
                "Regular expressions; a tag that one of them matches in full floats, whatever else it looks \
                 like. They count for the whole policy."
            }
            Self::Value => {
                "Which pull policy is checked: `effective` (default), the one that applies, or `written`, where an \
                 unset one is unset."
            }
            Self::IncludePinned => "Check images that a digest pins too. Default: false.",
            Self::Allowed => "The pull policies that may be written. Default: each of the three.",
            Self::Grace => {
                "How long the state may last before the rule speaks, such as `15m`, `90s` or `1h30m`. Default: `15m` \
                 for `mixed-digests`, `5m` for `image-pull-failing`."
            }
        }
    }
}

/// Which pull policy a rule checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicyValue {
    /// The effective one: an unset one has the API server's default.
    #[default]
    Effective,
    /// The one that is written; an unset one is unset.
    Written,
}

/// Parameters of one rule; each rule reads those that its metadata names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    /// The tags that `latest-tag` forbids beside `latest`.
    pub tags: Vec<String>,
    /// Which pull policy is checked.
    pub value: PullPolicyValue,
    /// Whether images that a digest pins are checked too.
    pub include_pinned: bool,
    /// Pull policies that may be written; none named means any.
    pub allowed: Vec<PullPolicy>,
    /// How long a state may last before the rule fires, where it is not the rule's own time.
    pub grace: Option<Duration>,
}
