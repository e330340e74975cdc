//! Generated graphs of owners: the image of every live pod has a result in exactly one report, whatever the metadata and the
//! status of the pod and of the objects around it say.

use std::sync::Arc;

use serde_json::{Value, json};
use tagwatch_core::kinds::{KindName, Kinds};
use tagwatch_k8s::slim::STALLED_AFTER;

use super::hostile::{metadata_of, status_of};
use super::model::{Node, Reference, home_of_pod, report};
use super::*;
use crate::evidence::UNFINISHED_FOR;
use crate::testing::served;

const GRAPHS: u64 = 10_000;
/// Another one makes other graphs.
const SEED: u64 = 0x7A67_7761_7463_6821;

const KINDS: [(&str, &str); 12] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "ReplicationController"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("serving.knative.dev/v1", "Revision"),
    ("serving.knative.dev/v1", "Configuration"),
    ("apps.kruise.io/v1alpha1", "CloneSet"),
    ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"),
];
/// An owner of a kind that is not watched.
const APP: (&str, &str, &str) = ("example.com/v1", "App", "app");
const NAMESPACES: [&str; 2] = ["shop", "mail"];
/// Grace periods of deletions; with the first two, a pod is usually gone before it matters.
const GRACES: [u32; 4] = [30, LONG_DELETION, LONG_DELETION + 1, i32::MAX.unsigned_abs()];

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(super) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

struct Graph {
    nodes: Vec<Node>,
    /// As the API server sends them.
    objects: Vec<Value>,
}

impl Graph {
    fn generate(random: &mut Random) -> Self {
        let is_chain = random.percent(15);
        let objects = if is_chain { 6 + random.below(8) } else { random.below(8) };
        let pods = 1 + random.below(5);
        let mut nodes: Vec<Node> = Vec::new();
        for at in 0..objects + pods {
            let (api_version, kind) = match () {
                () if at >= objects => ("v1", "Pod"),
                () if is_chain => KINDS[7 + at % 2],
                () => random.pick(&KINDS),
            };
            let namespace = if is_chain || random.percent(90) { NAMESPACES[0] } else { NAMESPACES[1] };
            nodes.push(Node {
                api_version,
                kind,
                namespace,
                name: format!("n{at}"),
                controller: None,
                exists: is_chain || random.percent(85),
                is_mirror: kind == "Pod" && random.percent(5),
                is_scheduled: random.percent(90),
                replicas: i32::from(random.percent(80)),
                is_held: random.percent(15),
                deletion: (kind == "Pod" && random.percent(25)).then(|| random.pick(&GRACES)),
            });
        }
        for at in 0..nodes.len() {
            let owner = if is_chain && at < objects {
                // A chain, or a ring where the first has an owner too.
                (at > 0 || random.percent(50)).then(|| Self::reference(&nodes[(at + objects - 1) % objects]))
            } else if is_chain {
                Some(Self::reference(&nodes[random.below(objects)]))
            } else {
                Self::owner(random, &nodes)
            };
            nodes[at].controller = owner;
        }
        let objects = nodes.iter().map(|node| Self::object(random, node)).collect();
        Self { nodes, objects }
    }

    fn reference(node: &Node) -> Reference {
        Reference {
            api_version: node.api_version.to_owned(),
            kind: node.kind.to_owned(),
            name: node.name.clone(),
            uid: node.uid(),
        }
    }

    fn owner(random: &mut Random, nodes: &[Node]) -> Option<Reference> {
        if random.percent(20) {
            return None;
        }
        if random.percent(25) {
            let (api_version, kind, name) = APP;
            let [api_version, kind, name, uid] = [api_version, kind, name, "uid-of-app"].map(str::to_owned);
            return Some(Reference { api_version, kind, name, uid });
        }
        let mut owner = Self::reference(&nodes[random.below(nodes.len())]);
        match random.below(10) {
            0 => "another".clone_into(&mut owner.uid),
            1 => "absent".clone_into(&mut owner.name),
            2 if owner.api_version == "apps/v1" => "apps/v1beta2".clone_into(&mut owner.api_version),
            3 => {
                "example.com/v1".clone_into(&mut owner.api_version);
                "TrainingRun".clone_into(&mut owner.kind);
            }
            _ => {}
        }
        Some(owner)
    }

