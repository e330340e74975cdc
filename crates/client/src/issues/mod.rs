//! The open issues of a cluster, read from the stored reports: `tagwatch issues` prints them.

mod absence;
mod filter;
mod stored;
mod watch;

use kube::{Api, Client};
use tagwatch_k8s::report::{MANAGED_BY_SELECTOR, PolicyReport};
use thiserror::Error;

use crate::call::CallError;
use crate::clock::ServerClock;
use crate::pages::each_page;
pub use absence::{NoReports, why_no_reports};
pub use filter::IssueFilter;
pub use stored::StoredIssue;
use stored::issues_of;
pub use watch::{IssueChange, IssueUpdate, IssueWatch};

/// Reports in one answer to a list.
const REPORTS_PER_PAGE: u32 = 500;

/// Which issues to list.
#[derive(Debug, Clone, Default)]
pub struct IssueQuery {
    /// One namespace; `None` for all.
    pub namespace: Option<String>,
    /// A label selector on the reports, in addition to tagwatch's own label.
    pub selector: Option<String>,
    /// Which issues of these reports.
    pub filter: IssueFilter,
}

impl IssueQuery {
    fn api(&self, client: &Client) -> Api<PolicyReport> {
        match &self.namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        }
    }

    fn labels(&self) -> String {
        match &self.selector {
            Some(selector) => format!("{MANAGED_BY_SELECTOR},{selector}"),
            None => MANAGED_BY_SELECTOR.to_owned(),
        }
    }
}

/// The issues that a query finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedIssues {
    /// How many reports were read.
    pub reports: usize,
    /// Issues that the filter admits, most severe first.
    pub issues: Vec<StoredIssue>,
    /// How many open issues of these reports the filter leaves out.
    pub left_out: usize,
}

impl ListedIssues {
    fn add(&mut self, found: Vec<StoredIssue>, filter: &IssueFilter) {
        self.reports += 1;
        let all = found.len();
        let before = self.issues.len();
        self.issues.extend(found.into_iter().filter(|issue| filter.admits(issue)));
        self.left_out += all - (self.issues.len() - before);
    }

    fn sort(&mut self) {
        self.issues.sort_by_cached_key(StoredIssue::order);
    }
}

/// Why the issues could not be listed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ListIssuesError {
    #[error(
        "the report API is absent: the API server does not serve wgpolicyk8s.io/v1alpha2; install its \
         CustomResourceDefinition, and run tagwatch in the cluster"
    )]
    NoReportApi,
    #[error("cannot list the reports: {0}")]
    Call(#[from] CallError),
}

/// A list of a resource that is not served is answered with 404; that of a namespace that does not exist is empty.
fn list_error(error: CallError) -> ListIssuesError {
    if error.code() == Some(404) { ListIssuesError::NoReportApi } else { ListIssuesError::Call(error) }
}

/// Lists the issues, most severe first.
///
/// # Errors
/// When the report API is not served, or a request fails.
pub async fn list_issues(
    client: &Client,
    query: &IssueQuery,
    clock: &ServerClock,
) -> Result<ListedIssues, ListIssuesError> {
    let mut listed = ListedIssues::default();
    let add = |report: &PolicyReport| listed.add(issues_of(report, clock.today()), &query.filter);
    each_report(&query.api(client), &query.labels(), add).await?;
    listed.sort();
    Ok(listed)
}

/// Calls `read` for each report, page by page. Returns the resource version of the list.
async fn each_report(
    api: &Api<PolicyReport>,
    labels: &str,
    mut read: impl FnMut(&PolicyReport),
) -> Result<String, ListIssuesError> {
    each_page(api, labels, REPORTS_PER_PAGE, |page| page.iter().for_each(&mut read)).await.map_err(list_error)
}
