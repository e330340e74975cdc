//! What is attached to the containers of a workload, from objects as the API server sends them.

use serde_json::{Value, json};
use tagwatch_core::drift::Platform;
use tagwatch_k8s::slim::{NodeImages, SlimPod};

use super::*;
use crate::testing::{self, Cluster, uid};

const NOW: u32 = 1_800_000_000;
/// When pods of these tests were restarted.
const RESTARTED: u32 = NOW - 1_000;

/// A cluster in memory, with a node.
struct Drifting(Cluster);

impl Drifting {
    fn new() -> Self {
        let mut cluster = Self(Cluster { now: time(NOW), ..Cluster::default() });
        let amd64 = Platform::new("linux", "amd64", "containerd://2.1.4");
        let apart = ["a", "b", "c", "d"].map(|letter| [digest(letter)].into()).into();
        let images = NodeImages { of_one_repository: vec![apart], ..NodeImages::default() };
        cluster.0.index.pods.apply_node("node", amd64.as_ref(), &images, NOW);
        cluster
    }

    fn apply(&mut self, kind: &str, object: Value) -> WorkloadKey {
        self.0.apply(kind, object)
    }

    /// A StatefulSet that is rolled out, with one container `web`.
    fn stateful_set(&mut self, image: &str, restarted: Option<u32>) -> WorkloadKey {
        let status = json!({ "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2 });
        self.apply("StatefulSet", workload("web", None, image, restarted, &status))
    }

    /// A Deployment with so many pods, of which so many are of its newest ReplicaSet.
    fn deployment(&mut self, image: &str, replicas: u32, updated: u32) -> WorkloadKey {
        let status = json!({ "observedGeneration": 1, "replicas": replicas, "updatedReplicas": updated });
        self.apply("Deployment", workload("web", None, image, None, &status))
    }

    fn replica_set(&mut self, name: &str, owner: (&str, &str), image: &str, revision: u32) {
        let mut object = workload(name, Some(owner), image, None, &json!({}));
        object["metadata"]["annotations"] =
            json!({ "deployment.kubernetes.io/revision": revision.to_string() });
        self.apply("ReplicaSet", object);
    }

    fn pod(&mut self, object: Value) -> BTreeSet<WorkloadKey> {
        let pod: SlimPod = serde_json::from_value(object).unwrap();
        self.0.index.apply_pod(&pod, time(NOW))
    }

    fn gone(&mut self, object: Value, at: u32) -> BTreeSet<WorkloadKey> {
        let pod: SlimPod = serde_json::from_value(object).unwrap();
        self.0.index.delete_pod(&pod, time(at))
    }

    /// What is attached to the first container.
    fn evidence(&mut self, key: &WorkloadKey) -> DriftEvidence {
        self.all(key).into_iter().next().unwrap()
    }

    fn all(&mut self, key: &WorkloadKey) -> Vec<DriftEvidence> {
        let workload = self.0.assemble(key).unwrap().workload;
        let drift = workload.containers.iter().map(|container| container.drift.as_deref().cloned());
        drift.map(Option::unwrap_or_default).collect()
    }
}

fn metadata(name: &str, owner: Option<(&str, &str)>) -> Value {
    let owner = owner.map(|(kind, name)| {
        let api_version = match kind {
            "JobSet" => "jobset.x-k8s.io/v1alpha2",
            "Rollout" => "argoproj.io/v1alpha1",
            "Job" => "batch/v1",
            _ => "apps/v1",
        };
        (api_version, kind, name)
    });
    testing::metadata(name, owner)
}

fn containers(image: &str) -> Value {
    json!([{ "name": "web", "image": image, "imagePullPolicy": "IfNotPresent" }])
}

fn workload(
    name: &str,
    owner: Option<(&str, &str)>,
    image: &str,
    restarted: Option<u32>,
    status: &Value,
) -> Value {
    let mut template = json!({ "spec": { "containers": containers(image) } });
    if let Some(restarted) = restarted {
        let at = time(restarted).to_string();
        template["metadata"] = json!({ "annotations": { "kubectl.kubernetes.io/restartedAt": at } });
    }
    json!({
        "metadata": metadata(name, owner),
        "spec": { "replicas": 2, "template": template },
        "status": status,
    })
}

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

/// A pod on the one node.
fn pod(name: &str, owner: (&str, &str), image: &str, state: &Value) -> Value {
    let mut metadata = metadata(name, Some(owner));
    metadata["generation"] = json!(1);
    json!({
        "metadata": metadata,
        "spec": { "nodeName": "node", "containers": containers(image) },
        "status": { "phase": "Running", "containerStatuses": [state] },
    })
}

/// A pod whose container has run the digest of this letter since then.
fn ran_since(name: &str, owner: (&str, &str), image: &str, letter: &str, since: u32) -> Value {
    let repository = image.rsplit_once(':').map_or(image, |(repository, _)| repository);
    let started = json!({ "startedAt": time(since).to_string() });
    let image_id = format!("{repository}@{}", digest(letter));
    pod(name, owner, image, &json!({ "name": "web", "imageID": image_id, "state": { "running": started } }))
}

fn ran(name: &str, owner: (&str, &str), image: &str, letter: &str) -> Value {
    ran_since(name, owner, image, letter, NOW - 60)
}

fn waits(name: &str, owner: (&str, &str), image: &str) -> Value {
    let waiting = json!({ "waiting": { "reason": "ImagePullBackOff" } });
    pod(name, owner, image, &json!({ "name": "web", "imageID": "", "state": waiting }))
}

fn digests(resolutions: &Resolutions) -> Vec<&str> {
    resolutions.digests.iter().map(|found| found.digest.as_str()).collect()
}

const WEB: (&str, &str) = ("StatefulSet", "web");
const NGINX: &str = "registry.example/nginx:1.27";

#[test]
fn pods_of_a_superseded_replica_set_are_not_mixed_with_those_of_the_newest() {
    let mut cluster = Drifting::new();
    let key = cluster.deployment(NGINX, 2, 2);
    for (name, revision) in [("web-1", 1), ("web-2", 2)] {
        cluster.replica_set(name, ("Deployment", "web"), NGINX, revision);
    }
    cluster.pod(ran("web-1-a", ("ReplicaSet", "web-1"), NGINX, "a"));
    cluster.pod(ran("web-2-a", ("ReplicaSet", "web-2"), NGINX, "b"));
    let evidence = cluster.evidence(&key);
    assert!(evidence.moved.is_some() && evidence.mixed.is_none(), "{evidence:?}");
    cluster.pod(ran("web-2-b", ("ReplicaSet", "web-2"), NGINX, "c"));
    let mixed = cluster.evidence(&key).mixed.unwrap();
    assert_eq!(digests(&mixed.resolutions), [digest("b"), digest("c")]);
    // A rollout in progress is no finding.
    cluster.deployment(NGINX, 3, 2);
    assert!(cluster.evidence(&key).mixed.is_none());
}

/// Of each container, its image and whether its own reference is proven to have moved.
fn proven(cluster: &mut Drifting, key: &WorkloadKey) -> Vec<(String, bool)> {
    let workload = cluster.0.assemble(key).unwrap().workload;
    let proves = |drift: &Arc<DriftEvidence>| drift.proves_own_reference();
    let containers = workload.containers.iter();
    containers
        .map(|container| (container.image.raw().to_owned(), container.drift.as_ref().is_some_and(proves)))
        .collect()
}

#[test]
fn a_proof_reaches_every_container_that_names_the_reference_with_the_evidence() {
    let mut cluster = Drifting::new();
    let status = json!({ "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2 });
    let mut object = workload("web", None, "app:1", None, &status);
    object["spec"]["template"]["spec"]["volumes"] = json!([
        { "name": "data", "image": { "reference": NGINX, "pullPolicy": "IfNotPresent" } },
        { "name": "pinned", "image": { "reference": format!("{NGINX}@{}", digest("a")), "pullPolicy": "IfNotPresent" } },
    ]);
    let key = cluster.apply("StatefulSet", object);
    // An image that only a pod has, in the place of the template's.
    cluster.pod(ran("web-0", WEB, NGINX, "a"));
    let images =
        |all: Vec<(String, bool)>| all.into_iter().filter(|(_, is)| *is).map(|(image, _)| image).collect();
    let named: Vec<String> = proven(&mut cluster, &key).into_iter().map(|(image, _)| image).collect();
    assert_eq!(named.len(), 4, "{named:?}");
    let none: Vec<String> = images(proven(&mut cluster, &key));
    assert!(none.is_empty(), "{none:?}");
    // Two digests that no node lists as two images: likely.
    cluster.pod(ran("web-1", WEB, NGINX, "e"));
    assert!(cluster.evidence(&key).moved.is_some_and(|moved| moved.confidence == DriftConfidence::Likely));
    let none: Vec<String> = images(proven(&mut cluster, &key));
    assert!(none.is_empty(), "{none:?}");
    // Now it is proven, for the volume and for the image of the pods at once, and not for the template's.
    cluster.pod(ran("web-1", WEB, NGINX, "b"));
    let moved = cluster.evidence(&key).moved.unwrap();
    assert_eq!((moved.confidence, moved.reference), (DriftConfidence::Proven, Some(NGINX.into())));
    let both: Vec<String> = images(proven(&mut cluster, &key));
    assert_eq!(both, [NGINX, NGINX]);
    // A proof that is over ends the same way, for all of them.
    let later = NOW + crate::pods::MEMORY + 1;
    for (name, letter) in [("web-0", "a"), ("web-1", "b")] {
        cluster.gone(ran(name, WEB, NGINX, letter), NOW);
    }
    cluster.0.index.expire(time(later));
    assert!(cluster.evidence(&key).moved.is_none());
    let none: Vec<String> = images(proven(&mut cluster, &key));
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn a_pod_that_is_being_deleted_counts_no_more() {
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set(NGINX, None);
    cluster.pod(ran("web-0", WEB, NGINX, "a"));
    cluster.pod(ran("web-1", WEB, NGINX, "b"));
    assert!(cluster.evidence(&key).mixed.is_some());
    let mut ending = ran("web-0", WEB, NGINX, "a");
    ending["metadata"]["deletionTimestamp"] = json!(time(NOW).to_string());
    ending["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    assert_eq!(cluster.pod(ending), [key.clone()].into());
    let evidence = cluster.evidence(&key);
    assert!(evidence.mixed.is_none());
    let moved = evidence.moved.unwrap();
    assert_eq!(moved.digests.iter().map(|found| found.pods).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn five_pods_of_the_own_namespace_are_named_and_the_others_counted() {
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set(NGINX, None);
    for at in 0..7 {
        cluster.pod(ran(&format!("web-{at}"), WEB, NGINX, "a"));
    }
    let mut elsewhere = ran("secret-0", ("StatefulSet", "secret"), NGINX, "b");
    elsewhere["metadata"]["namespace"] = json!("vault");
    cluster.pod(elsewhere);
    let moved = cluster.evidence(&key).moved.unwrap();
    let pods = |at: usize| -> Vec<&str> {
        let here = &moved.digests[at].here;
        here.iter().map(|sighting| sighting.pod.raw()).collect()
    };
    assert_eq!(pods(0), ["web-0", "web-1", "web-2", "web-3", "web-4"]);
    assert_eq!((moved.digests[0].pods, moved.digests[0].elsewhere), (7, 2));
    assert!(pods(1).is_empty());
    assert_eq!((moved.digests[1].pods, moved.digests[1].elsewhere), (1, 1));
}

#[test]
fn a_digest_that_no_pod_ran_is_not_named() {
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set(NGINX, None);
    let amd64 = Platform::new("linux", "amd64", "containerd://2.1.4");
    let one = [digest("0"), digest("a"), digest("b")].into();
    let images = NodeImages { of_one_image: vec![one], ..NodeImages::default() };
    cluster.0.index.pods.apply_node("node", amd64.as_ref(), &images, NOW);
    for (name, letter) in [("web-0", "b"), ("web-1", "a"), ("web-2", "c")] {
        cluster.pod(ran(name, WEB, NGINX, letter));
    }
    let evidence = cluster.evidence(&key);
    for resolutions in [&evidence.mixed.as_ref().unwrap().resolutions, evidence.moved.as_ref().unwrap()] {
        assert_eq!(digests(resolutions), [digest("a"), digest("c")]);
        assert_eq!(resolutions.digests[0].same, [digest("b")]);
        assert_eq!(resolutions.digests[0].here.len(), 2);
    }
}

#[test]
fn what_admission_made_of_an_image_is_judged_and_named() {
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set("nginx:1.27", None);
    let mirror = "mirror.example/nginx:1.27";
    cluster.pod(ran("web-0", WEB, mirror, "a"));
    let evidence = cluster.evidence(&key);
    assert!(evidence.moved.is_none() && evidence.mixed.is_none());
    assert_eq!(evidence.other_images, [mirror.into()]);
    assert_eq!(cluster.pod(ran("web-1", WEB, mirror, "b")), [key.clone()].into());
    let evidence = cluster.evidence(&key);
    assert_eq!(evidence.moved.as_ref().unwrap().reference, Some(mirror.into()));
    assert_eq!(evidence.mixed.as_ref().unwrap().resolutions.reference, Some(mirror.into()));
    // The template's own is first.
    cluster.pod(ran("web-2", WEB, "nginx:1.27", "a"));
    cluster.pod(ran("web-3", WEB, "nginx:1.27", "b"));
    let evidence = cluster.evidence(&key);
    assert_eq!(evidence.moved.unwrap().reference, None);
    assert_eq!(evidence.mixed.unwrap().resolutions.reference, None);
}

#[test]
fn the_image_of_an_injected_container_is_that_of_its_pods() {
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set(NGINX, None);
    let mesh = |tag: u32| json!({ "name": "mesh", "image": format!("mesh:{tag}"), "imagePullPolicy": "IfNotPresent" });
    for (name, tag) in [("web-0", 1), ("web-1", 2)] {
        let mut pod = ran(name, WEB, NGINX, "a");
        pod["spec"]["containers"].as_array_mut().unwrap().push(mesh(tag));
        cluster.pod(pod);
    }
    let all = cluster.all(&key);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|evidence| *evidence == DriftEvidence::default()), "{all:?}");
}

#[test]
fn pods_of_an_earlier_template_are_told() {
    let mut cluster = Drifting::new();
    let daemon_set = |strategy: &str| {
        let status =
            json!({ "observedGeneration": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": 0 });
        let mut object = workload("web", None, "app:2", None, &status);
        object["spec"]["updateStrategy"] = json!({ "type": strategy });
        object
    };
    let key = cluster.apply("DaemonSet", daemon_set("OnDelete"));
    cluster.pod(ran("web-a", ("DaemonSet", "web"), "app:1", "a"));
    cluster.pod(ran("web-b", ("DaemonSet", "web"), "app:2", "b"));
    assert_eq!(cluster.evidence(&key).other_images, ["app:1".into()]);
    // A rollout in progress is expected to.
    cluster.apply("DaemonSet", daemon_set("RollingUpdate"));
    assert!(cluster.evidence(&key).other_images.is_empty());
    cluster.apply("DaemonSet", daemon_set("OnDelete"));
    let affected = cluster.pod(ran("web-a", ("DaemonSet", "web"), "app:2", "b"));
    assert!(affected.contains(&key));
    assert!(cluster.evidence(&key).other_images.is_empty());
}

#[test]
fn a_pull_that_fails_is_that_of_the_image_which_the_pod_names() {
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set("app:good", None);
    cluster.pod(waits("web-0", WEB, "app:bad"));
    let failure = cluster.evidence(&key).pull_failure.unwrap();
    assert_eq!((failure.image, failure.here.len()), (Some("app:bad".into()), 1));
    cluster.0.index.pods.expire(NOW);
    assert!(cluster.evidence(&key).pull_failure.is_some_and(|failure| failure.image.is_some()));
    // The template's own is first, in whatever words.
    cluster.pod(waits("web-1", WEB, "docker.io/library/app:good"));
    let failure = cluster.evidence(&key).pull_failure.unwrap();
    assert_eq!((failure.image, failure.here.len()), (None, 1));
    assert_eq!(failure.here[0].pod.raw(), "web-1");
}

#[test]
fn runs_of_one_owner_are_not_compared_and_the_pods_of_one_run_are() {
    let mut cluster = Drifting::new();
    let owner = ("JobSet", "train");
    for name in ["train-leader", "train-worker"] {
        cluster.apply("Job", workload(name, Some(owner), NGINX, None, &json!({})));
    }
    cluster.pod(ran("leader-a", ("Job", "train-leader"), NGINX, "a"));
    let affected = cluster.pod(ran("worker-a", ("Job", "train-worker"), NGINX, "b"));
    let key = affected.into_iter().find(|key| key.kind() == "JobSet").unwrap();
    let evidence = cluster.evidence(&key);
    assert!(evidence.moved.is_some() && evidence.mixed.is_none(), "{evidence:?}");
    cluster.pod(ran("worker-b", ("Job", "train-worker"), NGINX, "c"));
    let mixed = cluster.evidence(&key).mixed.unwrap();
    assert_eq!(digests(&mixed.resolutions), [digest("b"), digest("c")]);
}

#[test]
fn overlapping_runs_of_a_cron_job_are_no_mixed_rollout() {
    let mut cluster = Drifting::new();
    let template = json!({ "spec": { "containers": containers(NGINX) } });
    let key = cluster.apply(
        "CronJob",
        json!({
            "metadata": metadata("nightly", None),
            "spec": { "jobTemplate": { "spec": { "template": template } } },
        }),
    );
    for (name, letter) in [("nightly-1", "a"), ("nightly-2", "b")] {
        let mut job = workload(name, Some(("CronJob", "nightly")), NGINX, None, &json!({}));
        job["metadata"]["ownerReferences"][0]["apiVersion"] = json!("batch/v1");
        cluster.apply("Job", job);
        cluster.pod(ran(&format!("{name}-a"), ("Job", name), NGINX, letter));
    }
    let evidence = cluster.evidence(&key);
    assert!(evidence.moved.is_some() && evidence.mixed.is_none(), "{evidence:?}");
}

#[test]
fn two_replica_sets_that_ask_for_pods_are_a_rollout_in_progress() {
    let mut cluster = Drifting::new();
    for (name, letter) in [("web-1", "a"), ("web-2", "b")] {
        cluster.replica_set(name, ("Rollout", "web"), NGINX, 0);
        cluster.pod(ran(&format!("{name}-a"), ("ReplicaSet", name), NGINX, letter));
    }
    let rollout = WorkloadKey::new("argoproj.io/v1alpha1", "Rollout", "shop", "web", uid("web"));
    let evidence = cluster.evidence(&rollout);
    assert!(evidence.moved.is_some() && evidence.mixed.is_none(), "{evidence:?}");
}

/// Replaces both pods of a StatefulSet one after the other, as its controller does.
fn restart(cluster: &mut Drifting, letter: &str) {
    for name in ["web-1", "web-0"] {
        cluster.gone(ran_since(name, WEB, NGINX, "a", RESTARTED - 500), RESTARTED + 10);
        cluster.pod(ran_since(name, WEB, NGINX, letter, RESTARTED + 20));
    }
}

#[test]
fn a_restart_of_several_pods_that_brought_the_same_image_is_told() {
    for (letter, same) in [("a", true), ("b", false)] {
        let mut cluster = Drifting::new();
        cluster.stateful_set(NGINX, None);
        for name in ["web-0", "web-1"] {
            cluster.pod(ran_since(name, WEB, NGINX, "a", RESTARTED - 500));
        }
        let key = cluster.stateful_set(NGINX, Some(RESTARTED));
        assert!(!cluster.evidence(&key).restarted_same_image);
        restart(&mut cluster, letter);
        assert_eq!(cluster.evidence(&key).restarted_same_image, same);
        // The next restart begins with what this one ended on.
        cluster.stateful_set(NGINX, Some(RESTARTED + 100));
        assert!(!cluster.evidence(&key).restarted_same_image);
    }
}

#[test]
fn pods_that_were_gone_before_the_restart_was_seen_count_all_the_same() {
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set(NGINX, None);
    let before = ran_since("web-0", WEB, NGINX, "a", RESTARTED - 500);
    cluster.pod(before.clone());
    cluster.gone(before, RESTARTED + 1);
    cluster.stateful_set(NGINX, Some(RESTARTED));
    assert!(!cluster.evidence(&key).restarted_same_image);
    // One digest alone is news here: it ends the restart.
    let after = ran_since("web-0", WEB, NGINX, "a", RESTARTED + 5);
    assert_eq!(cluster.pod(after), [key.clone()].into());
    assert!(cluster.evidence(&key).restarted_same_image);
    // And that is that: pods that come later are no news.
    assert!(cluster.0.index.pods.restarts.is_at_rest());
}

#[test]
fn an_image_that_came_after_the_restart_is_none_that_it_began_with() {
    let mut cluster = Drifting::new();
    // Another workload has run it for long.
    let other = "registry.example/nginx:1.28";
    cluster.pod(ran_since("api-0", ("StatefulSet", "api"), other, "c", RESTARTED - 5_000));
    cluster.stateful_set(NGINX, None);
    for name in ["web-0", "web-1"] {
        cluster.pod(ran_since(name, WEB, NGINX, "a", RESTARTED - 500));
    }
    let key = cluster.stateful_set(NGINX, Some(RESTARTED));
    cluster.evidence(&key);
    restart(&mut cluster, "a");
    assert!(cluster.evidence(&key).restarted_same_image);
    cluster.stateful_set(other, Some(RESTARTED));
    for name in ["web-0", "web-1"] {
        cluster.gone(ran_since(name, WEB, NGINX, "a", RESTARTED + 20), RESTARTED + 30);
        cluster.pod(ran_since(name, WEB, other, "c", RESTARTED + 40));
    }
    assert!(!cluster.evidence(&key).restarted_same_image);

    // Nor is it known what it began with for one that came later.
    let mut cluster = Drifting::new();
    let key = cluster.stateful_set(NGINX, Some(RESTARTED));
    cluster.pod(ran_since("api-0", ("StatefulSet", "api"), NGINX, "a", RESTARTED - 5_000));
    cluster.pod(ran_since("web-0", WEB, NGINX, "a", RESTARTED + 20));
    assert!(!cluster.evidence(&key).restarted_same_image);
    cluster.0.index.forget(&key);
    assert!(cluster.0.index.pods.restarts.is_at_rest());
}

mod stalled;
