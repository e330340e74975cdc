//! What whoever may create objects can write into them, and what their controllers may say, in any combination.

use serde_json::{Value, json};
use tagwatch_core::kinds::REVISION_ANNOTATIONS;

use super::graphs::Random;
use super::model::Node;

/// Times before the start of a [`Cluster`](crate::testing::Cluster), during its life, and long after it.
const TIMES: [&str; 4] =
    ["1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T00:10:00Z", "2100-01-01T00:00:00Z"];
const NUMBERS: [&str; 6] = ["0", "1", "2", "4294967295", "-1", "newest"];
const REVISIONS: [&str; 3] = ["earlier", "newest", ""];

/// The metadata of an object or a pod: it claims a revision, an age, and that it was written.
pub(super) fn metadata_of(random: &mut Random, node: &Node) -> Value {
    let mut metadata = node.metadata();
    if node.is_mirror {
        metadata["annotations"]["kubernetes.io/config.mirror"] = json!("hash");
    }
    for annotation in REVISION_ANNOTATIONS {
        if random.percent(40) {
            metadata["annotations"][annotation] = json!(random.pick(&NUMBERS));
        }
    }
    if random.percent(50) {
        metadata["labels"] = json!({ "controller-revision-hash": random.pick(&REVISIONS) });
    }
    metadata["creationTimestamp"] = json!(random.pick(&TIMES));
    metadata["generation"] = json!(1 + random.below(3));
    if random.percent(50) {
        let fields = random.pick(&["f:spec", "f:status"]);
        metadata["managedFields"] = json!([{
            "time": random.pick(&TIMES), "subresource": random.pick(&["", "status"]), "fieldsV1": { fields: {} },
        }]);
    }
    if node.is_held && node.kind != "Pod" {
        metadata["deletionTimestamp"] = json!(random.pick(&TIMES));
        metadata["finalizers"] = json!(["example.com/hold"]);
    }
    metadata
}

/// The status of an object, or none.
pub(super) fn status_of(random: &mut Random, kind: &str) -> Value {
    if random.percent(20) {
        return Value::Null;
    }
    let mut status = json!({});
    if random.percent(80) {
        let observed = 1 + random.below(3);
        // Argo Rollouts write it as text.
        status["observedGeneration"] =
            if kind == "Rollout" { json!(observed.to_string()) } else { json!(observed) };
    }
    match kind {
        "Deployment" => {
            (status["replicas"], status["updatedReplicas"]) = (json!(2), json!(random.below(3)));
            if random.percent(80) {
                status["conditions"] = json!([{
                    "type": "Progressing",
                    "status": random.pick(&["True", "False", "Unknown"]),
                    "reason": random.pick(&["ReplicaSetUpdated", "NewReplicaSetAvailable", "DeploymentPaused"]),
                    "lastUpdateTime": random.pick(&TIMES),
                }]);
            }
        }
        "StatefulSet" => {
            (status["replicas"], status["updatedReplicas"]) = (json!(2), json!(random.below(3)));
            status["currentRevision"] = json!(random.pick(&REVISIONS));
            status["updateRevision"] = json!(random.pick(&REVISIONS));
        }
        "DaemonSet" => {
            status["currentNumberScheduled"] = json!(2);
            status["updatedNumberScheduled"] = json!(random.below(3));
        }
        "Job" if random.percent(30) => {
            status["conditions"] = json!([{ "type": "Complete", "status": "True" }]);
        }
        _ => {}
    }
    status
}
