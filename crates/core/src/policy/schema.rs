//! Schemas of fields whose values are names known to the code.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Profile, RuleSpec};
use crate::rules::{self, Parameter, RuleMeta};

pub(super) fn profile(_: &mut SchemaGenerator) -> Schema {
    let profiles = Profile::ALL.map(Profile::as_str);
    json_schema!({ "type": "string", "enum": profiles, "default": Profile::default().as_str() })
}

/// Names of rules, and the star for all.
pub(super) fn exempt_rules(_: &mut SchemaGenerator) -> Schema {
    let ids: Vec<&str> = rules::all().map(|meta| meta.id).chain(["*"]).collect();
    json_schema!({ "type": "array", "minItems": 1, "maxItems": 64, "items": { "type": "string", "enum": ids } })
}

/// A date of the calendar: the API server checks the format.
pub(super) fn date(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date" })
}

/// Names of labels
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>).
pub(super) fn label_names(_: &mut SchemaGenerator) -> Schema {
    let name = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
    json_schema!({ "type": "array", "maxItems": 16, "items": { "type": "string", "maxLength": 317, "pattern": name } })
}

/// A rule in CEL, which the API server runs when a policy is applied.
pub(super) fn label_requirement() -> Value {
    json!([{
        "rule": "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        "message": "In and NotIn need at least one value, Exists and DoesNotExist take none",
    }])
}

/// A property for each rule, so that `kubectl explain` lists them and an unknown one is refused.
pub(super) fn rules(generator: &mut SchemaGenerator) -> Schema {
    of_rules(generator, |spec| spec)
}

/// The same in an override: it sets at least one field, and neither words nor patterns, which are global.
pub(super) fn override_rules(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = of_rules(generator, |mut spec| {
        if let Some(Value::Object(fields)) = spec.get_mut("properties") {
            fields.retain(|name, _| {
                ![Parameter::Words, Parameter::Patterns].map(Parameter::as_str).contains(&name.as_str())
            });
        }
        spec["minProperties"] = json!(1);
        spec
    });
    schema.insert("minProperties".to_owned(), json!(1));
    schema
}

fn of_rules(generator: &mut SchemaGenerator, change: impl Fn(Value) -> Value) -> Schema {
    let properties = rules::all().map(|meta| (meta.id.to_owned(), change(rule_spec(meta, generator))));
    let properties: serde_json::Map<String, Value> = properties.collect();
    json_schema!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// What a policy can set of one rule: parameters that it does not take are unknown fields.
fn rule_spec(meta: &RuleMeta, generator: &mut SchemaGenerator) -> Value {
    let mut spec = RuleSpec::json_schema(generator);
    spec.insert("description".to_owned(), meta.summary.into());
    if let Some(Value::Object(fields)) = spec.get_mut("properties") {
        fields.retain(|name, _| {
            let parameter = Parameter::ALL.into_iter().find(|parameter| parameter.as_str() == name);
            parameter.is_none_or(|parameter| meta.parameters.contains(&parameter))
        });
    }
    spec.to_value()
}
