//! Decoding of watched objects: what is kept, what is dropped, and what must never fail a list.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in their helpers")]
#![expect(clippy::needless_pass_by_value, reason = "calls read better with the JSON in place")]

use kube_core::{ObjectList, Resource, WatchEvent};
use serde_json::{Value, json};
use tagwatch_core::kinds::watched;
use tagwatch_core::workload::Container;
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{PodPhase, SlimObject, SlimPod, WireObject};

const DEPLOYMENT: &str = include_str!("fixtures/deployment.json");
const POD: &str = include_str!("fixtures/pod.json");

/// `type name image policy path`, one line for each container.
fn lines(containers: &[Container]) -> Vec<String> {
    let line = |container: &Container| {
        let policy = container.pull_policy.as_ref().map_or("-", |policy| policy.raw());
        let place = container.container_type.as_str();
        let (name, image) = (container.name.raw(), container.image.raw());
        format!("{place} {name} {image} {policy} {}", container.field_path)
    };
    containers.iter().map(line).collect()
}

fn decode<T: serde::de::DeserializeOwned>(value: Value) -> T {
    // From text, as a client does: a decoder of values forgives more.
    serde_json::from_str(&value.to_string()).unwrap()
}

fn served(kind: &str) -> ServedKind {
    ServedKind::built_in(watched().find(|known| known.kind() == kind).unwrap())
}

/// An object of a built-in kind.
fn object(kind: &str, value: Value) -> SlimObject {
    SlimObject::read(&decode::<WireObject>(value), &served(kind))
}

fn deployment(value: Value) -> SlimObject {
    object("Deployment", value)
}

fn fixture() -> SlimObject {
    SlimObject::read(&serde_json::from_str::<WireObject>(DEPLOYMENT).unwrap(), &served("Deployment"))
}

fn pod_template(image: &str) -> Value {
    json!({ "metadata": { "creationTimestamp": null }, "spec": { "containers": [{ "name": "app", "image": image }] } })
}

fn controlled_by(api_version: &str, kind: &str) -> Value {
    json!({
        "name": "owned", "namespace": "shop", "uid": "u",
        "ownerReferences": [{ "apiVersion": api_version, "kind": kind, "name": "o", "uid": "ou", "controller": true }],
    })
}

#[test]
fn a_deployment_keeps_its_images_and_their_places() {
    let deployment = fixture();
    assert_eq!(
        lines(&deployment.containers()),
        [
            "container web nginx:latest IfNotPresent spec.template.spec.containers[0].image",
            "container metrics registry.example:5000/shop/metrics@sha256:\
             4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e4f1c2d3e Always \
             spec.template.spec.containers[1].image",
            "init setup busybox:1 IfNotPresent spec.template.spec.initContainers[0].image",
            "sidecar mesh envoyproxy/envoy:v1.31.2 IfNotPresent spec.template.spec.initContainers[1].image",
            "imageVolume model registry.example/models/rank:main IfNotPresent \
             spec.template.spec.volumes[1].image.reference",
        ]
    );
    assert!(deployment.wants_pods() && !deployment.is_finished());
}

#[test]
fn a_deployment_keeps_what_identifies_dates_and_owns_it() {
    let wire: WireObject = serde_json::from_str(DEPLOYMENT).unwrap();
    let meta = wire.meta();
    assert_eq!(meta.name.as_deref(), Some("web"));
    assert_eq!(meta.namespace.as_deref(), Some("shop"));
    assert_eq!(meta.resource_version.as_deref(), Some("48211"));
    assert_eq!(meta.generation, Some(7));
    assert_eq!(meta.creation_timestamp.as_ref().unwrap().0.to_string(), "2026-01-12T08:30:00Z");
    assert_eq!(meta.deletion_timestamp, None);
    let annotations: Vec<_> =
        meta.annotations.iter().flatten().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(
        annotations,
        [("deployment.kubernetes.io/revision", "3"), ("tagwatch.dev/ignore", "latest-tag")]
    );
    let deployment = fixture();
    assert_eq!((deployment.revision(), deployment.ignore().ignore), (3, Some("latest-tag".into())));
    let owner = deployment.owner().unwrap();
    assert_eq!((owner.kind(), owner.namespace(), owner.name()), ("Shop", "shop", "corner"));
    assert!(owner.watched_kind().is_none());
    let key = deployment.key();
    assert_eq!(key.uid(), "0f5d7c3e-6a55-4a8c-9f10-2f1a6a3c9b01");
    let id = key.workload_id();
    assert_eq!((id.api_version.raw(), id.kind.raw(), id.name.raw()), ("apps/v1", "Deployment", "web"));
}

