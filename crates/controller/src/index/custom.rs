//! Objects of custom kinds: their templates, kept beside the owner index by UID.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tagwatch_core::kinds::{CustomKind, KindName};
use tagwatch_k8s::owner::OwnerId;
use tagwatch_k8s::slim::SlimCustom;

use super::{Index, Node, NodeKind, Top, WorkloadKey, key_of_owner, place};

/// The objects of custom kinds that hold templates.
#[derive(Debug, Default)]
pub(crate) struct CustomIndex {
    objects: HashMap<Arc<str>, SlimCustom>,
    /// Those without a template where one is expected, by `Kind.group`, and what is the matter with one of them.
    unread: BTreeMap<String, Unread>,
}

#[derive(Debug)]
struct Unread {
    remark: String,
    uids: HashSet<Arc<str>>,
}

impl CustomIndex {
    /// The object of a key.
    pub(crate) fn get(&self, key: &WorkloadKey) -> Option<&SlimCustom> {
        self.objects.get(key.uid())
    }

    /// The kinds with objects that hold no template where one is expected, as `Kind.group`, each with what is the
    /// matter.
    pub(crate) fn unread_kinds(&self) -> BTreeMap<String, String> {
        self.unread.iter().map(|(kind, unread)| (kind.clone(), unread.remark.clone())).collect()
    }

    fn insert(&mut self, key: &WorkloadKey, object: SlimCustom) {
        let uid: Arc<str> = key.uid().into();
        if object.is_unread() {
            let remark = object.remarks().first().cloned().unwrap_or_default();
            let empty = Unread { remark, uids: HashSet::new() };
            self.unread.entry(key.kind_and_group()).or_insert(empty).uids.insert(Arc::clone(&uid));
        } else {
            self.is_read(&uid);
        }
        self.objects.insert(uid, object);
    }

    fn remove(&mut self, uid: &str) {
        self.is_read(uid);
        self.objects.remove(uid);
    }

    fn is_read(&mut self, uid: &str) {
        self.unread.retain(|_, unread| {
            unread.uids.remove(uid);
            !unread.uids.is_empty()
        });
    }

    fn retain(&mut self, knows: impl Fn(&str) -> bool) {
        self.objects.retain(|uid, _| knows(uid));
        self.unread.retain(|_, unread| {
            unread.uids.retain(|uid| knows(uid));
            !unread.uids.is_empty()
        });
    }
}

/// The owner index's node for an object of a custom kind, which was read in this API version.
pub(crate) fn custom_node(metadata: &ObjectMeta, api_version: &str, kind: &CustomKind) -> Node {
    let (namespace, name) = place(metadata);
    let uid = metadata.uid.as_deref().unwrap_or_default();
    let created = metadata.creation_timestamp.as_ref().map(|time| time.0.as_second());
    let revision = created.filter(|_| kind.supersedes).and_then(|second| u64::try_from(second).ok());
    Node {
        key: WorkloadKey::new(api_version.to_owned(), kind.name.kind.clone(), namespace, name, uid),
        kind: if kind.is_link() { NodeKind::Link } else { NodeKind::Custom },
        controller: OwnerId::controller_of(metadata).map(|owner| key_of_owner(&owner, namespace)),
        wants_pods: true,
        revision: revision.unwrap_or_default(),
    }
}

impl Index {
    /// Takes an object of a custom kind in; `None` stands for one of a kind that only links.
    pub(crate) fn apply_custom(&mut self, node: Node, object: Option<SlimCustom>) -> BTreeSet<WorkloadKey> {
        let key = node.key.clone();
        let mut affected = self.owners.apply(node);
        let Some(object) = object else { return affected };
        let judged_alike = self.custom.get(&key).is_some_and(|known| known.is_judged_alike(&object));
        self.custom.insert(&key, object);
        if !judged_alike && let Top::Workload(top) = self.owners.top(&key) {
            affected.insert(top);
        }
        affected
    }

    /// Forgets an object of a custom kind.
    pub(crate) fn delete_custom(&mut self, uid: &str) -> BTreeSet<WorkloadKey> {
        let affected = self.owners.delete(uid);
        self.custom.remove(uid);
        affected
    }

    /// Takes over a complete list of a custom kind. What it does not name is gone; the rest is evaluated, since nobody
    /// knows what changed meanwhile.
    pub(crate) fn list_custom(
        &mut self,
        kind: &KindName,
        scope: Option<&str>,
        objects: Vec<(Node, Option<SlimCustom>)>,
    ) -> BTreeSet<WorkloadKey> {
        let uids: HashSet<Arc<str>> = objects.iter().map(|(node, _)| node.key.uid().into()).collect();
        let mut affected = self.owners.retain((&kind.group, &kind.kind), scope, &uids);
        self.drop_orphans();
        let keys: Vec<WorkloadKey> = objects.iter().map(|(node, _)| node.key.clone()).collect();
        for (node, object) in objects {
            affected.extend(self.apply_custom(node, object));
        }
        affected.extend(self.tops(&keys));
        affected
    }

    /// Forgets a custom kind, which is not watched any more.
    pub(crate) fn end_custom(&mut self, kind: &KindName, scope: Option<&str>) -> BTreeSet<WorkloadKey> {
        let affected = self.owners.end_custom(kind, scope);
        self.drop_orphans();
        affected
    }

    /// Drops the templates of objects that the owner index does not know any more.
    fn drop_orphans(&mut self) {
        let owners = &self.owners;
        self.custom.retain(|uid| owners.knows(uid));
    }
}
