//! What a policy can set of a rule, and the rules of a policy with all of it decided.

use std::time::Duration;

use super::{Rule, RuleMeta, registry};
use crate::finding::{Outcome, Severity};
use crate::pull_policy::PullPolicy;

/// A rule's parameter, by which documentation and error messages name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// [`Parameters::tags`]
    Tags,
    /// Further words that float, for the whole policy.
    Words,
    /// Further patterns of tags that float, for the whole policy.
    Patterns,
    /// [`Parameters::value`]
    Value,
    /// [`Parameters::include_pinned`]
    IncludePinned,
    /// [`Parameters::allowed`]
    Allowed,
    /// [`Parameters::grace`]
    Grace,
}

impl Parameter {
    /// Every parameter.
    pub const ALL: [Self; 7] = [
        Self::Tags,
        Self::Words,
        Self::Patterns,
        Self::Value,
        Self::IncludePinned,
        Self::Allowed,
        Self::Grace,
    ];

    /// The field of a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Words => "words",
            Self::Patterns => "patterns",
            Self::Value => "value",
            Self::IncludePinned => "includePinned",
            Self::Allowed => "allowed",
            Self::Grace => "grace",
        }
    }

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
                "Which pull policy is judged: `effective` (default), the one that counts, or `written`, where an \
                 unset one is unset."
            }
            Self::IncludePinned => "Judge images that a digest pins too. Default: false.",
            Self::Allowed => "The pull policies that may be written. Default: each of the three.",
            Self::Grace => {
                "How long the state may last before the rule speaks, such as `15m`, `90s` or `1h30m`. Default: `15m` \
                 for `mixed-digests`, `5m` for `image-pull-failing`."
            }
        }
    }
}

/// Which pull policy a rule judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicyValue {
    /// The one that counts, the API server's default filled in.
    #[default]
    Effective,
    /// The one that is written; an unset one is unset.
    Written,
}

/// Parameters of one rule; each rule reads those that its metadata names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    /// The tags that `latest-tag` is about, beside `latest`.
    pub tags: Vec<String>,
    /// Which pull policy is judged.
    pub value: PullPolicyValue,
    /// Whether images that a digest pins are judged too.
    pub include_pinned: bool,
    /// Pull policies that may be written; none named means any.
    pub allowed: Vec<PullPolicy>,
    /// How long a state may last before the rule speaks, where it is not the rule's own time.
    pub grace: Option<Duration>,
}

/// A rule as a policy sets it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleSetting {
    /// Whether the rule is on.
    pub enabled: bool,
    /// The result, where it is not the rule's own.
    pub outcome: Option<Outcome>,
    /// The severity, where it is not the rule's own.
    pub severity: Option<Severity>,
    /// The rule's parameters.
    pub parameters: Parameters,
}

/// The setting of every rule, in the order of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet(Vec<RuleSetting>);

impl RuleSet {
    /// The rules that `enabled` picks are on, with their own results, severities and parameters.
    pub fn of(enabled: impl Fn(&RuleMeta) -> bool) -> Self {
        let setting =
            |rule: &&dyn Rule| RuleSetting { enabled: enabled(rule.meta()), ..RuleSetting::default() };
        Self(registry().iter().map(setting).collect())
    }

    /// Every rule with its setting.
    pub fn iter(&self) -> impl Iterator<Item = (&'static dyn Rule, &RuleSetting)> {
        registry().iter().copied().zip(&self.0)
    }

    /// The rules that are on.
    pub fn enabled(&self) -> impl Iterator<Item = (&'static dyn Rule, &RuleSetting)> {
        self.iter().filter(|(_, setting)| setting.enabled)
    }

    /// A rule's setting; `None` for what is no rule.
    pub fn get(&self, id: &str) -> Option<&RuleSetting> {
        self.iter().find(|(rule, _)| rule.meta().id == id).map(|(_, setting)| setting)
    }

    /// A rule's setting, to be changed; `None` for what is no rule.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut RuleSetting> {
        let at = registry().iter().position(|rule| rule.meta().id == id)?;
        self.0.get_mut(at)
    }

    /// Whether a rule is on.
    pub fn is_enabled(&self, id: &str) -> bool {
        self.get(id).is_some_and(|setting| setting.enabled)
    }
}
