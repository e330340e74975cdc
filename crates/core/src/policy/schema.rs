//! Schemas of the fields whose values are names that the code knows.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{Profile, RuleSpec};
use crate::rules::registry;

pub(super) fn profile(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Profile::ALL.map(Profile::as_str) })
}

/// A property for each rule, so that `kubectl explain` lists them and an unknown one is refused.
pub(super) fn rules(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = json_schema!({ "type": "object", "additionalProperties": false });
    let properties = registry().iter().map(|rule| {
        let mut property = generator.subschema_for::<RuleSpec>();
        property.insert("description".to_owned(), rule.meta().summary.into());
        (rule.meta().id.to_owned(), property.to_value())
    });
    schema.insert("properties".to_owned(), properties.collect());
    schema
}
