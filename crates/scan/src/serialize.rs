//! How core's types are written in JSON.

use serde::Serializer;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::tag::{Confidence, TagClass};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

/// Core's enums have names of their own, in reports and in JSON alike.
macro_rules! by_name {
    ($($function:ident($type:ty)),* $(,)?) => {
        $(
            pub(crate) fn $function<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(value.as_str())
            }
        )*
    };
}

by_name!(
    container_type(ContainerType),
    tag_class(TagClass),
    confidence(Confidence),
    pull_policy(PullPolicy),
    policy(RuleGroup),
    severity(Severity),
    outcome(Outcome),
);

/// The serializer escapes for JSON alone: what reads the values must escape them for where it shows them.
pub(crate) fn text<S: Serializer>(value: &UntrustedText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.json())
}

#[expect(clippy::ref_option, reason = "serde hands a field over by reference")]
pub(crate) fn optional_text<S: Serializer>(
    value: &Option<UntrustedText>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => text(value, serializer),
        None => serializer.serialize_none(),
    }
}
