//! What is known of a report that the API server holds.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{CONTENT_HASH_ANNOTATION, FirstSeen, MANAGED_BY_LABEL, MANAGER, PolicyReport, content_hash};

/// What is known of a report that the API server holds: all that the next decision asks for, without its body.
#[derive(Debug, Clone)]
pub struct StoredReport {
    metadata: ObjectMeta,
    content_hash: String,
    first_seen: FirstSeen,
}

impl From<PolicyReport> for StoredReport {
    fn from(report: PolicyReport) -> Self {
        let content_hash = content_hash(&report);
        let first_seen = FirstSeen::of(&report);
        let metadata = ObjectMeta { managed_fields: None, ..report.metadata };
        Self { metadata, content_hash, first_seen }
    }
}

impl StoredReport {
    /// Its metadata, without `managedFields`.
    pub fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    /// Its version; a watch event that carries the same one tells nothing new.
    pub fn resource_version(&self) -> Option<&str> {
        self.metadata.resource_version.as_deref()
    }

    /// When its results were first seen, for the next [`super::ReportInput`].
    pub fn first_seen(&self) -> &FirstSeen {
        &self.first_seen
    }

    /// Whether it carries our label. A report without it belongs to somebody else, whatever its name.
    pub fn is_ours(&self) -> bool {
        let labels = self.metadata.labels.as_ref();
        labels.and_then(|labels| labels.get(MANAGED_BY_LABEL)).is_some_and(|manager| manager == MANAGER)
    }

    /// Whether it says what a report that we built says, and its annotation does not belie it.
    pub(super) fn says_the_same(&self, wanted: &PolicyReport) -> bool {
        let Some(hash) = noted_hash(&wanted.metadata) else { return false };
        self.content_hash == hash && noted_hash(&self.metadata) == Some(hash)
    }
}

fn noted_hash(metadata: &ObjectMeta) -> Option<&str> {
    metadata.annotations.as_ref()?.get(CONTENT_HASH_ANNOTATION).map(String::as_str)
}
