//! The objects, one counter of versions, and every change that led to them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::aggregated::next_version;
use super::answer::ApiError;
use super::resource::Resource;

/// The version that a new store begins at. Versions before it are not known, as after a compaction.
const FIRST_REVISION: u64 = 1_000;

/// Namespace (empty for objects of the cluster) and name.
pub(crate) type ObjectKey = (String, String);
/// The objects of one resource.
pub(super) type Objects = BTreeMap<ObjectKey, Arc<Value>>;

/// Who changes something, and when by the wall clock.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The `User-Agent`.
    pub agent: Arc<str>,
    /// The time of what is made.
    pub now: Timestamp,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of watch events")]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One change.
#[derive(Debug, Clone)]
pub struct Change {
    /// The version that it made.
    pub revision: u64,
    /// Of what.
    pub resource: &'static Resource,
    /// What it did.
    pub kind: ChangeKind,
    /// The object before it.
    pub before: Option<Arc<Value>>,
    /// The object after it; the last state of one that is deleted.
    pub object: Arc<Value>,
    /// Who made it.
    pub agent: Arc<str>,
    /// When.
    pub at: Instant,
}

/// A write that no client should send that remembers what it was answered.
#[derive(Debug, Clone)]
pub(crate) struct NeedlessWrite {
    pub(crate) agent: Arc<str>,
    pub(crate) resource: &'static Resource,
    pub(crate) name: String,
    pub(crate) reason: Needless,
}

/// Why a write is not needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needless {
    /// It changed nothing.
    Unchanged,
    /// The name was taken before, and the client has not looked since at what has it.
    Taken,
}

/// What the API server keeps in etcd.
#[derive(Debug)]
pub struct Store {
    revision: u64,
    compacted: u64,
    objects: BTreeMap<&'static str, Objects>,
    /// Never shortened: a compaction only hides the beginning from clients.
    log: Vec<Change>,
    needless: Vec<NeedlessWrite>,
    /// Names that an agent was refused, until it reads what has them.
    taken: BTreeSet<(Arc<str>, &'static str, ObjectKey)>,
    /// How many objects of a name there have been.
    incarnations: BTreeMap<(&'static str, ObjectKey), u32>,
    absent: BTreeSet<&'static str>,
    /// What each manager has applied last, by object and manager.
    pub(super) applied: BTreeMap<(String, String), Value>,
    /// The version that the watch cache has come to, where it lags behind.
    cached: Option<u64>,
    pub(super) has_watch_lists: bool,
    pub(super) has_reports_server: bool,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            revision: FIRST_REVISION,
            compacted: FIRST_REVISION,
            objects: BTreeMap::new(),
            log: Vec::new(),
            needless: Vec::new(),
            taken: BTreeSet::new(),
            incarnations: BTreeMap::new(),
            absent: BTreeSet::new(),
            applied: BTreeMap::new(),
            cached: None,
            has_watch_lists: true,
            has_reports_server: false,
        }
    }
}

impl Store {
    /// The version of the newest change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Every change, the oldest first.
    pub fn log(&self) -> &[Change] {
        &self.log
    }

