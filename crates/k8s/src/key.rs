//! Names an object across everything that the controller keeps.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tagwatch_core::kinds::{WorkloadKind, find_watched, group_of, is_misplaced, kind_label};
use tagwatch_core::workload::WorkloadId;

/// A workload that may have a report, or an object that belongs to one. Cloning is cheap.
///
/// Two keys are equal when group, kind, namespace, name and UID are: an object that was deleted and created
/// again under its name is another workload, and an owner reference that names an older version of the same
/// API is not.
#[derive(Clone)]
pub struct WorkloadKey(Arc<Identity>);

/// One allocation holds all parts: a cluster has a hundred thousand of them.
struct Identity {
    text: Box<str>,
    /// Where API version, kind, namespace and name end in the text; the UID is the rest.
    ends: [u32; 4],
}

/// Most bytes of each field of an owner reference that is followed: a group of 253 with its version of 63 characters. The
/// API server checks no lengths there, so that a pod may name an owner with a megabyte of text.
const MAX_OWNER_FIELD: usize = 317;

impl WorkloadKey {
    /// Joins the parts in one allocation. The namespace of a cluster-scoped object is empty.
    pub fn new(
        api_version: impl AsRef<str>,
        kind: impl AsRef<str>,
        namespace: impl AsRef<str>,
        name: impl AsRef<str>,
        uid: impl AsRef<str>,
    ) -> Self {
        let parts = [api_version.as_ref(), kind.as_ref(), namespace.as_ref(), name.as_ref(), uid.as_ref()];
        let mut end = 0;
        let ends = [0, 1, 2, 3].map(|at| {
            end += parts[at].len();
            // An object in etcd takes 1.5 MiB at most.
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        Self(Arc::new(Identity { text: parts.concat().into(), ends }))
    }

    /// Names the object of this metadata.
    pub fn of(api_version: &str, kind: &str, metadata: &ObjectMeta) -> Self {
        let [namespace, name, uid] = [&metadata.namespace, &metadata.name, &metadata.uid]
            .map(|field| field.as_deref().unwrap_or_default());
        Self::new(api_version, kind, namespace, name, uid)
    }

    /// The controller of an object, as its owner reference names it: the one that says `controller: true`, of which the
    /// API server allows one. A user who may create the object may write anything there, so it says only where to look:
    /// the owner counts when its UID is the same. It is looked for in the namespace of the object: all watched kinds are
    /// namespaced, and the report of a cluster-scoped owner must be in some namespace. A reference with a field that is
    /// longer than [`MAX_OWNER_FIELD`] names nothing that exists, and counts as none.
    pub fn controller_of(metadata: &ObjectMeta) -> Option<Self> {
        let owner =
            metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
        let fields = [&owner.api_version, &owner.kind, &owner.name, &owner.uid];
        if fields.iter().any(|field| field.len() > MAX_OWNER_FIELD) {
            return None;
        }
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        Some(Self::new(&owner.api_version, &owner.kind, namespace, &owner.name, &owner.uid))
    }

    /// `group/version`, or `version` alone for the core group.
    pub fn api_version(&self) -> &str {
        self.part(0)
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        group_of(self.api_version())
    }

    /// The kind in `CamelCase`, such as `Deployment`.
    pub fn kind(&self) -> &str {
        self.part(1)
    }

    /// `Kind`, or `Kind.group` of kinds that are not built in (see [`kind_label`]); safe for a terminal and for a label.
    pub fn kind_and_group(&self) -> String {
        kind_label(self.api_version(), self.kind())
    }

    /// The namespace; empty for a cluster-scoped object.
    pub fn namespace(&self) -> &str {
        self.part(2)
    }

    /// `metadata.name` of the object.
    pub fn name(&self) -> &str {
        self.part(3)
    }

    /// UID; empty only for an object that no API server has stored.
    pub fn uid(&self) -> &str {
        self.part(4)
    }

    /// The built-in kind that it is of, if that is watched.
    pub fn watched_kind(&self) -> Option<&'static WorkloadKind> {
        find_watched(self.api_version(), self.kind()).map(|kind| &**kind)
    }

    /// Whether an object of a kind can be of its making, as far as its own kind says.
    pub fn may_control(&self, group: &str, kind: &str) -> bool {
        match self.watched_kind() {
            Some(own) => own.traits.controls.includes(group, kind),
            None => !is_misplaced(self.api_version(), self.kind()),
        }
    }

    /// Whether it is of this kind, in whatever version.
    pub fn is_of(&self, group: &str, kind: &str) -> bool {
        self.kind() == kind && self.group() == group
    }

    /// Its identity, as findings and reports name it.
    pub fn workload_id(&self) -> WorkloadId {
        WorkloadId {
            api_version: self.api_version().into(),
            kind: self.kind().into(),
            namespace: Some(self.namespace().into()),
            name: self.name().into(),
        }
    }

    fn part(&self, at: usize) -> &str {
        let Identity { text, ends } = &*self.0;
        let bound = |end: Option<&u32>| end.and_then(|end| usize::try_from(*end).ok());
        let start = at.checked_sub(1).and_then(|before| bound(ends.get(before))).unwrap_or(0);
        let end = bound(ends.get(at)).unwrap_or(text.len());
        text.get(start..end).unwrap_or_default()
    }

    fn parts(&self) -> [&str; 5] {
        [self.uid(), self.name(), self.namespace(), self.kind(), self.group()]
    }
}

impl PartialEq for WorkloadKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.parts() == other.parts()
    }
}

