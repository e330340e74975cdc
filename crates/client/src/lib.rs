//! The Kubernetes client of the controller and of the commands that read a cluster: every request is counted, has a
//! time limit and a `User-Agent`, and shows the clock of the API server.

mod api;
mod backoff;
mod call;
mod clock;
mod cluster_policy;
mod connect;
mod discovery;
mod issues;
mod kubeconfig;
mod lists;
mod pages;
mod put_off;
mod retry_after;
mod served;
mod telemetry;

pub use kube::Client;

pub use api::{api, object_api};
pub use backoff::Backoff;
pub use call::{CALL_LIMIT, CallError, LIST_LIMIT, call, describe, retry_after};
pub use clock::{ServerClock, day_of};
pub use cluster_policy::{ClusterPolicy, ReadPolicyError, read_policy};
pub use connect::{ClientError, ClusterChoice, Connection, OnThrottling, ServerName, connect};
pub use discovery::Discovery;
pub use issues::{
    IssueChange, IssueFilter, IssueQuery, IssueUpdate, IssueWatch, ListIssuesError, ListedIssues, NoReports,
    StoredIssue, list_issues, why_no_reports,
};
pub use kubeconfig::KubeconfigFault;
pub use lists::ObjectLists;
pub use pages::each_page;
pub use served::is_served;
pub use telemetry::{RequestCounter, Telemetry, TelemetryLayer};
