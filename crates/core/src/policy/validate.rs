//! Validates a written spec against its schema: names, types and bounds. The cluster's CRD is generated from the same
//! schema, so a file and the API server refuse the same.
//!
//! Every mistake is reported, not only the first. So unusable values are left out, and the rest is compiled without
//! them.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use regex::Regex;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::date::parse_date;
use super::path::{FieldPath, PathStep, PolicyError};
use super::spec::TagPolicySpec;
use super::words;
use crate::{rules, suggest};

/// Most mistakes that are collected: each costs memory, and no reader needs as many.
const MAX_MISTAKES: usize = 1000;

static SPEC: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<TagPolicySpec>().to_value()
});

/// Collects the mistakes of a spec.
#[derive(Debug, Default)]
pub(super) struct SpecValidator {
    mistakes: Vec<Mistake>,
    /// The original indexes of the items that are left in a list with unusable items, by the list's path in the usable
    /// part.
    moved: BTreeMap<FieldPath, Vec<usize>>,
    patterns: HashMap<String, Option<Regex>>,
}

#[derive(Debug)]
struct Mistake {
    error: PolicyError,
    /// The value was kept, and the compiler may report the same mistake in better words.
    kept: bool,
}

/// The path of a value, as written and in the usable part.
#[derive(Debug, Clone, Default)]
struct At {
    written: FieldPath,
    left: FieldPath,
}

impl At {
    fn field(&self, name: &str) -> Self {
        Self { written: self.written.field(name), left: self.left.field(name) }
    }
}

impl SpecValidator {
    /// Validates a spec, and returns its usable part.
    pub(super) fn check(spec: &Value) -> (Self, Value) {
        let mut validator = Self::default();
        let left = validator.value(spec, &SPEC, &At::default());
        (validator, left.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// Its mistakes, joined with those that the compiler found in the usable part, in the order of the fields.
    pub(super) fn join(self, compiled: Vec<PolicyError>) -> Vec<PolicyError> {
        let compiled: Vec<PolicyError> = compiled
            .into_iter()
            .map(|error| PolicyError { path: self.written(&error.path), ..error })
            .filter(|error| {
                !self.mistakes.iter().any(|known| !known.kept && known.error.path.is_of(&error.path))
            })
            .collect();
        let is_reported =
            |mistake: &Mistake| mistake.kept && compiled.iter().any(|error| error.path == mistake.error.path);
        let own =
            self.mistakes.iter().filter(|mistake| !is_reported(mistake)).map(|known| known.error.clone());
        let mut all: Vec<PolicyError> = own.collect();
        all.extend(compiled);
        all.sort_by(|one, other| one.path.cmp(&other.path));
        all
    }

    /// The written path for a path in the usable part.
    fn written(&self, left: &FieldPath) -> FieldPath {
        let (mut walked, mut written) = (FieldPath::default(), FieldPath::default());
        for step in left.steps() {
            match step {
                PathStep::Field(name) => {
                    (walked, written) = (walked.field(name), written.field(name));
                }
                PathStep::Index(index) => {
                    let before = self.moved.get(&walked).and_then(|moved| moved.get(*index));
                    written = written.index(before.copied().unwrap_or(*index));
                    walked = walked.index(*index);
                }
            }
        }
        written
    }

    fn report(&mut self, path: &FieldPath, kept: bool, message: impl Into<String>) {
        if self.mistakes.len() < MAX_MISTAKES {
            let error = PolicyError::at(path.clone(), message);
            self.mistakes.push(Mistake { error, kept });
        }
    }

    fn report_name(&mut self, path: &FieldPath, message: String) {
        if self.mistakes.len() < MAX_MISTAKES {
            let error = PolicyError { path: path.clone(), message, of_name: true };
            self.mistakes.push(Mistake { error, kept: false });
        }
    }

    /// The usable part of a value, if any.
    fn value(&mut self, value: &Value, schema: &Value, at: &At) -> Option<Value> {
        let schema = choice(schema);
        let kind = kind(schema);
        let fits = match (kind, value) {
            ("object", Value::Object(fields)) => return Some(self.object(fields, schema, at)),
            ("array", Value::Array(items)) => return self.array(items, schema, at),
            ("string", Value::String(text)) => self.text(text, schema, at),
            ("boolean", Value::Bool(_)) => true,
            ("integer", Value::Number(_)) => self.number(value, schema, at),
            _ => {
                let message = words::wrong_type(kind, &options(schema), value, &at.written);
                self.report(&at.written, false, message);
                false
            }
        };
        fits.then(|| value.clone())
    }

    fn object(&mut self, fields: &Map<String, Value>, schema: &Value, at: &At) -> Value {
        let known = schema["properties"].as_object();
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut left = Map::new();
        for (name, value) in fields {
            let Some(of_field) = known.and_then(|known| known.get(name)).or(others) else {
                let names: Vec<&str> =
                    known.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
                self.report_name(&at.written.field(name), words::unknown(name, &names, &at.written));
                continue;
            };
            // As kubectl, which treats a field without a value as absent.
            if value.is_null() && !required.contains(&name.as_str()) && is_optional(of_field) {
                continue;
            }
            if let Some(value) = self.value(value, of_field, &at.field(name)) {
                left.insert(name.clone(), value);
            }
        }
        for name in required {
            if !fields.contains_key(name) {
                self.report(&at.written.field(name), false, "this field is missing");
            }
            if !left.contains_key(name) {
                left.insert(name.to_owned(), stand_in(&schema["properties"][name]));
            }
        }
        if fields.is_empty() && at_least(schema, "minProperties") > 0 {
            self.report(&at.written, true, words::nothing_named(known, &at.written));
        }
        Value::Object(left)
    }

    fn array(&mut self, items: &[Value], schema: &Value, at: &At) -> Option<Value> {
        if let Some(most) = schema["maxItems"].as_u64().filter(|&most| items.len() as u64 > most) {
            self.report(&at.written, false, format!("{} entries; at most {most} are allowed", items.len()));
            return None;
        }
        if items.is_empty() && at_least(schema, "minItems") > 0 {
            self.report(&at.written, true, "this is empty; expected at least one entry");
        }
        let (mut left, mut from) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            let at = At { written: at.written.index(index), left: at.left.index(left.len()) };
            if let Some(item) = self.value(item, &schema["items"], &at) {
                left.push(item);
                from.push(index);
            }
        }
        if left.len() < items.len() {
            self.moved.insert(at.left.clone(), from);
        }
        Some(Value::Array(left))
    }

    fn text(&mut self, text: &str, schema: &Value, at: &At) -> bool {
        let options = options(schema);
        if !options.is_empty() && !options.contains(&text) {
            let message = match words::what(&at.written) {
                "rule" => rules::unknown(text),
                what => suggest::unknown(what, text, &options),
            };
            self.report(&at.written, false, message);
            return false;
        }
        let length = text.chars().count() as u64;
        if let Some(most) = schema["maxLength"].as_u64().filter(|&most| length > most) {
            self.report(&at.written, false, format!("{length} characters; at most {most} are allowed"));
            return false;
        }
        if length < at_least(schema, "minLength") {
            self.report(&at.written, true, "this is empty");
        } else if schema["format"] == "date" {
            if let Err(message) = parse_date(text) {
                self.report(&at.written, true, message);
            }
        } else if let Some(pattern) = schema["pattern"].as_str() {
            let compiled =
                self.patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok());
            if compiled.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
                self.report(&at.written, true, words::wrong_form(&at.written));
            }
        }
        true
    }

    fn number(&mut self, value: &Value, schema: &Value, at: &At) -> bool {
        let (least, most) = (at_least(schema, "minimum"), schema["maximum"].as_u64().unwrap_or(u64::MAX));
        let fits = value.as_u64().is_some_and(|number| (least..=most).contains(&number));
        if !fits {
            let message = format!("{value} is not allowed; expected a whole number from {least} to {most}");
            self.report(&at.written, false, message);
        }
        fits
    }
}

