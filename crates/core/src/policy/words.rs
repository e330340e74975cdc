//! Messages for mistakes in a spec.

use serde_json::{Map, Value};

use super::path::{FieldPath, PathStep};
use crate::rules::{self, Parameter};
use crate::suggest;

/// What an unexpected word was meant to name.
pub(super) fn what(path: &FieldPath) -> &'static str {
    if path.ends_with(0, "profile") {
        "profile"
    } else if path.ends_with(1, "rules") {
        "rule"
    } else {
        "value"
    }
}

/// An unknown field of a mapping.
pub(super) fn unknown(name: &str, known: &[&str], mapping: &FieldPath) -> String {
    if mapping.ends_with(0, "rules") {
        return rules::unknown(name);
    }
    let of_rule = match mapping.steps().last() {
        Some(PathStep::Field(id)) if mapping.ends_with(1, "rules") => rules::find(id),
        _ => None,
    };
    let parameter = Parameter::ALL.into_iter().find(|parameter| parameter.as_str() == name);
    match (of_rule, parameter) {
        (Some(meta), Some(parameter)) if meta.parameters.contains(&parameter) => {
            "not in an override: what floats is the same everywhere; move it to spec.rules".to_owned()
        }
        (Some(meta), Some(_)) => format!("{} does not take {name}{}", meta.id, takes(meta.parameters)),
        _ => suggest::unknown("field", name, known),
    }
}

fn takes(parameters: &[Parameter]) -> String {
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.as_str()).collect();
    if names.is_empty() {
        "; it has no parameters".to_owned()
    } else {
        format!("; it takes {}", names.join(", "))
    }
}

/// A value of another type than the field's.
pub(super) fn wrong_type(kind: &str, options: &[&str], value: &Value, path: &FieldPath) -> String {
    let expected = match kind {
        "object" => "a mapping".to_owned(),
        "array" => "a list".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "a whole number".to_owned(),
        _ if !options.is_empty() && options.len() <= 8 => format!("one of {}", options.join(", ")),
        _ => "text".to_owned(),
    };
    let found = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    let is_rule = path.ends_with(1, "rules");
    let advice = match (kind, value) {
        ("object", Value::Null | Value::Bool(true)) if is_rule => "; write {} to switch the rule on",
        ("object", Value::Bool(false)) if is_rule => "; write {enabled: false} to switch the rule off",
        (_, Value::Bool(false)) if path.ends_with(0, "result") => {
            "; write enabled: false to switch the rule off"
        }
        ("object" | "array", Value::Null) => "; leave the field out where nothing is meant",
        ("string", Value::Bool(_) | Value::Number(_)) if options.is_empty() => "; put it in quotes",
        _ => "",
    };
    format!("expected {expected}, found {found}{advice}")
}

/// An empty mapping that needs at least one field.
pub(super) fn nothing_named(known: Option<&Map<String, Value>>, path: &FieldPath) -> String {
    if path.ends_with(0, "rules") {
        return "no rule is named, so the override changes nothing".to_owned();
    }
    if path.ends_with(1, "rules") {
        return "nothing is set; expected what is different here, such as enabled: true".to_owned();
    }
    let names: Vec<&str> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    format!("nothing is named; expected one of {}", names.join(", "))
}

/// A text that does not match the pattern of its field.
pub(super) fn wrong_form(path: &FieldPath) -> &'static str {
    if path.ends_with(1, "metricLabels") {
        "this is no name of a label; expected one such as team or example.com/team"
    } else {
        "this is empty, or has characters that are not allowed here"
    }
}
