//! Objects as the API server sends them, with all that tagwatch does not read: managed fields, environment, probes,
//! volumes, conditions.

use serde_json::{Value, json};

/// Pods of one ReplicaSet.
const PODS_PER_REPLICA_SET: u32 = 20;
/// Deployments in one namespace.
const DEPLOYMENTS_PER_NAMESPACE: u32 = 25;
/// Nodes of the largest cluster that Kubernetes supports.
const NODES: u32 = 5_000;
const TIME: &str = "2026-11-29T08:00:00Z";

/// A running pod of two containers, each with the digest that its tag resolved to.
pub(crate) fn pod(number: u32) -> Value {
    let deployment = number / PODS_PER_REPLICA_SET;
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set_name(deployment),
        "uid": uid(2, deployment), "controller": true, "blockOwnerDeletion": true,
    });
    let name = format!("{}-{number:05x}", replica_set_name(deployment));
    let mut spec = pod_spec(deployment);
    spec["nodeName"] = json!(format!("ip-10-0-{}-{}.internal", number % NODES / 256, number % 256));
    let status = |name: &str, image: &str, digest: u32| {
        let (repository, _) = image.split_once(':').unwrap_or((image, ""));
        json!({
            "name": name, "image": image, "imageID": format!("{repository}@sha256:{digest:064x}"), "ready": true,
            "restartCount": 0, "started": true, "containerID": format!("containerd://{number:064x}"),
            "state": { "running": { "startedAt": TIME } }, "lastState": {},
        })
    };
    let conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(|kind| json!({ "type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": TIME }));
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata(&name, deployment, &uid(3, number), &owner),
        "spec": spec,
        "status": {
            "phase": "Running", "podIP": "10.1.2.3", "hostIP": "10.0.0.1", "qosClass": "Burstable", "startTime": TIME,
            "conditions": conditions,
            "containerStatuses": [
                status("app", &image(deployment), deployment), status("proxy", PROXY, 1),
            ],
        },
    })
}

/// A Deployment that is rolled out.
pub(crate) fn deployment(number: u32) -> Value {
    let name = deployment_name(number);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": metadata(&name, number, &uid(1, number), &Value::Null),
        "spec": {
            "replicas": 3, "selector": { "matchLabels": { "app": name } }, "template": template(number),
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
        },
        "status": {
            "observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [{ "type": "Available", "status": "True", "lastTransitionTime": TIME, "reason": "MinimumReplicasAvailable" }],
        },
    })
}

/// The ReplicaSet of that Deployment.
pub(crate) fn replica_set(number: u32) -> Value {
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment_name(number), "uid": uid(1, number),
        "controller": true, "blockOwnerDeletion": true,
    });
    let mut metadata = metadata(&replica_set_name(number), number, &uid(2, number), &owner);
    metadata["annotations"]["deployment.kubernetes.io/revision"] = json!("1");
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
        "spec": { "replicas": 3, "selector": { "matchLabels": { "app": "web" } }, "template": template(number) },
        "status": { "observedGeneration": 1, "replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3 },
    })
}

const PROXY: &str = "registry.example.com/mesh/proxy:1.28.2";

fn image(deployment: u32) -> String {
    format!("registry.example.com/shop/service-{deployment}:2.{}.0", deployment % 90)
}

fn deployment_name(number: u32) -> String {
    format!("checkout-service-{number}")
}

fn replica_set_name(number: u32) -> String {
    format!("{}-{:010x}", deployment_name(number), u64::from(number) * 7_919)
}

fn uid(kind: u32, number: u32) -> String {
    format!("{kind:08x}-2fa1-41d2-883f-{number:012x}")
}

fn metadata(name: &str, deployment: u32, uid: &str, owner: &Value) -> Value {
    let fields = json!({
        "f:metadata": { "f:labels": { ".": {}, "f:app": {}, "f:team": {}, "f:version": {} }, "f:annotations": {} },
        "f:spec": { "f:template": { "f:spec": { "f:containers": { "k:{\"name\":\"app\"}": { "f:env": {}, "f:image": {} } } } } },
    });
    let manager = |manager: &str| {
        json!({ "manager": manager, "operation": "Update", "apiVersion": "v1", "time": TIME,
                                          "fieldsType": "FieldsV1", "fieldsV1": fields })
    };
    json!({
        "name": name, "namespace": format!("team-{}", deployment / DEPLOYMENTS_PER_NAMESPACE), "uid": uid,
        "resourceVersion": "123456789", "generation": 1, "creationTimestamp": TIME,
        "labels": { "app": "checkout", "team": "payments", "version": "v2", "pod-template-hash": "7d4b9c6f5" },
        "annotations": { "prometheus.io/scrape": "true", "checksum/config": "0123456789abcdef0123456789abcdef" },
        "ownerReferences": (Vec::from_iter((!owner.is_null()).then_some(owner))),
        "managedFields": [manager("kubectl-client-side-apply"), manager("kube-controller-manager"), manager("kubelet")],
    })
}

fn template(deployment: u32) -> Value {
    json!({ "metadata": { "labels": { "app": "checkout", "team": "payments" } }, "spec": pod_spec(deployment) })
}

fn pod_spec(deployment: u32) -> Value {
    let container = |name: &str, image: &str| {
        json!({
            "name": name, "image": image, "imagePullPolicy": "IfNotPresent",
            "env": (0..12).map(|n| json!({ "name": format!("SETTING_{n}"), "value": format!("value-of-setting-{n}") })).collect::<Vec<_>>(),
            "ports": [{ "name": "http", "containerPort": 8080, "protocol": "TCP" }],
            "resources": { "requests": { "cpu": "100m", "memory": "128Mi" }, "limits": { "memory": "256Mi" } },
            "livenessProbe": { "httpGet": { "path": "/healthz", "port": "http", "scheme": "HTTP" }, "periodSeconds": 10 },
            "volumeMounts": [{ "name": "config", "mountPath": "/etc/config", "readOnly": true }],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        })
    };
    json!({
        "containers": [container("app", &image(deployment)), container("proxy", PROXY)],
        "volumes": [{ "name": "config", "configMap": { "name": "config", "defaultMode": 420 } }],
        "restartPolicy": "Always", "serviceAccountName": "checkout", "schedulerName": "default-scheduler",
        "tolerations": [{ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }],
    })
}