/// The schema of an optional value when it is present.
fn choice(schema: &Value) -> &Value {
    let branches = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    branches.iter().find(|branch| branch["type"] != "null").unwrap_or(schema)
}

fn kind(schema: &Value) -> &str {
    let several = schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let named = schema["type"].as_str().or_else(|| several.into_iter().find(|&kind| kind != "null"));
    // A choice among described words has no type of its own.
    named.unwrap_or("string")
}

/// The words of a choice; empty for any other schema.
fn options(schema: &Value) -> Vec<&str> {
    let described = schema["oneOf"].as_array().into_iter().flatten();
    let described = described.flat_map(|branch| {
        branch["const"]
            .as_str()
            .into_iter()
            .chain(branch["enum"].as_array().into_iter().flatten().filter_map(Value::as_str))
    });
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    described.chain(listed).collect()
}

/// Whether a field without a value is treated as absent. Not so for a mapping or a list, whose content may be missing
/// by mistake.
fn is_optional(schema: &Value) -> bool {
    let by_type = schema["type"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "null"));
    let by_choice =
        schema["anyOf"].as_array().is_some_and(|all| all.iter().any(|branch| branch["type"] == "null"));
    by_type || by_choice || matches!(kind(choice(schema)), "string" | "boolean" | "integer")
}

fn at_least(schema: &Value, keyword: &str) -> u64 {
    schema[keyword].as_u64().unwrap_or_default()
}

/// Stands in for a missing required value, so that the rest can be read.
fn stand_in(schema: &Value) -> Value {
    let schema = choice(schema);
    match (kind(schema), options(schema).first()) {
        ("object", _) => Value::Object(Map::new()),
        ("array", _) => Value::Array(Vec::new()),
        ("boolean", _) => Value::Bool(false),
        ("integer", _) => schema["minimum"].clone(),
        (_, option) => Value::String(option.copied().unwrap_or_default().to_owned()),
    }
}
