//! From a Rust type to a schema in the shape that the API server demands.

use kube_core::schema::StructuralSchemaRewriter;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of a custom resource: inline, and without what depends on Rust.
pub(crate) fn open_api_schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings
        .with_transform(OptionalChoice)
        .with_transform(StructuralSchemaRewriter)
        .with_transform(WithoutRust)
        .with_transform(BareMetadata)
        .into_generator()
        .into_root_schema_for::<T>()
}

/// An optional choice among words with descriptions is one with null to schemars; to the API, null is no word, and a
/// field that is optional need not say so itself.
#[derive(Debug, Clone)]
struct OptionalChoice;

impl Transform for OptionalChoice {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(branches)) = schema.get("anyOf").cloned() {
            let is_null = |branch: &&Value| branch["type"] == "null" || branch["enum"] == json!([null]);
            let mut choices = branches.iter().filter(|branch| !is_null(branch));
            if let (true, Some(Value::Object(choice)), None) =
                (branches.iter().any(|branch| is_null(&branch)), choices.next(), choices.next())
            {
                schema.remove("anyOf");
                for (keyword, value) in choice {
                    if schema.get(keyword).is_none() {
                        schema.insert(keyword.clone(), value.clone());
                    }
                }
            }
        }
        transform_subschemas(self, schema);
    }
}

/// Takes out what schemars derives from `Option`, from integer types and from empty defaults: in the API a field is
/// there with a value or is absent, and only a choice is filled in for it.
#[derive(Debug, Clone)]
struct WithoutRust;

impl Transform for WithoutRust {
    fn transform(&mut self, schema: &mut Schema) {
        for keyword in ["nullable", "title"] {
            schema.remove(keyword);
        }
        // To the API null is no word, though an option without descriptions has it among its words.
        if let Some(Value::Array(choices)) = schema.get_mut("enum") {
            choices.retain(|choice| !choice.is_null());
        }
        let choices = schema.get("enum").and_then(Value::as_array);
        let is_choice = |default| choices.is_some_and(|choices| choices.contains(default));
        if schema.get("default").is_some_and(|default| !default.is_boolean() && !is_choice(default)) {
            schema.remove("default");
        }
        // A format of Rust's; the range says it too.
        if schema
            .get("format")
            .is_some_and(|format| format.as_str().is_some_and(|name| name.starts_with("uint")))
        {
            schema.remove("format");
        }
        transform_subschemas(self, schema);
    }
}

/// The API server checks metadata by a schema of its own, and refuses a definition that says more of it than its
/// type, were it a description.
#[derive(Debug, Clone)]
struct BareMetadata;

impl Transform for BareMetadata {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert("metadata".to_owned(), json!({ "type": "object" }));
        }
    }
}
