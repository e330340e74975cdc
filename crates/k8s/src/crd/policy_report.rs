//! The definitions of `PolicyReport` and `ClusterPolicyReport`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::ApiResource;
use serde_json::{Value, json};

use super::{CrdError, column, definition, names_of};
use crate::report::PolicyReport;
use crate::schema::open_api_schema;

/// The definition of `PolicyReport` for clusters that have none. It serves and stores
/// v1alpha2 alone, and has every field of the Policy Working Group's own definition, so that the reports of
/// other engines pass through it whole.
pub fn policy_report_crd() -> Result<CustomResourceDefinition, CrdError> {
    report_crd(&names_of::<PolicyReport>(), "Namespaced", "polr")
}

/// The definition of `ClusterPolicyReport`, which has the same fields
/// (<https://github.com/kubernetes-sigs/wg-policy-prototypes>, `policy-report/pkg/api/wgpolicyk8s.io/v1alpha2`). tagwatch
/// writes none: readers such as policy-reporter watch both kinds, and do not become ready where one is not served.
pub fn cluster_policy_report_crd() -> Result<CustomResourceDefinition, CrdError> {
    let mut names = names_of::<PolicyReport>();
    names.kind.insert_str(0, "Cluster");
    names.plural.insert_str(0, "cluster");
    report_crd(&names, "Cluster", "cpolr")
}

fn report_crd(
    names: &ApiResource,
    scope: &str,
    short_name: &str,
) -> Result<CustomResourceDefinition, CrdError> {
    let schema = open_api_schema::<PolicyReport>();
    definition(names, scope, Some(&[short_name]), None, &printer_columns(), &schema)
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
