//! The definition of `PolicyReport`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use super::{CrdError, column, definition};
use crate::report::PolicyReport;
use crate::schema::open_api_schema;

/// The definition of `PolicyReport` for clusters that have none. It serves and stores
/// v1alpha2 alone, and has every field of the Policy Working Group's own definition, so that the reports of
/// other engines pass through it whole.
pub fn policy_report_crd() -> Result<CustomResourceDefinition, CrdError> {
    definition::<PolicyReport>(
        "Namespaced",
        Some(&["polr"]),
        None,
        &printer_columns(),
        &open_api_schema::<PolicyReport>(),
    )
}

/// What `kubectl get` shows. The upstream definition shows kind and name with `-o wide` only.
fn printer_columns() -> Value {
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
