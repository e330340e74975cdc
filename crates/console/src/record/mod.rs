//! What the JSON API and the exports say. Fields are only ever added.

mod change;
mod image;
mod issue;
mod overview;
mod workload;

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use change::{ChangePage, ChangeRecord, DayRecord, KnowledgeRecord};
pub(crate) use image::{ImageGroupRecord, ImagePage};
pub(crate) use issue::{ExemptionRecord, IssueDetails, IssuePage, IssueRecord};
pub(crate) use overview::{NamespaceList, OverviewRecord, RuleList};
pub(crate) use workload::{WorkloadDetails, WorkloadPage, WorkloadRecord};

/// Why there is no answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorRecord {
    /// The HTTP status of the response.
    pub(crate) status: u16,
    /// What is wrong, and what was expected.
    pub(crate) messages: Vec<String>,
}