    /// An object as it is.
    pub fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(resource.plural)?.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The objects of a resource as they are.
    pub fn objects<'a>(&'a self, resource: &Resource) -> impl Iterator<Item = &'a Arc<Value>> + use<'a> {
        self.objects.get(resource.plural).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn needless_writes(&self) -> &[NeedlessWrite] {
        &self.needless
    }

    pub(crate) fn note_unchanged(&mut self, caller: &Caller, resource: &'static Resource, name: &str) {
        self.note_needless(caller, resource, name, Needless::Unchanged);
    }

    /// A creation is refused, since the name is taken.
    pub(crate) fn note_taken(&mut self, caller: &Caller, resource: &'static Resource, key: &ObjectKey) {
        if !self.taken.insert((Arc::clone(&caller.agent), resource.plural, key.clone())) {
            self.note_needless(caller, resource, &key.1, Needless::Taken);
        }
    }

    /// A client reads an object, or all of the resource.
    pub(crate) fn note_read(&mut self, caller: &Caller, resource: &Resource, name: Option<&str>) {
        self.taken.retain(|(agent, plural, key)| {
            let is_read = name.is_none_or(|name| key.1 == name);
            !(*agent == caller.agent && *plural == resource.plural && is_read)
        });
    }

    fn note_needless(&mut self, caller: &Caller, resource: &'static Resource, name: &str, reason: Needless) {
        let (agent, name) = (Arc::clone(&caller.agent), name.to_owned());
        self.needless.push(NeedlessWrite { agent, resource, name, reason });
    }

    /// Forgets the history: watches and pages of earlier versions expire from now on.
    pub fn compact(&mut self) {
        self.compacted = self.revision;
    }

    /// Stops the watch cache at the present version, or lets it catch up.
    pub fn set_cache_lag(&mut self, lags: bool) {
        self.cached = lags.then_some(self.revision);
    }

    /// Whether initial states can be streamed (the feature gate `WatchList`).
    pub fn set_watch_lists(&mut self, has_watch_lists: bool) {
        self.has_watch_lists = has_watch_lists;
    }

    /// The version that lists from the cache and watches show.
    pub(super) fn cached_revision(&self) -> u64 {
        self.cached.unwrap_or(self.revision)
    }

    pub(super) fn is_served(&self, resource: &Resource) -> bool {
        !self.absent.contains(resource.plural)
    }

    /// Removes the definition of a custom resource, and its objects with it.
    pub fn remove_api(&mut self, resource: &'static Resource, caller: &Caller) {
        let keys: Vec<ObjectKey> =
            self.objects.get(resource.plural).into_iter().flat_map(BTreeMap::keys).cloned().collect();
        for key in keys {
            self.remove(resource, &key, caller);
        }
        self.absent.insert(resource.plural);
    }

    /// Serves it again.
    pub fn restore_api(&mut self, resource: &Resource) {
        self.absent.remove(resource.plural);
    }

    /// The objects of a resource as they were at a version.
    pub(super) fn objects_at(&self, resource: &Resource, revision: u64) -> Result<Objects, ApiError> {
        if revision < self.compacted {
            let message = format!("The resourceVersion for the provided list is too old: {revision}");
            return Err(ApiError::expired(message));
        }
        let mut objects = self.objects.get(resource.plural).cloned().unwrap_or_default();
        for change in self.since(revision).iter().rev().filter(|change| change.resource == resource) {
            let key = key_of(&change.object);
            match &change.before {
                Some(before) => objects.insert(key, Arc::clone(before)),
                None => objects.remove(&key),
            };
        }
        Ok(objects)
    }

    /// Whether the changes behind a version are still known.
    pub(super) fn reaches(&self, revision: u64) -> bool {
        revision >= self.compacted
    }

    /// The oldest version behind which changes are known.
    pub(super) fn oldest(&self) -> u64 {
        self.compacted
    }

    /// The changes behind a version.
    pub(super) fn since(&self, revision: u64) -> &[Change] {
        let first = self.log.partition_point(|change| change.revision <= revision);
        &self.log[first..]
    }

    /// Makes the next version of an object.
    pub(super) fn store(
        &mut self,
        resource: &'static Resource,
        mut object: Value,
        caller: &Caller,
    ) -> Arc<Value> {
        self.revision += 1;
        let key = key_of(&object);
        let version = if self.is_aggregated(resource) {
            next_version(self.get(resource, &key.0, &key.1).map(|before| &**before))
        } else {
            self.revision.to_string()
        };
        object["metadata"]["resourceVersion"] = Value::String(version);
        let object = Arc::new(object);
        let before = self.objects.entry(resource.plural).or_default().insert(key, Arc::clone(&object));
        let kind = if before.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        self.note(resource, kind, before, Arc::clone(&object), caller);
        object
    }

    pub(super) fn remove(&mut self, resource: &'static Resource, key: &ObjectKey, caller: &Caller) {
        let Some(before) = self.objects.get_mut(resource.plural).and_then(|objects| objects.remove(key))
        else {
            return;
        };
        self.revision += 1;
        let mut last = (*before).clone();
        if !self.is_aggregated(resource) {
            // The event of a deletion has the version of the deletion.
            last["metadata"]["resourceVersion"] = Value::String(self.revision.to_string());
        }
        if let Some(uid) = uid_of(&last) {
            let uid = uid.to_owned();
            self.applied.retain(|(applied, _), _| *applied != uid);
        }
        self.note(resource, ChangeKind::Deleted, Some(before), Arc::new(last), caller);
    }

    fn note(
        &mut self,
        resource: &'static Resource,
        kind: ChangeKind,
        before: Option<Arc<Value>>,
        object: Arc<Value>,
        caller: &Caller,
    ) {
        let (revision, agent, at) = (self.revision, Arc::clone(&caller.agent), Instant::now());
        self.log.push(Change { revision, resource, kind, before, object, agent, at });
    }

    /// The UID of the next object of a name. It depends on nothing else, so that two runs can be compared.
    pub(super) fn next_uid(&mut self, resource: &'static Resource, key: &ObjectKey) -> String {
        let count = self.incarnations.entry((resource.plural, key.clone())).or_default();
        *count += 1;
        let half = |part: u8| {
            let mut hasher = DefaultHasher::new();
            (resource.plural, key, *count, part).hash(&mut hasher);
            hasher.finish()
        };
        let digits = format!("{:016x}{:016x}", half(0), half(1));
        [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]).join("-")
    }

    /// Deletes what is controlled by objects that are gone, as the garbage collector of the controller manager does.
    pub fn collect_garbage(&mut self, caller: &Caller) {
        loop {
            let uids: BTreeSet<&str> = self
                .objects
                .values()
                .flat_map(BTreeMap::values)
                .filter_map(|object| uid_of(object))
                .collect();
            let is_orphan = |object: &Value| {
                let owners = object["metadata"]["ownerReferences"].as_array();
                owners.is_some_and(|owners| {
                    !owners.is_empty()
                        && owners
                            .iter()
                            .all(|owner| owner["uid"].as_str().is_none_or(|uid| !uids.contains(uid)))
                })
            };
            let orphans: Vec<(&'static str, ObjectKey)> = self
                .objects
                .iter()
                .flat_map(|(plural, objects)| objects.iter().map(move |(key, object)| (*plural, key, object)))
                .filter(|(_, _, object)| is_orphan(object))
                .map(|(plural, key, _)| (plural, key.clone()))
                .collect();
            if orphans.is_empty() {
                return;
            }
            for (plural, key) in orphans {
                self.remove(super::resource_named(plural), &key, caller);
            }
        }
    }
}

pub(crate) fn key_of(object: &Value) -> ObjectKey {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

pub(crate) fn uid_of(object: &Value) -> Option<&str> {
    object["metadata"]["uid"].as_str()
}
