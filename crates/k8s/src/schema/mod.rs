//! Schemas of the types that go into custom resource definitions, which the types of reports and policies name.

mod kubernetes;
mod open_api;

use schemars::{Schema, SchemaGenerator, json_schema};

pub(crate) use kubernetes::{ConditionSchema, LabelSelectorSchema, ObjectReferenceSchema};
pub(crate) use open_api::open_api_schema;

/// Object metadata, whose schema is the API server's own.
pub(crate) fn object_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}
