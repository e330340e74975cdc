//! The rules: one file each, in an explicit registry, with their documentation beside their code.

pub mod ids;

mod meta;
mod parameters;
mod precedence;
mod registry;
mod rule;
mod settings;
mod subject;

mod drift_words;
pub(crate) mod message;
mod resolution;

mod cached_private_image;
mod compose;
mod datadog;
mod floating_tag;
mod image_pull_failing;
mod invalid_image_reference;
mod latest_tag;
mod missing_tag;
mod mixed_digests;
mod moved_tag;
mod needless_pull;
mod outdated_image;
mod pull_policy_never;
mod pull_policy_not_allowed;
mod pull_policy_not_always;
mod stale_pull_policy;
mod unclassified_tag;
mod unpinned_image;

pub use message::reason;
pub use meta::{RuleGroup, RuleMeta};
pub use parameters::{Parameter, Parameters, PullPolicyValue};
pub(crate) use precedence::{PRECEDENCE, Precedence};
pub use registry::{all, closest, find, unknown};
pub(crate) use registry::{enabled, rule_set};
pub(crate) use resolution::in_force as resolution_in_force;
pub(crate) use rule::Rule;
pub use settings::{RuleSet, RuleSetting};
pub use subject::Subject;
