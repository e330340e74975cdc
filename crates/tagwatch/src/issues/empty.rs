//! What a list without an issue says: nothing is wrong, nothing matches, or nothing is checked.

use anyhow::Error;
use tagwatch_client::{Client, IssueFilter, IssueQuery, ListedIssues, NoReports, why_no_reports};
use tagwatch_core::text::UntrustedText;

use crate::messages;
use crate::status::Failure;

/// How to find tagwatch in a cluster.
const ASK: &str =
    "Does tagwatch run there? `kubectl get pods -A -l app.kubernetes.io/name=tagwatch` lists it";

/// Explains an empty list, on standard error.
pub(super) async fn explain(
    client: &Client,
    query: &IssueQuery,
    listed: &ListedIssues,
) -> Result<(), Failure> {
    if listed.reports == 0 {
        let why = why_no_reports(client, query).await.map_err(|error| Failure::Api(Error::new(error)))?;
        messages::warning(&no_reports(why, query));
    } else if listed.issues.is_empty() {
        messages::outcome(&no_issues(query, listed));
    }
    Ok(())
}

fn no_reports(why: NoReports, query: &IssueQuery) -> String {
    let place = place(query);
    match why {
        NoReports::Unselected => {
            let selector = query.selector.as_deref().unwrap_or_default();
            format!("no report in {place} matches -l {}", UntrustedText::from(selector).terminal())
        }
        NoReports::NoNamespace => format!("there is no {place}"),
        NoReports::Elsewhere => format!(
            "there is no report in {place}, only in other namespaces: it has no workload, or tagwatch does not watch it, \
             or the scope of the policy leaves it out"
        ),
        NoReports::Nowhere => format!("there is no report of tagwatch in this cluster. {ASK}"),
        NoReports::Unknown => format!("there is no report in {place}. {ASK}"),
    }
}

fn no_issues(query: &IssueQuery, listed: &ListedIssues) -> String {
    let IssueFilter { drift, .. } = query.filter;
    let ListedIssues { reports, left_out, .. } = listed;
    let what = if drift { "drift" } else { "issues" };
    let reports = if *reports == 1 { "1 report".to_owned() } else { format!("{reports} reports") };
    let others = if *left_out == 0 { String::new() } else { format!("; {left_out} others do not match") };
    format!("No {what} found in {}: {reports} read{others}.", place(query))
}

fn place(query: &IssueQuery) -> String {
    match &query.namespace {
        Some(namespace) => format!("namespace {}", UntrustedText::from(namespace.as_str()).terminal()),
        None => "any namespace".to_owned(),
    }
}