    /// Most templates and pods have one container of the same name.
    fn object(random: &mut Random, node: &Node) -> Value {
        let name = if node.kind == "Pod" && random.percent(20) { &node.name } else { "app" };
        let spec = |image: String| json!({ "containers": [{ "name": name, "image": image, "imagePullPolicy": "IfNotPresent" }] });
        let metadata = metadata_of(random, node);
        if node.kind == "Pod" {
            let mut spec = spec(image_of(node));
            if node.is_scheduled {
                spec["nodeName"] = json!("a");
            }
            let phase = if node.exists { "Running" } else { "Failed" };
            return json!({ "metadata": metadata, "spec": spec, "status": { "phase": phase } });
        }
        let template = json!({ "spec": spec(format!("template-of-{}:1.0.0", node.name)) });
        let mut spec = match node.kind {
            "CronJob" => json!({ "jobTemplate": { "spec": { "template": template } } }),
            "LeaderWorkerSet" => json!({ "leaderWorkerTemplate": { "workerTemplate": template } }),
            "Revision" => json!({}),
            // A Rollout may have none of its own.
            "Rollout" if random.percent(30) => json!({ "workloadRef": {} }),
            _ => json!({ "replicas": node.replicas, "template": template }),
        };
        if random.percent(20) {
            spec["minReadySeconds"] = json!(random.pick(&[0, 86_400, i32::MAX]));
        }
        json!({ "metadata": metadata, "spec": spec, "status": status_of(random, node.kind) })
    }

    /// Shows everything to the index in some order, and lets time pass in between.
    fn play(&self, random: &mut Random) -> Reports {
        let mut reports = Reports::default();
        let kinds = Kinds::default();
        let custom = |(api_version, kind): (&str, &str)| {
            let (group, _) = api_version.split_once('/').filter(|(group, _)| group.contains('.'))?;
            Some(Arc::clone(kinds.get(&KindName::new(group, kind)).unwrap()))
        };
        for kind in KINDS.into_iter().filter_map(custom) {
            reports.cluster.index.begin_kind(&kind, None);
        }
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for at in order {
            let (node, object) = (&self.nodes[at], self.objects[at].clone());
            if random.percent(25) {
                reports.pass(u32::try_from(random.below(50)).unwrap());
            }
            match node.kind {
                "Pod" => {
                    if random.percent(20) {
                        // It is adopted later.
                        let mut bare = object.clone();
                        bare["metadata"]["ownerReferences"] = json!([]);
                        reports.pod(bare);
                    }
                    if node.deletion.is_none() || random.percent(70) {
                        reports.pod(object.clone());
                    }
                    if let Some(grace) = node.deletion {
                        // The kubelet may write its status meanwhile.
                        let deleted = being_deleted(object, reports.cluster.now, grace);
                        for _ in 0..=random.below(2) {
                            reports.pod(deleted.clone());
                            reports.pass(u32::try_from(random.below(20)).unwrap());
                        }
                    }
                }
                kind => {
                    let key = match custom((node.api_version, kind)) {
                        Some(custom) => {
                            let (key, affected) = reports.cluster.apply_served(&served(&custom), object);
                            reports.evaluate(affected);
                            key
                        }
                        None => reports.object(kind, object),
                    };
                    if !node.exists {
                        reports.pass(u32::try_from(random.below(50)).unwrap());
                        reports.delete(&key);
                    }
                }
            }
        }
        for wait in [ORPHAN_GRACE, 3 * LONG_DELETION, ORPHAN_GRACE] {
            reports.pass(wait);
            while !reports.due.is_empty() {
                reports.pass(ORPHAN_GRACE);
            }
        }
        // Until no rollout is waited for any more.
        for wait in [2 * STALLED_AFTER, UNFINISHED_FOR] {
            reports.wait(wait);
        }
        reports
    }
}

/// The image of a pod, which no other has.
fn image_of(pod: &Node) -> String {
    format!("image-of-{}:1.0.0", pod.name)
}

#[test]
fn the_image_of_every_live_pod_has_a_result_in_exactly_one_report() {
    for at in 0..GRAPHS {
        let seed = SEED.wrapping_add(at);
        let mut random = Random(seed);
        let graph = Graph::generate(&mut random);
        let reports = graph.play(&mut random);
        for pod in graph.nodes.iter().filter(|node| node.kind == "Pod") {
            let image = image_of(pod);
            let holds =
                |workload: &&Workload| workload.containers.iter().any(|found| found.image.raw() == image);
            let found: Vec<String> = reports
                .written
                .iter()
                .filter(|(_, workload)| holds(workload))
                .map(|(key, _)| report(key.kind(), key.namespace(), key.name(), key.uid()))
                .collect();
            let expected: Vec<String> =
                if pod.is_there() { vec![home_of_pod(&graph.nodes, pod)] } else { Vec::new() };
            assert_eq!(
                found, expected,
                "pod {} of the graph of seed {seed:#x}: {:#?} {:#?}",
                pod.name, graph.nodes, graph.objects
            );
        }
        // What was given up is forgotten with what named it.
        let is_needed = graph.nodes.iter().any(|node| node.controller.is_some());
        let mut index = reports.cluster.index;
        index.expire(reports.cluster.now);
        assert_eq!(index.pods.leaving_count(), 0, "seed {seed:#x}");
        assert!(is_needed || index.owners.missing.is_empty(), "seed {seed:#x}");
    }
    println!("{GRAPHS} graphs from seed {SEED:#x}");
}
