//! Where a pod is reported, by the words of `docs/design/verdicts.md` alone: slow, plain, and without a line of the index.

use serde_json::{Value, json};

/// Longest chain of controllers.
const STEPS: usize = 8;

/// An owner reference with `controller: true`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) uid: String,
}

/// An object or a pod.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct Node {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespace: &'static str,
    pub(super) name: String,
    pub(super) controller: Option<Reference>,
    /// In the end it is there; of a pod, it is not finished.
    pub(super) exists: bool,
    pub(super) is_mirror: bool,
    /// Whether a node has the pod.
    pub(super) is_scheduled: bool,
    /// `spec.replicas` of an object.
    pub(super) replicas: i32,
    /// A finalizer holds the object in deletion.
    pub(super) is_held: bool,
    /// The grace period with which the pod is deleted; in the end it is still there, longer than any pod should be.
    pub(super) deletion: Option<u32>,
}

impl Node {
    pub(super) fn uid(&self) -> String {
        format!("{}-{}-{}", self.kind, self.namespace, self.name)
    }

    /// Whether it is there; of a pod, whether it may run something.
    pub(super) fn is_there(&self) -> bool {
        self.exists && (self.deletion.is_none() || self.is_scheduled)
    }

    /// How a report is named here.
    pub(super) fn report(&self) -> String {
        report(self.kind, self.namespace, &self.name, &self.uid())
    }

    pub(super) fn metadata(&self) -> Value {
        let owner = |owner: &Reference| {
            let Reference { api_version, kind, name, uid } = owner;
            json!({ "apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": true })
        };
        let owners: Vec<Value> = self.controller.iter().map(owner).collect();
        json!({ "name": self.name, "namespace": self.namespace, "uid": self.uid(), "ownerReferences": owners })
    }
}

pub(super) fn report(kind: &str, namespace: &str, name: &str, uid: &str) -> String {
    format!("{kind} {namespace}/{name} {uid}")
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// What is watched, by group and kind.
fn is_watched(owner: &Reference) -> bool {
    let group = group(&owner.api_version);
    match owner.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => group == "apps",
        "Job" | "CronJob" => group == "batch",
        "ReplicationController" | "Pod" => group.is_empty(),
        "Rollout" => group == "argoproj.io",
        "Configuration" | "Revision" => group == "serving.knative.dev",
        "CloneSet" => group == "apps.kruise.io",
        "LeaderWorkerSet" => group == "leaderworkerset.x-k8s.io",
        _ => false,
    }
}

fn is_custom(owner: &Reference) -> bool {
    group(&owner.api_version).contains('.')
}

/// Whether objects of the owner's kind control such objects; anything can be of a custom object.
fn can_control(owner: &Reference, kind: &str) -> bool {
    if !is_watched(owner) || is_custom(owner) {
        return true;
    }
    match owner.kind.as_str() {
        "Deployment" => kind == "ReplicaSet",
        "CronJob" => kind == "Job",
        _ => kind == "Pod",
    }
}

fn find<'a>(all: &'a [Node], owner: &Reference, namespace: &str) -> Option<&'a Node> {
    all.iter().find(|node| {
        node.is_there()
            && node.kind == owner.kind
            && group(node.api_version) == group(&owner.api_version)
            && (node.namespace, node.name.as_str()) == (namespace, owner.name.as_str())
            && node.uid() == owner.uid
    })
}

enum Step<'a> {
    /// It is reported on its own.
    Alone,
    /// Its controller is not watched, and ends the chain.
    Unwatched(&'a Reference),
    Under(&'a Node),
}

fn step<'a>(all: &'a [Node], node: &'a Node) -> Step<'a> {
    let Some(owner) = node.controller.as_ref().filter(|_| !node.is_mirror) else { return Step::Alone };
    let stays_a_workload =
        !matches!(node.kind, "ReplicaSet" | "ReplicationController" | "Job" | "Pod" | "Revision");
    if !can_control(owner, node.kind) || (stays_a_workload && !(is_watched(owner) && is_custom(owner))) {
        return Step::Alone;
    }
    if !is_watched(owner) {
        return Step::Unwatched(owner);
    }
    find(all, owner, node.namespace).map_or(Step::Alone, Step::Under)
}

/// The report of an object.
fn home(all: &[Node], object: &Node) -> String {
    let mut current = object;
    for _ in 0..=STEPS {
        match step(all, current) {
            Step::Alone => return current.report(),
            Step::Unwatched(owner) => return report(&owner.kind, current.namespace, &owner.name, &owner.uid),
            Step::Under(owner) => current = owner,
        }
    }
    object.report()
}

/// The report of a pod that may run something.
pub(super) fn home_of_pod(all: &[Node], pod: &Node) -> String {
    if pod.deletion.is_some() {
        return pod.report();
    }
    match step(all, pod) {
        Step::Alone => pod.report(),
        Step::Unwatched(owner) => report(&owner.kind, pod.namespace, &owner.name, &owner.uid),
        // A driver with its executors: the chain goes no further up.
        Step::Under(owner) if owner.kind == "Pod" => owner.report(),
        Step::Under(owner) => home(all, owner),
    }
}
