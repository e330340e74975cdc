//! What is known of a report that the API server holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};

use super::carried;
use super::content::ContentHash;
use super::{
    CARRIED_LABELS_ANNOTATION, CONTENT_HASH_ANNOTATION, FirstSeen, HISTORY_ANNOTATION, History,
    INSTANCE_LABEL, MANAGED_BY_LABEL, MANAGER, PolicyReport,
};

/// Whose report it is, by its labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportOwner {
    /// This installation of tagwatch.
    Ours,
    /// It has the label of tagwatch and names no instance: an earlier version wrote it, or another client removed the
    /// label. It becomes ours when it is about a workload that is checked here, and is never deleted otherwise.
    Unassigned,
    /// Another installation of tagwatch, by its instance.
    Instance(Box<str>),
    /// Another engine: it does not have the label of tagwatch.
    Engine,
}

impl ReportOwner {
    /// The owner by the labels of a report; `instance` is this installation's own.
    pub fn of(labels: Option<&BTreeMap<String, String>>, instance: &str) -> Self {
        let label = |name| labels.and_then(|labels| labels.get(name)).map(String::as_str);
        match (label(MANAGED_BY_LABEL), label(INSTANCE_LABEL)) {
            (Some(MANAGER), None | Some("")) => Self::Unassigned,
            (Some(MANAGER), Some(named)) if named == instance => Self::Ours,
            (Some(MANAGER), Some(named)) => Self::Instance(named.into()),
            _ => Self::Engine,
        }
    }

    /// Whether it is neither ours nor becomes ours.
    pub fn is_another(&self) -> bool {
        matches!(self, Self::Instance(_) | Self::Engine)
    }
}

/// What identifies a report and its version. There is one of these for every workload, so it holds nothing else.
#[derive(Debug, Clone)]
struct Identity {
    namespace: Arc<str>,
    name: Arc<str>,
    uid: Option<Box<str>>,
    resource_version: Option<Box<str>>,
    created: Option<Time>,
}

/// What clients may add to the metadata of an object that is not theirs.
#[derive(Debug, Clone, Default, PartialEq)]
struct OfOthers {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
    finalizers: Option<Vec<String>>,
}

/// What is known of a report that the API server holds: all that the next decision asks for, without its body.
#[derive(Debug, Clone)]
pub struct StoredReport {
    identity: Identity,
    /// What others have put into its metadata: nothing for nearly all of them. Our own labels, annotations and owner are
    /// left out.
    of_others: Option<Box<OfOthers>>,
    owner: ReportOwner,
    /// Hash of the body, where the annotation says the same.
    content_hash: Option<ContentHash>,
    first_seen: FirstSeen,
    history: History,
}

impl StoredReport {
    /// Takes what is needed out of a report; `instance` is this installation's own. What the report of another one says
    /// of times and of the past is not taken over.
    pub fn new(report: PolicyReport, instance: &str) -> Self {
        let owner = ReportOwner::of(report.metadata.labels.as_ref(), instance);
        let content_hash = ContentHash::of(&report);
        let (first_seen, history) = if owner.is_another() {
            Default::default()
        } else {
            (FirstSeen::of(&report), History::of(&report))
        };
        let subject = report.scope.and_then(|scope| scope.uid);
        let mut metadata = report.metadata;
        let is_noted = content_hash.is_noted(&metadata);
        take(&mut metadata.labels, MANAGED_BY_LABEL, |manager| manager == MANAGER);
        take(&mut metadata.labels, INSTANCE_LABEL, |_| owner == ReportOwner::Ours);
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
        let of_others = OfOthers {
            labels: metadata.labels,
            annotations: metadata.annotations,
            owner_references: metadata.owner_references.filter(|owners| !owners.is_empty()),
            finalizers: metadata.finalizers,
        };
        let identity = Identity {
            namespace: metadata.namespace.unwrap_or_default().into(),
            name: metadata.name.unwrap_or_default().into(),
            uid: metadata.uid.map(Into::into),
            resource_version: metadata.resource_version.map(Into::into),
            created: metadata.creation_timestamp,
        };
        let of_others = (of_others != OfOthers::default()).then(|| Box::new(of_others));
        Self {
            identity,
            of_others,
            owner,
            content_hash: is_noted.then_some(content_hash),
            first_seen,
            history,
        }
    }

    /// Its identity, version and age, and the labels, annotations, owners and finalizers that are not ours. An API server with a
    /// store of its own may take the age of the report from an update.
    pub fn metadata(&self) -> ObjectMeta {
        let Identity { namespace, name, uid, resource_version, created } = &self.identity;
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let OfOthers { labels, annotations, owner_references, finalizers } =
            self.of_others.as_deref().cloned().unwrap_or_default();
        ObjectMeta {
            namespace: Some(namespace.to_string()),
            name: Some(name.to_string()),
            uid: text(uid),
            resource_version: text(resource_version),
            creation_timestamp: created.clone(),
            labels,
            annotations,
            owner_references,
            finalizers,
            ..ObjectMeta::default()
        }
    }

    /// The namespace that it is in, as shared text.
    pub fn namespace(&self) -> &Arc<str> {
        &self.identity.namespace
    }

    /// `metadata.name` of it, as shared text.
    pub fn name(&self) -> &Arc<str> {
        &self.identity.name
    }

    /// Its UID, which a report that is made anew under its name does not have.
    pub fn uid(&self) -> Option<&str> {
        self.identity.uid.as_deref()
    }

    /// Its version; a watch event with the same one has no news.
    pub fn resource_version(&self) -> Option<&str> {
        self.identity.resource_version.as_deref()
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

    /// Whose it is, whatever its name.
    pub fn owner(&self) -> &ReportOwner {
        &self.owner
    }

    /// Whether it has the label of tagwatch and names our instance.
    pub fn is_ours(&self) -> bool {
        self.owner == ReportOwner::Ours
    }

    /// Whether it says what a report that we built says, and its annotation does not belie it.
    pub(super) fn says_the_same(&self, wanted: &PolicyReport) -> bool {
        self.content_hash.is_some_and(|hash| hash.is_noted(&wanted.metadata))
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
