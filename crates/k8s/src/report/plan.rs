//! From what is stored and what is wanted to a write.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{PolicyReport, ReportOwner, StoredReport};

/// What to do about one report.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportPlan {
    /// There is no report yet: POST this one.
    Create(Box<PolicyReport>),
    /// PUT it; it carries the resourceVersion and UID of the stored one, and what others have put into its
    /// metadata.
    Replace(Box<PolicyReport>),
    /// The stored report says the same: write nothing.
    Keep,
    /// DELETE it, if it is still the one that was looked at.
    Delete(Precondition),
    /// A report of another engine, or of another installation of tagwatch, has the name: write nothing, and report that.
    Blocked(ReportOwner),
}

/// What a deletion insists on, so that it cannot hit a report that has been made anew or changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition {
    /// UID of the report that was looked at.
    pub uid: Option<String>,
    /// Version of the report that was looked at.
    pub resource_version: Option<String>,
}

/// Decides what takes the stored report to the wanted one; `None` on either side stands for no report.
///
/// `wanted` is what [`super::build()`] made: its content hash is read from its annotation. Only a report that names our
/// instance is ever deleted.
pub fn plan(stored: Option<&StoredReport>, wanted: Option<PolicyReport>) -> ReportPlan {
    match (stored, wanted) {
        (None, Some(wanted)) => ReportPlan::Create(Box::new(wanted)),
        (Some(stored), None) if stored.is_ours() => ReportPlan::Delete(precondition(stored)),
        (_, None) => ReportPlan::Keep,
        (Some(stored), Some(_)) if stored.owner().is_another() => ReportPlan::Blocked(stored.owner().clone()),
        (Some(stored), Some(wanted)) if stored.is_ours() && stored.says_the_same(&wanted) => ReportPlan::Keep,
        // Ours; or without an instance and about a workload that is checked here: it becomes ours.
        (Some(stored), Some(wanted)) => {
            let metadata = merge(stored.metadata(), wanted.metadata);
            ReportPlan::Replace(Box::new(PolicyReport { metadata, ..wanted }))
        }
    }
}

fn precondition(stored: &StoredReport) -> Precondition {
    Precondition {
        uid: stored.uid().map(str::to_owned),
        resource_version: stored.resource_version().map(str::to_owned),
    }
}

/// Our labels, annotations and owner over the stored metadata; everything else in it belongs to others.
fn merge(mut stored: ObjectMeta, wanted: ObjectMeta) -> ObjectMeta {
    stored.labels.get_or_insert_default().extend(wanted.labels.unwrap_or_default());
    stored.annotations.get_or_insert_default().extend(wanted.annotations.unwrap_or_default());
    let owners = stored.owner_references.get_or_insert_default();
    for ours in wanted.owner_references.unwrap_or_default() {
        owners.retain(|owner| owner.uid != ours.uid);
        owners.insert(0, ours);
    }
    stored
}