impl Eq for WorkloadKey {}

impl PartialOrd for WorkloadKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for WorkloadKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl Hash for WorkloadKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A user may write any UID into an owner reference: those that share one must not share a bucket.
        self.parts().hash(state);
    }
}

/// `Kind namespace/name`, escaped, for logs.
impl fmt::Debug for WorkloadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}/{}",
            self.kind().escape_debug(),
            self.namespace().escape_debug(),
            self.name().escape_debug()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_one_part_have_hashes_of_their_own() {
        let parts = ["example.com/v1", "App", "shop", "web", "x"];
        let mut hashes = std::collections::BTreeSet::new();
        for changed in 0..parts.len() {
            for number in 0..100 {
                let mut parts = parts.map(str::to_owned);
                parts[changed] = format!("n{number}.{}", parts[changed]);
                let [api_version, kind, namespace, name, uid] = parts;
                let key = WorkloadKey::new(&api_version, &kind, &namespace, &name, &uid);
                let mut state = std::hash::DefaultHasher::new();
                key.hash(&mut state);
                hashes.insert(state.finish());
            }
        }
        assert_eq!(hashes.len(), 500);
    }

    #[test]
    fn every_part_reads_back() {
        let key = WorkloadKey::new("apps/v1", "Deployment", "shop", "web", "1b4e28ba");
        assert_eq!(
            [key.api_version(), key.group(), key.kind(), key.namespace(), key.name(), key.uid()],
            ["apps/v1", "apps", "Deployment", "shop", "web", "1b4e28ba"]
        );
        let empty = WorkloadKey::new("", "", "", "", "");
        assert_eq!([empty.api_version(), empty.namespace(), empty.uid()], ["", "", ""]);
    }

    #[test]
    fn an_older_version_of_the_api_names_the_same_object() {
        let key = |version: &str, uid: &str| WorkloadKey::new(version, "Deployment", "shop", "web", uid);
        assert_eq!(key("apps/v1", "1"), key("apps/v1beta2", "1"));
        assert_ne!(key("apps/v1", "1"), key("apps/v1", "2"));
        assert_ne!(key("apps/v1", "1"), key("extensions/v1", "1"));
        // No part runs into the next.
        assert_ne!(
            WorkloadKey::new("v1", "Pod", "a", "bc", "1"),
            WorkloadKey::new("v1", "Pod", "ab", "c", "1")
        );
    }

    #[test]
    fn a_watched_kind_in_a_group_that_does_not_have_it_controls_nothing() {
        let may_control = |version: &str, kind: &str, controlled: (&str, &str)| {
            WorkloadKey::new(version, kind, "shop", "web", "1").may_control(controlled.0, controlled.1)
        };
        let (pod, replica_set) = (("", "Pod"), ("apps", "ReplicaSet"));
        for (version, kind) in [
            ("extensions/v1beta1", "Deployment"),
            ("batch/v1", "Deployment"),
            ("v1", "ReplicaSet"),
            ("v1", "Deployment"),
            ("apps/v1", "Job"),
            ("apps/v1", "Pod"),
            ("extensions/v1beta1", "DaemonSet"),
        ] {
            assert!(!may_control(version, kind, pod), "{version} {kind}");
            assert!(!may_control(version, kind, replica_set), "{version} {kind}");
        }
        // Another version names the same object; custom kinds may have any name, and other kinds may control.
        for (version, kind, controlled) in [
            ("apps/v1beta2", "ReplicaSet", pod),
            ("apps/v1beta2", "Deployment", replica_set),
            ("batch.example.com/v1", "Job", pod),
            ("v1", "ConfigMap", pod),
            ("v1", "Node", pod),
        ] {
            assert!(may_control(version, kind, controlled), "{version} {kind}");
        }
    }
}
