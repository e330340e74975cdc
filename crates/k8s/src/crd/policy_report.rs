//! The definition of `PolicyReport`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::Resource;
use serde_json::{Value, json};

use super::schema::open_api_schema;
use super::{CrdError, column};
use crate::report::PolicyReport;

/// The definition of `PolicyReport` for clusters that have none. It serves and stores
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
                "schema": { "openAPIV3Schema": open_api_schema::<PolicyReport>() },
            }],
        },
    });
    Ok(serde_json::from_value(definition)?)
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