#[test]
fn the_rest_is_dropped() {
    for (fixture, shown) in [
        (DEPLOYMENT, format!("{:?}", fixture())),
        (POD, format!("{:?}", serde_json::from_str::<SlimPod>(POD).unwrap())),
    ] {
        assert!(fixture.contains("DROPPED") && shown.contains("nginx:latest"));
        assert!(!shown.contains("DROPPED"), "{shown}");
    }
}

#[test]
fn a_pod_shows_its_phase_its_owner_and_its_ephemeral_containers() {
    let pod: SlimPod = serde_json::from_str(POD).unwrap();
    assert_eq!(
        lines(&pod.containers()),
        [
            "container web nginx:latest Always spec.containers[0].image",
            "ephemeral debugger-4k2 busybox Always spec.ephemeralContainers[0].image",
        ]
    );
    assert_eq!(pod.phase(), PodPhase::Running);
    assert!(pod.is_terminating() && !pod.is_finished() && !pod.is_mirror());
    assert_eq!(pod.owner().unwrap().watched_kind().unwrap().kind(), "ReplicaSet");
}

#[test]
fn a_mirror_pod_is_its_own_workload() {
    let mut metadata = controlled_by("v1", "Node");
    metadata["annotations"] = json!({ "kubernetes.io/config.mirror": "b1946ac92492d2347c6235b4d2611184" });
    let pod: SlimPod = decode(json!({ "metadata": metadata, "spec": { "containers": [] } }));
    assert!(pod.is_mirror());
    assert_eq!(pod.owner(), None);
}

#[test]
fn phases_end_or_do_not() {
    let finished =
        |status: Value| decode::<SlimPod>(json!({ "metadata": {}, "status": status })).is_finished();
    assert!(finished(json!({ "phase": "Succeeded" })));
    assert!(finished(json!({ "phase": "Failed" })));
    for going in
        [json!({ "phase": "Unknown" }), json!({ "phase": "Hibernated" }), json!({ "phase": "" }), json!(null)]
    {
        assert!(!finished(going.clone()), "{going}");
    }
}

#[test]
fn a_template_is_kept_unless_a_watched_owner_has_the_same() {
    let image_of = |metadata: Value| {
        let spec = json!({ "replicas": 0, "template": pod_template("a:1") });
        let set = object("ReplicaSet", json!({ "metadata": metadata, "spec": spec }));
        assert!(!set.wants_pods());
        assert_eq!(set.is_silent(), set.containers().is_empty());
        set.containers().first().map(|container| container.image.raw().to_owned())
    };
    assert_eq!(image_of(controlled_by("apps/v1", "Deployment")), None);
    assert_eq!(image_of(controlled_by("argoproj.io/v1alpha1", "Rollout")).as_deref(), Some("a:1"));
    assert_eq!(image_of(json!({ "name": "bare" })).as_deref(), Some("a:1"));

    let controller = object(
        "ReplicationController",
        json!({
            "metadata": controlled_by("apps.openshift.io/v1", "DeploymentConfig"),
            "spec": { "template": pod_template("b:1") },
        }),
    );
    assert_eq!(controller.containers().len(), 1);

    // A Deployment is a workload, also where an object controls it.
    let owned = deployment(json!({
        "metadata": controlled_by("apps/v1", "StatefulSet"), "spec": { "template": pod_template("c:1") },
    }));
    assert_eq!(owned.containers().len(), 1);
}

