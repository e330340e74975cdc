//! Why a list holds no report: nothing is wrong, or nothing checks.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, Client};
use tagwatch_k8s::report::{MANAGED_BY_SELECTOR, PolicyReport};

use super::{IssueQuery, ListIssuesError, list_error};
use crate::call::{CALL_LIMIT, LIST_LIMIT, call};

/// Why a list holds no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReports {
    /// The selector matches none of those that there are.
    Unselected,
    /// The namespace does not exist.
    NoNamespace,
    /// Other namespaces have reports.
    Elsewhere,
    /// The whole cluster has none.
    Nowhere,
    /// Unknown: the account may not list the reports of other namespaces.
    Unknown,
}

/// Finds out why a query found no report, with at most three small requests.
///
/// # Errors
/// When a request fails for another reason than missing rights.
pub async fn why_no_reports(client: &Client, query: &IssueQuery) -> Result<NoReports, ListIssuesError> {
    if query.selector.is_some() && has_reports(&query.api(client)).await? {
        return Ok(NoReports::Unselected);
    }
    let Some(namespace) = &query.namespace else { return Ok(NoReports::Nowhere) };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if call(CALL_LIMIT, namespaces.get_metadata(namespace))
        .await
        .is_err_and(|error| error.code() == Some(404))
    {
        return Ok(NoReports::NoNamespace);
    }
    match has_reports(&Api::all(client.clone())).await {
        Ok(true) => Ok(NoReports::Elsewhere),
        Ok(false) => Ok(NoReports::Nowhere),
        Err(ListIssuesError::Call(error)) if error.code() == Some(403) => Ok(NoReports::Unknown),
        Err(error) => Err(error),
    }
}

async fn has_reports(api: &Api<PolicyReport>) -> Result<bool, ListIssuesError> {
    let params = ListParams::default().labels(MANAGED_BY_SELECTOR).limit(1);
    let found = call(LIST_LIMIT, api.list_metadata(&params)).await.map_err(list_error)?;
    Ok(!found.items.is_empty())
}
