//! How core's types are written in JSON, and the JSON Schema of the whole.

use super::ScanReport;
use schemars::generate::SchemaSettings;
use serde::Serializer;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::tag::{Confidence, TagClass};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

/// JSON Schema (draft 2020-12) of `scan -o json`. It allows fields that it does not know, since later versions
/// may add some.
pub fn json_schema() -> schemars::Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<ScanReport>();
    schema.insert(
        "title".to_owned(),
        format!("Output of `tagwatch scan -o json` ({})", ScanReport::SCHEMA).into(),
    );
    schema
}

/// Core's enums have names of their own, in reports and in JSON alike.
macro_rules! by_name {
    ($($function:ident($type:ty)),* $(,)?) => {
        $(
            pub(super) fn $function<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
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

/// The serializer escapes what is hostile to JSON; who reads the values must escape them for where they go.
pub(super) fn text<S: Serializer>(value: &UntrustedText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.json())
}

#[expect(clippy::ref_option, reason = "serde hands a field over by reference")]
pub(super) fn optional_text<S: Serializer>(
    value: &Option<UntrustedText>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => text(value, serializer),
        None => serializer.serialize_none(),
    }
}
