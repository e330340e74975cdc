//! What is known of a report that the API server holds.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::carried;
use super::{
    CARRIED_LABELS_ANNOTATION, CONTENT_HASH_ANNOTATION, FirstSeen, HISTORY_ANNOTATION, History,
    MANAGED_BY_LABEL, MANAGER, PolicyReport, content_hash,
};

/// What is known of a report that the API server holds: all that the next decision asks for, without its body.
#[derive(Debug, Clone)]
pub struct StoredReport {
    /// What identifies it, and what others have put into its metadata: our own label, annotation and owner are
    /// left out, for there is one of these for every workload.
    metadata: ObjectMeta,
    is_ours: bool,
    /// Hash of the body, where the annotation says the same.
    content_hash: Option<Box<str>>,
    first_seen: FirstSeen,
    history: History,
}

impl From<PolicyReport> for StoredReport {
    fn from(report: PolicyReport) -> Self {
        let content_hash = content_hash(&report);
        let first_seen = FirstSeen::of(&report);
        let history = History::of(&report);
        let subject = report.scope.and_then(|scope| scope.uid);
        let mut metadata = ObjectMeta { managed_fields: None, ..report.metadata };
        let is_noted = noted_hash(&metadata) == Some(&content_hash);
        let is_ours = take(&mut metadata.labels, MANAGED_BY_LABEL, |manager| manager == MANAGER);
        let carried: Vec<String> = carried::of_report(&metadata).into_keys().map(str::to_owned).collect();
        for label in &carried {
            take(&mut metadata.labels, label, |_| true);
        }
        for annotation in [CONTENT_HASH_ANNOTATION, CARRIED_LABELS_ANNOTATION, HISTORY_ANNOTATION] {
            take(&mut metadata.annotations, annotation, |_| true);
        }
        if let Some(owners) = &mut metadata.owner_references {
            owners.retain(|owner| Some(&owner.uid) != subject.as_ref());
        }
        metadata.owner_references = metadata.owner_references.filter(|owners| !owners.is_empty());
        let content_hash = is_noted.then(|| content_hash.into_boxed_str());
        Self { metadata, is_ours, content_hash, first_seen, history }
    }
}

impl StoredReport {
    /// Its identity and version, and the labels, annotations, owners and finalizers that are not ours.
    pub fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    /// Its version; a watch event with the same one has no news.
    pub fn resource_version(&self) -> Option<&str> {
        self.metadata.resource_version.as_deref()
    }

    /// When its results were first seen, for the next [`super::ReportInput`].
    pub fn first_seen(&self) -> &FirstSeen {
        &self.first_seen
    }

    /// What is over, for the next [`super::ReportInput`].
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The same, sharing the memory of equal times.
    #[must_use]
    pub fn shared_with(self, first_seen: &FirstSeen) -> Self {
        Self { first_seen: self.first_seen.shared_with(first_seen), ..self }
    }

    /// Whether it carries our label. A report without it is another engine's, whatever its name.
    pub fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Whether it says what a report that we built says, and its annotation does not belie it.
    pub(super) fn says_the_same(&self, wanted: &PolicyReport) -> bool {
        self.content_hash.is_some() && self.content_hash.as_deref() == noted_hash(&wanted.metadata)
    }
}

/// Removes an entry that has the right value; an empty map becomes `None`.
fn take(map: &mut Option<BTreeMap<String, String>>, key: &str, is_right: impl FnOnce(&str) -> bool) -> bool {
    let Some(entries) = map else { return false };
    let found = entries.get(key).is_some_and(|value| is_right(value));
    if found {
        entries.remove(key);
    }
    if entries.is_empty() {
        *map = None;
    }
    found
}

fn noted_hash(metadata: &ObjectMeta) -> Option<&str> {
    metadata.annotations.as_ref()?.get(CONTENT_HASH_ANNOTATION).map(String::as_str)
}
