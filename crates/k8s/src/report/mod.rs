//! The reports that tagwatch writes: `PolicyReport` of `wgpolicyk8s.io/v1alpha2`, one for each workload.
//!
//! [`build()`] makes the wanted report from the issues of a workload, [`StoredReport`] remembers what the API
//! server holds, and [`plan()`] decides which write, if any, takes one to the other.

mod bounds;
mod build;
mod carried;
mod changes;
mod content;
mod ending;
mod entry;
mod failure;
mod first_seen;
mod hex;
mod history;
mod name;
mod plan;
mod policy_report;
pub mod property;
mod stored;

pub use build::{BuiltReport, ReportInput, ReportedIssues, build};
pub use changes::{IssueChanges, Resolved};
pub use content::content_hash;
pub use failure::ReportFailure;
pub use first_seen::FirstSeen;
pub use history::{History, MAX_HISTORY};
pub use name::{report_name, report_name_without_uid};
pub use plan::{Precondition, ReportPlan, plan};
pub use policy_report::{PolicyReport, ReportResult, ReportSummary, ReportTimestamp};
pub use stored::{ReportOwner, StoredReport};

/// Marks a report as one of tagwatch; a report without it is never touched.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY_LABEL`], and the `source` of every result.
pub const MANAGER: &str = "tagwatch";
/// Names the installation that a report belongs to, such as a Helm release: see [`ReportOwner`].
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Annotation with the hash of everything in the report but times, so that metadata alone shows whether a
/// report is what we would write.
pub const CONTENT_HASH_ANNOTATION: &str = "tagwatch.dev/content-hash";
/// Annotation with what is over, as JSON: see [`History`].
pub const HISTORY_ANNOTATION: &str = "tagwatch.dev/history";
/// Annotation with the names of the namespace's labels that the report carries, separated by commas.
pub const CARRIED_LABELS_ANNOTATION: &str = "tagwatch.dev/namespace-labels";
/// Selects the reports of every installation of tagwatch in a LIST or a WATCH.
pub const MANAGED_BY_SELECTOR: &str = "app.kubernetes.io/managed-by=tagwatch";
