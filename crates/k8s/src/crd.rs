//! The custom resource definition that tagwatch ships.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::Resource;
use kube_core::schema::StructuralSchemaRewriter;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use thiserror::Error;

use crate::report::PolicyReport;

/// The definition could not be made; a fault of tagwatch, not of its input.
#[derive(Debug, Error)]
pub enum CrdError {
    /// The types do not make a definition.
    #[error("the schema of PolicyReport does not fit a custom resource definition")]
    Schema(#[from] serde_json::Error),
    /// The definition cannot be written as YAML.
    #[error("the custom resource definition cannot be written as YAML")]
    Yaml(#[from] serde_saphyr::SerializeError),
}

/// The definition of `PolicyReport` for clusters where nobody else has installed one. It serves and stores
/// v1alpha2 alone, and has every field of the Policy Working Group's own definition, so that the reports of
/// other engines pass through it whole.
pub fn policy_report_crd() -> Result<CustomResourceDefinition, CrdError> {
    let (group, plural) = (PolicyReport::group(&()), PolicyReport::plural(&()));
    let definition = json!({
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "names": {
                "kind": PolicyReport::kind(&()),
                "listKind": "PolicyReportList",
                "plural": plural,
                "shortNames": ["polr"],
                "singular": "policyreport",
            },
            "scope": "Namespaced",
            "versions": [{
                "name": PolicyReport::version(&()),
                "served": true,
                "storage": true,
                "additionalPrinterColumns": printer_columns(),
                "schema": { "openAPIV3Schema": open_api_schema() },
            }],
        },
    });
    Ok(serde_json::from_value(definition)?)
}

/// The definition as a YAML document.
pub fn crd_yaml() -> Result<String, CrdError> {
    Ok(serde_saphyr::to_string(&policy_report_crd()?)?)
}

/// What `kubectl get` shows. The upstream definition shows kind and name with `-o wide` only.
fn printer_columns() -> Value {
    let column = |name: &str, kind: &str, path: &str| json!({ "name": name, "type": kind, "jsonPath": path });
    json!([
        column("Kind", "string", ".scope.kind"),
        column("Name", "string", ".scope.name"),
        column("Pass", "integer", ".summary.pass"),
        column("Fail", "integer", ".summary.fail"),
        column("Warn", "integer", ".summary.warn"),
        column("Error", "integer", ".summary.error"),
        column("Skip", "integer", ".summary.skip"),
        column("Age", "date", ".metadata.creationTimestamp"),
    ])
}

/// The schema in the shape that the API server demands: inline, and without what depends on Rust.
fn open_api_schema() -> Schema {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings
        .with_transform(StructuralSchemaRewriter)
        .with_transform(AsUpstream)
        .with_transform(BareMetadata)
        .into_generator()
        .into_root_schema_for::<PolicyReport>()
}

/// Takes out what schemars derives from `Option` and `Default`: upstream, a field is there with a value or is
/// absent, and nothing is filled in for it.
#[derive(Debug, Clone)]
struct AsUpstream;

impl Transform for AsUpstream {
    fn transform(&mut self, schema: &mut Schema) {
        for keyword in ["default", "nullable", "title"] {
            schema.remove(keyword);
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

/// Object metadata, whose schema is the API server's own.
pub(crate) fn object_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}
