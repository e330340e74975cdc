//! Lists what is judged, and what it is judged by, into an index.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tagwatch_client::{CallError, Client, Discovery, ObjectLists, ServerClock};
use tagwatch_core::kinds::{KindName, KindRole, watched};
use tagwatch_core::policy::Policy;
use tagwatch_core::rules::RuleGroup;
use tagwatch_index::{Index, PodFacts, WorkloadKey};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::SlimObject;
use tagwatch_scan::report::NoteCode;

use super::objects::Objects;
use super::progress::Progress;

/// A note on the cluster.
pub(super) type Remark = (NoteCode, String);

/// What was read of a cluster.
#[derive(Debug, Default)]
pub(super) struct ReadCluster {
    pub(super) index: Index,
    pub(super) objects: Objects,
    /// How many objects were listed.
    pub(super) count: u64,
    pub(super) remarks: Vec<Remark>,
    /// Kinds whose objects may not be listed.
    pub(super) refused: Vec<KindName>,
    /// Whether it is all namespaces.
    pub(super) is_of_all: bool,
}

/// Reads a cluster.
pub(super) struct ClusterReader<'a> {
    pub(super) client: Client,
    pub(super) lists: ObjectLists,
    pub(super) policy: &'a Policy,
    pub(super) progress: Progress,
}

impl ClusterReader<'_> {
    /// What controls others is listed after them: what is made meanwhile is not taken for something without a controller.
    pub(super) async fn read(mut self, clock: &ServerClock) -> Result<ReadCluster, CallError> {
        let is_of_all = self.lists.namespace().is_none();
        let mut read = ReadCluster { index: Index::of_one_look(), is_of_all, ..ReadCluster::default() };
        let kinds = watched().filter(|kind| !kind.is_pod());
        let (owners, dependents): (Vec<_>, Vec<_>) =
            kinds.partition(|kind| kind.traits.role == KindRole::Workload);
        let lists = 3 + owners.len() + dependents.len();
        self.progress.expect(lists);
        self.read_namespaces(&mut read).await?;
        if self.policy.uses(RuleGroup::ImageDrift) {
            self.read_nodes(&mut read, clock).await?;
        }
        self.read_pods(&mut read, clock).await?;
        for kind in dependents.into_iter().chain(owners) {
            self.read_kind(&mut read, &ServedKind::built_in(kind)).await?;
        }
        self.read_custom_kinds(&mut read).await?;
        Ok(read)
    }

    async fn read_namespaces(&mut self, read: &mut ReadCluster) -> Result<(), CallError> {
        let Self { lists, progress, .. } = self;
        let listed = lists.namespaces(|page| {
            progress.add("namespaces", page.len());
            read.count(page.len());
            for namespace in page {
                read.index.apply_namespace(namespace.name(), namespace.to_namespace());
            }
        });
        let listed = listed.await;
        self.finish(listed, || {
            let message = "no right to list namespaces: their labels and annotations do not apply";
            read.remarks.push((NoteCode::NotPermitted, message.to_owned()));
        })
    }

    async fn read_nodes(&mut self, read: &mut ReadCluster, clock: &ServerClock) -> Result<(), CallError> {
        let Self { lists, progress, .. } = self;
        let mut names = HashSet::new();
        let listed = lists.nodes(|page| {
            progress.add("nodes", page.len());
            read.count(page.len());
            for node in page {
                names.insert(node.name().into());
                read.index.apply_listed_node(&node, clock.now());
            }
        });
        let listed = listed.await;
        read.index.retain_nodes(&names, clock.now());
        self.finish(listed, || {
            let message = "no right to list nodes: that a tag moved is likely and never proven";
            read.remarks.push((NoteCode::NodesNotRead, message.to_owned()));
        })
    }

    async fn read_pods(&mut self, read: &mut ReadCluster, clock: &ServerClock) -> Result<(), CallError> {
        let Self { lists, progress, .. } = self;
        let listed = lists.pods(|page| {
            progress.add("pods", page.len());
            read.count(page.len());
            for pod in &page {
                read.index.apply_pod(PodFacts::from(pod), clock.now());
            }
        });
        let listed = listed.await;
        self.finish(listed, || read.refuse(KindName::new("", "Pod"), "pods"))
    }

    async fn read_kind(&mut self, read: &mut ReadCluster, served: &ServedKind) -> Result<(), CallError> {
        let (kind, name) = (&served.kind, served.watch_name());
        let Self { lists, progress, .. } = self;
        // By their keys: a list that begins anew shows objects again.
        let mut found: BTreeMap<WorkloadKey, SlimObject> = BTreeMap::new();
        let listed = lists.objects(served, |page| {
            progress.add(&name, page.len());
            read.count(page.len());
            for object in page {
                let mut object = SlimObject::read(&object, served);
                read.index.share_keys(&mut object);
                found.insert(object.key().clone(), object);
            }
        });
        let listed = listed.await;
        if listed.is_ok() {
            let (objects, _) =
                read.index.apply_list(&kind.name, lists.namespace(), found.into_values().collect());
            read.objects.keep(objects);
            read.index.begin_kind(kind, lists.namespace());
        }
        self.finish(listed, || read.refuse(kind.name.clone(), &name))
    }

    /// Custom kinds that the API server serves, and that the policy or the table names.
    async fn read_custom_kinds(&mut self, read: &mut ReadCluster) -> Result<(), CallError> {
        let kinds = self.policy.kinds();
        let mut discovery = Discovery::new(self.client.clone());
        let asked = discovery.ask(kinds).await;
        let served = discovery.served();
        let served: Vec<ServedKind> = kinds
            .watched_custom()
            .filter_map(|kind| Some(ServedKind::new(Arc::clone(kind), served.resource(kind)?)))
            .collect();
        self.progress.expect(served.len());
        self.finish(asked, || {
            let message = "no right to ask which custom kinds are served: their workloads are not judged";
            read.remarks.push((NoteCode::NotPermitted, message.to_owned()));
        })?;
        for kind in &served {
            self.read_kind(read, kind).await?;
        }
        Ok(())
    }

    /// Ends a list. A missing right is a state of which `refused` takes note; a custom kind may be gone meanwhile.
    fn finish(&mut self, listed: Result<(), CallError>, refused: impl FnOnce()) -> Result<(), CallError> {
        self.progress.finish_list();
        match listed {
            Err(error) if error.code() == Some(403) => {
                refused();
                Ok(())
            }
            Err(error) if error.code() == Some(404) => Ok(()),
            listed => listed,
        }
    }
}

impl ReadCluster {
    fn count(&mut self, objects: usize) {
        self.count += u64::try_from(objects).unwrap_or(u64::MAX);
    }

    /// Objects of a kind may not be listed.
    fn refuse(&mut self, kind: KindName, resource: &str) {
        let message =
            format!("no right to list {resource}: what runs under them is not judged, or without them");
        self.remarks.push((NoteCode::NotPermitted, message));
        self.refused.push(kind);
    }
}