#[test]
fn a_job_knows_whether_it_has_finished() {
    let job = |conditions: Value| {
        object(
            "Job",
            json!({
                "metadata": { "name": "migrate" },
                "spec": { "template": pod_template("migrate:1") },
                "status": { "conditions": conditions },
            }),
        )
    };
    let condition = |kind: &str, status: &str| json!([{ "type": "Suspended", "status": "False" }, { "type": kind, "status": status }]);
    assert!(job(condition("Complete", "True")).is_finished());
    assert!(job(condition("Failed", "True")).is_finished());
    // KEP-3998: the pods of the Job are still being counted.
    assert!(!job(condition("SuccessCriteriaMet", "True")).is_finished());
    assert!(!job(condition("Complete", "False")).is_finished());
    assert!(!job(json!(null)).is_finished());
    assert_eq!(job(json!([])).containers().len(), 1);
}

#[test]
fn a_cron_job_has_its_template_a_level_deeper_and_its_jobs_have_none() {
    let cron = object(
        "CronJob",
        json!({
            "metadata": { "name": "backup", "namespace": "ops" },
            "spec": {
                "schedule": "0 3 * * *",
                "jobTemplate": { "metadata": {}, "spec": { "template": pod_template("backup:edge") } },
            },
        }),
    );
    assert_eq!(
        lines(&cron.containers()),
        ["container app backup:edge - spec.jobTemplate.spec.template.spec.containers[0].image"]
    );
    let job = object(
        "Job",
        json!({
            "metadata": controlled_by("batch/v1", "CronJob"), "spec": { "template": pod_template("backup:edge") },
        }),
    );
    assert!(job.is_silent());
}

