//! Generated graphs of owners: every live pod is in exactly one report, whatever its owner references say.

use std::sync::Arc;

use serde_json::{Value, json};
use tagwatch_core::kinds::{KindName, Kinds};

use super::model::{Node, Reference, home_of_pod, report};
use super::*;
use crate::testing::served;

const GRAPHS: u64 = 10_000;
/// Another one makes other graphs.
const SEED: u64 = 0x7A67_7761_7463_6821;

const KINDS: [(&str, &str); 9] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "ReplicationController"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("serving.knative.dev/v1", "Revision"),
];
const NAMESPACES: [&str; 2] = ["shop", "mail"];
/// Grace periods of deletions; with the first two, a pod is usually gone before it matters.
const GRACES: [u32; 4] = [30, LONG_DELETION, LONG_DELETION + 1, i32::MAX.unsigned_abs()];

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

struct Graph {
    nodes: Vec<Node>,
    /// Jobs that have ended.
    finished: Vec<bool>,
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
        let finished = nodes.iter().map(|node| node.kind == "Job" && random.percent(30)).collect();
        Self { nodes, finished }
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

    fn object(&self, at: usize) -> Value {
        let node = &self.nodes[at];
        let container = json!({ "name": node.name, "image": "app:1.0.0", "imagePullPolicy": "IfNotPresent" });
        let spec = json!({ "containers": [container] });
        let template = json!({ "spec": spec });
        match node.kind {
            "Pod" => {
                let mut metadata = node.metadata();
                if node.is_mirror {
                    metadata["annotations"] = json!({ "kubernetes.io/config.mirror": "hash" });
                }
                let mut spec = spec;
                if node.is_scheduled {
                    spec["nodeName"] = json!("a");
                }
                let phase = if node.exists { "Running" } else { "Failed" };
                json!({ "metadata": metadata, "spec": spec, "status": { "phase": phase } })
            }
            "CronJob" => {
                json!({ "metadata": node.metadata(), "spec": { "jobTemplate": { "spec": { "template": template } } } })
            }
            "Revision" => json!({ "metadata": node.metadata(), "spec": {} }),
            _ => {
                let conditions = if self.finished[at] {
                    json!([{ "type": "Complete", "status": "True" }])
                } else {
                    json!([])
                };
                json!({
                    "metadata": node.metadata(), "spec": { "replicas": 1, "template": template },
                    "status": { "conditions": conditions },
                })
            }
        }
    }

    /// Shows everything to the index in some order, and lets time pass in between.
    fn play(&self, random: &mut Random) -> Reports {
        let mut reports = Reports::default();
        let kinds = Kinds::default();
        let custom = |kind: &str| {
            let group = if kind == "Rollout" { "argoproj.io" } else { "serving.knative.dev" };
            Arc::clone(kinds.get(&KindName::new(group, kind)).unwrap())
        };
        for kind in ["Rollout", "Revision"] {
            reports.cluster.index.begin_kind(&custom(kind), None);
        }
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for at in order {
            let (node, object) = (&self.nodes[at], self.object(at));
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
                    let key = if matches!(kind, "Rollout" | "Revision") {
                        let (key, affected) = reports.cluster.apply_served(&served(&custom(kind)), object);
                        reports.evaluate(affected);
                        key
                    } else {
                        reports.object(kind, object)
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
        reports
    }
}

#[test]
fn every_live_pod_is_in_exactly_one_report() {
    for at in 0..GRAPHS {
        let seed = SEED.wrapping_add(at);
        let mut random = Random(seed);
        let graph = Graph::generate(&mut random);
        let reports = graph.play(&mut random);
        for pod in graph.nodes.iter().filter(|node| node.kind == "Pod") {
            let holds =
                |workload: &&Workload| workload.containers.iter().any(|found| found.name.raw() == pod.name);
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
                "pod {} of the graph of seed {seed:#x}: {:#?}",
                pod.name, graph.nodes
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
