//! The custom resource definitions that tagwatch ships.

mod policy_report;
mod tag_policy;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::{ApiResource, Resource};
use schemars::Schema;
use serde_json::{Value, json};
use thiserror::Error;

pub use policy_report::{cluster_policy_report_crd, policy_report_crd};
pub use tag_policy::tag_policy_crd;

/// The definition could not be made; a fault of tagwatch, not of its input.
#[derive(Debug, Error)]
pub enum CrdError {
    /// The types do not make a definition.
    #[error("the schema does not fit a custom resource definition")]
    Schema(#[from] serde_json::Error),
    /// The definition cannot be written as YAML.
    #[error("the custom resource definition cannot be written as YAML")]
    Yaml(#[from] serde_saphyr::SerializeError),
}

/// A definition as a YAML document.
pub fn crd_yaml(definition: &CustomResourceDefinition) -> Result<String, CrdError> {
    Ok(serde_saphyr::to_string(definition)?)
}

/// What a kind is called.
fn names_of<K: Resource<DynamicType = ()>>() -> ApiResource {
    ApiResource::erase::<K>(&())
}

/// The definition of a kind in one version, which is served and stored.
fn definition(
    ApiResource { group, version, kind, plural, .. }: &ApiResource,
    scope: &str,
    short_names: Option<&[&str]>,
    subresources: Option<&Value>,
    columns: &Value,
    schema: &Schema,
) -> Result<CustomResourceDefinition, CrdError> {
    let definition = json!({
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": plural,
                "shortNames": short_names,
                "singular": kind.to_lowercase(),
            },
            "scope": scope,
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "subresources": subresources,
                "additionalPrinterColumns": columns,
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    });
    Ok(serde_json::from_value(definition)?)
}

/// A column of `kubectl get`.
fn column(name: &str, kind: &str, path: &str) -> Value {
    json!({ "name": name, "type": kind, "jsonPath": path })
}