#[test]
fn nothing_that_a_server_could_send_fails_the_list() {
    let odd_specs = [
        json!(null),
        json!({}),
        json!({ "template": null }),
        json!({ "template": { "metadata": null } }),
        json!({ "template": { "spec": null } }),
        json!({ "template": { "spec": { "containers": null, "initContainers": null, "volumes": null } } }),
        json!({ "template": { "spec": { "containers": [{}], "volumes": [{}, { "image": {} }] } } }),
        json!({ "template": { "spec": { "containers": [{ "name": null, "image": null, "imagePullPolicy": "Sometimes" }] } } }),
        json!({ "replicas": null, "selector": null, "aFieldOfTomorrow": [{ "deep": [1.5, true, null] }] }),
    ];
    let odd_metadata = [
        json!(null),
        json!({}),
        json!({ "annotations": null, "labels": null, "ownerReferences": null, "managedFields": null }),
        json!({ "annotations": {}, "ownerReferences": [] }),
        json!({ "creationTimestamp": null, "generation": null }),
        json!({ "creationTimestamp": "10000-01-01T00:00:00Z", "deletionTimestamp": "9999-12-31T23:59:59Z" }),
    ];
    let items: Vec<Value> = odd_metadata
        .iter()
        .flat_map(|metadata| {
            odd_specs.iter().map(move |spec| json!({ "metadata": metadata, "spec": spec, "status": null }))
        })
        .collect();
    let count = items.len();
    let list = json!({ "kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {}, "items": items });
    let list: ObjectList<WireObject> = decode(list);
    assert_eq!(list.items.len(), count);
    for item in &list.items {
        assert!(SlimObject::read(item, &served("Deployment")).remarks().is_empty(), "{item:?}");
    }
}

#[test]
fn a_deletion_time_beyond_our_calendar_still_says_that_it_is_being_deleted() {
    let pod: SlimPod = decode(json!({ "metadata": { "deletionTimestamp": "10000-01-01T00:00:00Z" } }));
    assert!(pod.is_terminating());
}

#[test]
fn a_deletion_has_its_deadline_and_its_grace() {
    let pod: SlimPod = serde_json::from_str(POD).unwrap();
    let deletion = pod.deletion().unwrap();
    assert_eq!(
        (deletion.deadline.to_string(), deletion.grace),
        ("2026-01-12T09:00:32Z".to_owned(), Some(30))
    );
    let pod: SlimPod = decode(json!({ "metadata": { "deletionTimestamp": "2026-01-12T09:00:32Z" } }));
    assert_eq!(pod.deletion().unwrap().grace, None);
    let pod: SlimPod = decode(json!({ "metadata": {} }));
    assert_eq!(pod.deletion(), None);
}

#[test]
fn whether_a_spec_changed_is_read_from_the_generation_or_else_from_managed_fields() {
    const CREATED: &str = "2026-01-12T08:30:02Z";
    const LATER: &str = "2026-01-12T08:30:03Z";
    let entry = |time: Value, fields: Value| json!({ "manager": "m", "time": time, "fieldsV1": fields });
    let of_spec =
        |time: &str| entry(json!(time), json!({ "f:metadata": {}, "f:spec": { "f:containers": {} } }));
    let of_labels = entry(json!(LATER), json!({ "f:metadata": { "f:labels": { "f:spec": {} } } }));
    let of_status = entry(json!(LATER), json!({ "f:status": { "f:phase": {} } }));
    for (generation, managed, changed) in [
        (Some(1), json!([of_spec(LATER)]), false),
        (Some(2), json!([of_spec(CREATED)]), true),
        (None, json!([of_spec(CREATED), of_labels, of_status]), false),
        // The server notes the fields of a new object a moment before its time.
        (None, json!([of_spec("2026-01-12T08:30:01Z")]), false),
        (None, json!([of_spec(CREATED), of_spec(LATER)]), true),
        (None, json!([of_status]), true),
        (None, json!([]), true),
        (None, json!(null), true),
        (None, json!([entry(json!("soon"), json!({ "f:spec": {} }))]), true),
        (None, json!([entry(json!(null), json!({ "f:spec": {} }))]), true),
        (None, json!([{}, of_spec(CREATED), entry(json!(LATER), json!(null))]), false),
    ] {
        let metadata =
            json!({ "creationTimestamp": CREATED, "generation": generation, "managedFields": managed });
        let pod: SlimPod = decode(json!({ "metadata": metadata }));
        assert_eq!(pod.may_have_changed(), changed, "{generation:?} {managed}");
    }
}

#[test]
fn the_grace_period_of_a_pod_is_read_and_of_a_custom_template_it_may_be_anything() {
    for (written, grace) in [
        (json!(0), 0),
        (json!(100_000), 100_000),
        (json!(i64::MAX), u32::MAX),
        (json!(-1), 0),
        (json!(null), 30),
        (json!("soon"), 30),
        (json!({ "a": [1] }), 30),
    ] {
        let spec = json!({
            "terminationGracePeriodSeconds": written, "containers": [{ "name": "web", "image": "web:1.0.0" }],
        });
        let pod: SlimPod = decode(json!({ "metadata": {}, "spec": spec }));
        assert_eq!((pod.grace(), pod.images().len()), (grace, 1), "{written}");
    }
}

#[test]
fn a_rollout_without_progress_is_stalled() {
    let deployment = |updated: u32, conditions: Value| {
        let status = json!({ "observedGeneration": 1, "replicas": 2, "updatedReplicas": updated, "conditions": conditions });
        deployment(json!({ "spec": { "template": pod_template("web:1.0.0") }, "status": status }))
            .stalled_from()
    };
    let progress = |status: &str, reason: &str| {
        json!([
            { "type": "Available", "status": "True", "lastUpdateTime": "2026-01-12T08:00:00Z" },
            { "type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": "2026-01-12T08:30:00Z" },
        ])
    };
    let hour_later = Some(1_768_210_200);
    for (updated, conditions, expected) in [
        (1, progress("True", "ReplicaSetUpdated"), hour_later),
        (1, progress("Unknown", "DeploymentPaused"), hour_later),
        (1, progress("False", "ProgressDeadlineExceeded"), Some(0)),
        // Of the rollout before.
        (1, progress("True", "NewReplicaSetAvailable"), None),
        // Without a deadline, the server says nothing of progress.
        (1, json!([]), Some(0)),
        (1, json!(null), Some(0)),
        // It is over.
        (2, progress("False", "ProgressDeadlineExceeded"), None),
        (2, json!([]), None),
    ] {
        assert_eq!(deployment(updated, conditions.clone()), expected, "{updated} {conditions}");
    }
}

#[test]
fn hostile_text_is_kept_as_it_is() {
    let image = "\"><script>\u{1b}[31m\0\u{202e}\n";
    let deployment = deployment(json!({ "spec": { "template": pod_template(image) } }));
    assert_eq!(deployment.containers()[0].image.raw(), image);
}

#[test]
fn a_watch_event_decodes_as_its_object_does() {
    let event = format!(r#"{{"type":"ADDED","object":{DEPLOYMENT}}}"#);
    let WatchEvent::Added(object) = serde_json::from_str::<WatchEvent<WireObject>>(&event).unwrap() else {
        panic!("{event}")
    };
    let read = SlimObject::read(&object, &served("Deployment"));
    assert_eq!(lines(&read.containers()), lines(&fixture().containers()));
}

#[test]
fn urls_are_those_of_the_api() {
    let urls = [
        WireObject::url_path(&served("Deployment").resource, Some("shop")),
        WireObject::url_path(&served("CronJob").resource, None),
        WireObject::url_path(&served("ReplicationController").resource, None),
        SlimPod::url_path(&(), None),
    ];
    assert_eq!(
        urls,
        [
            "/apis/apps/v1/namespaces/shop/deployments",
            "/apis/batch/v1/cronjobs",
            "/api/v1/replicationcontrollers",
            "/api/v1/pods"
        ]
    );
}

#[test]
fn a_workload_says_whether_its_rollout_is_over() {
    let over = |status: Value| {
        let spec = json!({ "replicas": 4 });
        let object = deployment(json!({ "metadata": { "generation": 3 }, "spec": spec, "status": status }));
        object.is_rolled_out().unwrap()
    };
    assert!(over(json!({ "observedGeneration": 3, "replicas": 4, "updatedReplicas": 4 })));
    assert!(over(json!({ "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2 })), "scaling out");
    assert!(!over(json!({ "observedGeneration": 3, "replicas": 5, "updatedReplicas": 2 })));
    assert!(over(json!({ "observedGeneration": 2, "replicas": 4, "updatedReplicas": 4 })), "not seen yet");
    assert!(!over(json!({})));

    let set = |spec: Value, updated: i32| -> bool {
        let status = json!({
            "observedGeneration": 1, "replicas": 3, "updatedReplicas": updated,
            "currentRevision": "a", "updateRevision": "b",
        });
        let set =
            json!({ "metadata": { "generation": 1 }, "spec": { "updateStrategy": spec }, "status": status });
        object("StatefulSet", set).is_rolled_out().unwrap()
    };
    assert!(!set(json!({ "type": "RollingUpdate" }), 2));
    assert!(set(json!({ "type": "RollingUpdate" }), 3));
    assert!(set(json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } }), 2));
    assert!(set(json!({ "type": "OnDelete" }), 0));

    let daemons = |updated: i32| -> bool {
        let status = json!({
            "observedGeneration": 1, "currentNumberScheduled": 3, "updatedNumberScheduled": updated,
        });
        let set = json!({ "metadata": { "generation": 1 }, "status": status });
        object("DaemonSet", set).is_rolled_out().unwrap()
    };
    assert!(daemons(3) && !daemons(2));
}

#[test]
fn revisions_are_read_where_their_controllers_write_them() {
    let set = |current: &str| {
        let status = json!({ "observedGeneration": 1, "currentRevision": current, "updateRevision": "db-2" });
        object("StatefulSet", json!({ "metadata": { "generation": 1 }, "status": status }))
    };
    let change = set("db-1");
    let change = change.revision_change().map(|change| (&*change.from, &*change.to));
    assert_eq!(change, Some(("db-1", "db-2")));
    assert_eq!(set("db-2").revision_change(), None);
    assert!(!set("db-1").is_judged_alike(&set("db-2")));
    assert_eq!(object("DaemonSet", json!({ "status": { "currentRevision": "a" } })).revision_change(), None);

    let pod = |labels: Value| -> SlimPod {
        serde_json::from_value(json!({ "metadata": { "name": "db-0", "labels": labels } })).unwrap()
    };
    let labelled = pod(json!({ "app": "db", "controller-revision-hash": "db-2" }));
    assert_eq!(labelled.revision(), Some("db-2"));
    for other in [json!(null), json!({ "app": "db" }), json!({ "controller-revision-hash": null })] {
        assert_eq!(pod(other.clone()).revision(), None, "{other}");
    }

    // A Rollout copies its own annotations, with those of the Deployment that it was once.
    for (api_version, kind, expected) in [
        ("apps/v1", "Deployment", 7),
        ("argoproj.io/v1alpha1", "Rollout", 2),
        ("apps.openshift.io/v1", "DeploymentConfig", 3),
        ("example.com/v1", "Rollout", 7),
    ] {
        let mut metadata = controlled_by(api_version, kind);
        metadata["annotations"] = json!({
            "deployment.kubernetes.io/revision": "7", "rollout.argoproj.io/revision": "2",
            "openshift.io/deployment-config.latest-version": "3",
        });
        assert_eq!(object("ReplicaSet", json!({ "metadata": metadata })).revision(), expected, "{kind}");
    }
}

#[test]
fn annotations_that_exempt_are_read_where_they_stand() {
    let ignore = |rules: &str| json!({ "tagwatch.dev/ignore": rules, "example.com/other": "x" });
    let mut template = pod_template("nginx:1.27");
    template["metadata"]["annotations"] = ignore("floating-tag");
    template["spec"]["imagePullSecrets"] = json!([{ "name": "registry" }]);
    let annotated = deployment(json!({
        "metadata": { "name": "web", "annotations": ignore("latest-tag") }, "spec": { "template": template },
    }));
    assert_eq!(annotated.ignore().ignore.unwrap().raw(), "latest-tag");
    assert_eq!(annotated.template_ignore().ignore.unwrap().raw(), "floating-tag");
    assert!(annotated.has_pull_secrets());
    let bare = deployment(json!({ "spec": { "template": pod_template("nginx:1.27") } }));
    assert_eq!(bare.template_ignore().ignore, None);
    assert!(!bare.has_pull_secrets());
}

#[test]
fn a_namespace_keeps_its_labels_and_the_annotations_that_exempt_or_name_contacts() {
    let namespace: tagwatch_k8s::slim::SlimNamespace = decode(json!({
        "metadata": {
            "name": "shop", "labels": { "team": "payments" },
            "annotations": {
                "tagwatch.dev/ignore": "latest-tag", "example.com/other": "x", "a8r.io/chat": " #shop ",
                "a8r.io/owner": "x".repeat(100_000), "a8r.io/runbook": null, "a8r.io/bugs": "none",
            },
        },
    }));
    let read = namespace.to_namespace();
    let contacts: Vec<_> = read.contacts.iter().map(|(key, value)| (key, value.raw().len())).collect();
    assert_eq!(contacts, [("a8r.io/owner", 512), ("a8r.io/chat", "#shop".len())]);
    assert_eq!((namespace.name(), read.labels["team"].as_str()), ("shop", "payments"));
    assert_eq!(read.ignore.ignore.unwrap().raw(), "latest-tag");
}
