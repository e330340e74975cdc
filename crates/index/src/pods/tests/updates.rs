//! Images that change in place: events as kubelets and API servers make them.

use serde_json::{Value, json};
use tagwatch_k8s::slim::SlimPod;

use super::*;

const REPOSITORY: &str = "registry.example.com/shop/web";
pub(super) const ONE: &str = "registry.example.com/shop/web:1.0.0";
pub(super) const TWO: &str = "registry.example.com/shop/web:2.0.0";
pub(super) const THREE: &str = "registry.example.com/shop/web:3.0.0";
const CREATED: &str = "2027-01-15T07:59:58Z";

/// A bare pod on a known node, as the watch shows it.
pub(super) struct Scripted {
    pub(super) index: PodIndex,
    pub(super) now: u32,
    /// `metadata.generation`, and `status.observedGeneration`.
    pub(super) generations: (Option<i64>, Option<i64>),
    /// Whether a node has the pod.
    is_scheduled: bool,
    /// When a field of the spec was last written, as `managedFields` say.
    written: Option<&'static str>,
    /// `terminationGracePeriodSeconds`.
    grace: u32,
    /// The lists of the spec and of the status.
    lists: (&'static str, &'static str),
    /// Image of each container in the spec.
    images: Vec<&'static str>,
    /// Start and digest of each container in the status, by letter; a container that is not there waits.
    started: Vec<Option<(&'static str, &'static str)>>,
    /// Whether the started containers have ended.
    pub(super) has_ended: bool,
}

impl Scripted {
    pub(super) fn new(images: &[&'static str]) -> Self {
        Self {
            index: index_with_nodes(&["a"]),
            now: NOW,
            generations: (Some(1), Some(1)),
            is_scheduled: true,
            written: Some(CREATED),
            grace: 0,
            lists: ("containers", "containerStatuses"),
            images: images.to_vec(),
            started: vec![None; images.len()],
            has_ended: false,
        }
    }

    /// The API server and the kubelet count no generations, as before Kubernetes 1.33.
    fn uncounted(images: &[&'static str]) -> Self {
        Self { generations: (None, None), ..Self::new(images) }
    }

    fn object(&self) -> Value {
        let name = |at: usize| format!("web-{at}");
        let started_at = "2027-01-15T08:00:00Z";
        let state = if self.has_ended {
            json!({ "terminated": { "exitCode": 0, "startedAt": started_at, "finishedAt": started_at } })
        } else {
            json!({ "running": { "startedAt": started_at } })
        };
        let container = |(at, image): (usize, &&str)| json!({ "name": name(at), "image": image, "imagePullPolicy": "Always" });
        let containers: Vec<Value> = self.images.iter().enumerate().map(container).collect();
        let status = |(at, started): (usize, &Option<(&str, &str)>)| match started {
            Some((start, letter)) => json!({
                "name": name(at), "imageID": format!("{REPOSITORY}@{}", digest(letter)),
                "containerID": format!("containerd://{start}"),
                "state": state,
            }),
            None => {
                json!({ "name": name(at), "imageID": "", "state": { "waiting": { "reason": "ContainerCreating" } } })
            }
        };
        let statuses: Vec<Value> = self.started.iter().enumerate().map(status).collect();
        let (spec, status) = self.lists;
        let of_kubelet = json!({ "time": "2027-01-15T09:00:00Z", "subresource": "status", "fieldsV1": { "f:status": {} } });
        let written =
            |at| json!([{ "time": at, "fieldsV1": { "f:metadata": {}, "f:spec": {} } }, of_kubelet]);
        json!({
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "uid-of-web", "generation": self.generations.0,
                "creationTimestamp": CREATED, "managedFields": self.written.map(written),
            },
            "spec": {
                "nodeName": self.is_scheduled.then_some("a"), "terminationGracePeriodSeconds": self.grace, spec: containers,
            },
            "status": { "phase": "Running", "observedGeneration": self.generations.1, status: statuses },
        })
    }

    /// The watch shows the pod as it is, a minute after the last time.
    pub(super) fn show(&mut self) {
        self.now += 60;
        let pod: SlimPod = serde_json::from_value(self.object()).unwrap();
        self.index.apply(PodFacts::from(&pod), self.now);
    }

    /// tagwatch starts again and sees the pod as it is.
    pub(super) fn restart_of_tagwatch(&mut self) {
        self.index = index_with_nodes(&["a"]);
        self.show();
    }

    pub(super) fn set_image(&mut self, at: usize, image: &'static str) {
        self.images[at] = image;
        self.generations.0 = self.generations.0.map(|generation| generation + 1);
        self.written = self.written.map(|_| "2027-01-15T07:59:59Z");
        self.show();
    }

    pub(super) fn status(&mut self, at: usize, start: &'static str, letter: &'static str) {
        self.started[at] = Some((start, letter));
        self.show();
    }

    /// The kubelet has seen the spec.
    fn observe(&mut self) {
        if self.generations.1.is_some() {
            self.generations.1 = self.generations.0;
        }
        self.show();
    }

    /// The first letter of each digest that a reference has run as.
    pub(super) fn ran(&self, image: &str) -> Vec<String> {
        let id = self.index.references.find(image);
        let slots =
            id.and_then(|id| self.index.references.get(id)).into_iter().flat_map(ReferenceRecord::slots);
        slots.map(|slot| slot.digest["sha256:".len()..][..1].to_owned()).collect()
    }

    pub(super) fn assert_never_moved(&self) {
        assert_eq!(self.index.moved_references(), (Vec::new(), 0));
    }
}

#[test]
fn an_update_in_place_is_no_moved_tag() {
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        pod.status(0, "c0", "1");
        pod.set_image(0, TWO);
        // By KEP-5067 the status names the new generation and still shows the container before.
        pod.observe();
        assert_eq!((pod.ran(ONE), pod.ran(TWO)), (vec!["1".to_owned()], Vec::new()));
        pod.status(0, "c1", "2");
        assert_eq!((pod.ran(ONE), pod.ran(TWO)), (vec!["1".to_owned()], vec!["2".to_owned()]));
        pod.assert_never_moved();
        // Pushed again, and pulled at the next start: that is one, as the node's images show.
        pod.index.apply_node("a", Some(&amd64()), &as_several(&["2", "3"]), NOW);
        pod.status(0, "c2", "3");
        assert_eq!(moved(&pod.index), [TWO]);
    }
}

#[test]
fn of_two_containers_the_one_that_did_not_change_stays_known() {
    for mut pod in [Scripted::new(&[ONE, ONE]), Scripted::uncounted(&[ONE, ONE])] {
        pod.status(0, "c0", "1");
        pod.status(1, "d0", "1");
        pod.set_image(0, TWO);
        pod.observe();
        let live = |pod: &Scripted| -> Vec<u32> {
            let id = pod.index.references.find(ONE).unwrap();
            pod.index.references.get(id).unwrap().slots().map(|slot| slot.live).collect()
        };
        assert_eq!(live(&pod), [1], "the second container runs it");
        pod.status(0, "c1", "2");
        pod.status(1, "d1", "1");
        assert_eq!((live(&pod), pod.ran(TWO)), (vec![1], vec!["2".to_owned()]));
        pod.assert_never_moved();
    }
}

#[test]
fn init_containers_that_have_run_stay_what_they_were() {
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        pod.lists = ("initContainers", "initContainerStatuses");
        pod.status(0, "c0", "1");
        pod.set_image(0, TWO);
        pod.observe();
        pod.observe();
        assert!(pod.ran(TWO).is_empty());
        pod.status(0, "c1", "2");
        assert_eq!(pod.ran(TWO), ["2"]);
        pod.assert_never_moved();
    }
}

#[test]
fn a_container_for_debugging_changes_no_other() {
    let mut pod = Scripted::new(&[ONE]);
    pod.status(0, "c0", "1");
    // Another list of the spec grows, and the generation with it.
    pod.set_image(0, ONE);
    pod.observe();
    let id = pod.index.references.find(ONE).unwrap();
    let live: Vec<u32> = pod.index.references.get(id).unwrap().slots().map(|slot| slot.live).collect();
    assert_eq!(live, [1]);
}

#[test]
fn ephemeral_containers_are_paired_as_others_are() {
    let mut pod = Scripted::new(&[ONE]);
    pod.lists = ("ephemeralContainers", "ephemeralContainerStatuses");
    pod.show();
    pod.status(0, "c0", "1");
    assert_eq!(pod.ran(ONE), ["1"]);
    pod.assert_never_moved();
}

#[test]
fn a_crash_during_the_update_proves_nothing() {
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        pod.status(0, "c0", "1");
        pod.set_image(0, TWO);
        // Restarted before the kubelet saw the new image; where it says so, the status is of the spec before.
        pod.status(0, "c1", "1");
        pod.observe();
        assert!(pod.ran(TWO).is_empty());
        pod.status(0, "c2", "2");
        assert_eq!(pod.ran(TWO), ["2"]);
        pod.assert_never_moved();
    }
}

#[test]
fn a_digest_in_the_spec_that_becomes_a_tag_is_a_change_like_another() {
    let by_digest: &'static str = Box::leak(format!("{REPOSITORY}@{}", digest("1")).into_boxed_str());
    let mut pod = Scripted::uncounted(&[by_digest]);
    pod.status(0, "c0", "1");
    pod.set_image(0, TWO);
    pod.observe();
    assert!(pod.ran(TWO).is_empty());
    pod.status(0, "c1", "2");
    assert_eq!(pod.ran(TWO), ["2"]);
    pod.assert_never_moved();
}

#[test]
fn a_change_back_before_the_restart_is_none() {
    let mut pod = Scripted::uncounted(&[ONE]);
    pod.status(0, "c0", "1");
    pod.set_image(0, TWO);
    pod.set_image(0, ONE);
    assert_eq!(pod.ran(ONE), ["1"]);
    let id = pod.index.references.find(ONE).unwrap();
    assert_eq!(pod.index.references.get(id).unwrap().slots().map(|slot| slot.live).sum::<u32>(), 1);
    pod.assert_never_moved();
}

#[test]
fn a_start_after_two_changes_is_of_either_image() {
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        // There and back, while the kubelet starts what was named in between.
        pod.status(0, "c0", "1");
        pod.set_image(0, TWO);
        pod.set_image(0, ONE);
        pod.observe();
        pod.status(0, "c1", "2");
        pod.status(0, "c2", "1");
        assert_eq!((pod.ran(ONE), pod.ran(TWO)), (vec!["1".to_owned()], Vec::new()));
        // And from one to a third.
        pod.now += START_SETTLES_IN;
        pod.show();
        pod.set_image(0, TWO);
        pod.set_image(0, THREE);
        pod.observe();
        pod.status(0, "c3", "2");
        pod.status(0, "c4", "3");
        assert_eq!((pod.ran(TWO), pod.ran(THREE)), (Vec::new(), Vec::new()));
        pod.now += START_SETTLES_IN;
        pod.show();
        assert_eq!((pod.ran(TWO), pod.ran(THREE)), (Vec::new(), vec!["3".to_owned()]));
        pod.assert_never_moved();
    }
}

/// Its kubelet is two changes behind, and says of the first one that the container was started.
#[test]
fn a_status_of_an_older_generation_may_be_of_an_image_between() {
    let mut pod = Scripted::new(&[ONE]);
    pod.status(0, "c0", "1");
    pod.set_image(0, TWO);
    pod.set_image(0, THREE);
    pod.generations.1 = Some(2);
    pod.status(0, "c1", "2");
    pod.set_image(0, ONE);
    pod.observe();
    assert_eq!((pod.ran(ONE), pod.ran(TWO), pod.ran(THREE)), (vec!["1".to_owned()], Vec::new(), Vec::new()));
    pod.assert_never_moved();
}

#[test]
fn the_time_in_which_a_start_settles_begins_with_the_last_change() {
    let mut pod = Scripted::uncounted(&[ONE]);
    pod.status(0, "c0", "1");
    pod.restart_of_tagwatch();
    pod.set_image(0, TWO);
    pod.status(0, "c1", "1");
    pod.now += START_SETTLES_IN - 121;
    pod.set_image(0, THREE);
    pod.show();
    pod.show();
    assert_eq!((pod.ran(TWO), pod.ran(THREE)), (Vec::new(), Vec::new()));
}

#[test]
fn a_container_that_has_ended_is_never_one_of_an_image_that_came_later() {
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        pod.lists = ("initContainers", "initContainerStatuses");
        pod.has_ended = true;
        pod.status(0, "c0", "1");
        pod.set_image(0, TWO);
        pod.observe();
        pod.restart_of_tagwatch();
        for _ in 0..3 {
            pod.now += START_SETTLES_IN;
            pod.show();
            assert!(pod.ran(TWO).is_empty());
        }
    }
}

#[test]
fn a_start_of_tagwatch_in_the_middle_of_an_update_proves_nothing() {
    // The kubelet may write no generation while the API server counts them, and earlier servers count none.
    for generations in [(Some(1), Some(1)), (Some(1), None), (None, None)] {
        let mut pod = Scripted { generations, ..Scripted::new(&[ONE]) };
        pod.status(0, "c0", "1");
        pod.set_image(0, TWO);
        pod.observe();
        pod.restart_of_tagwatch();
        assert!(pod.ran(TWO).is_empty());
        pod.show();
        // How often the spec has changed is not known: this may be one of an image between.
        pod.status(0, "c1", "2");
        assert!(pod.ran(TWO).is_empty());
        pod.now += START_SETTLES_IN;
        pod.show();
        assert_eq!(pod.ran(TWO), ["2"]);
        pod.assert_never_moved();
    }
}

#[test]
fn what_was_there_before_tagwatch_counts_where_its_spec_never_changed_or_it_runs_on() {
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        pod.status(0, "c0", "1");
        pod.restart_of_tagwatch();
        assert_eq!(pod.ran(ONE), ["1"], "the spec that it was created with");

        pod.set_image(0, TWO);
        pod.observe();
        pod.status(0, "c1", "2");
        pod.restart_of_tagwatch();
        assert!(pod.ran(TWO).is_empty());
        pod.now += START_SETTLES_IN - 61;
        pod.show();
        assert!(pod.ran(TWO).is_empty());
        pod.show();
        assert_eq!(pod.ran(TWO), ["2"]);
    }
}

/// A container that ignores SIGTERM is shown as before until the kubelet may kill it, and who creates a pod says when.
#[test]
fn a_container_that_is_given_time_to_end_is_one_of_the_image_before() {
    let grace = 100_000;
    let assert_counts_late = |mut pod: Scripted| {
        let changed = pod.now;
        while pod.now < changed + grace {
            pod.now += START_SETTLES_IN / 2;
            pod.show();
            assert!(pod.ran(TWO).is_empty(), "{} s after the change", pod.now - changed);
        }
        pod.now += START_SETTLES_IN;
        pod.show();
        assert_eq!(pod.ran(TWO), ["1"], "the kubelet has restarted what it is to restart");
    };
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        pod.grace = grace;
        pod.status(0, "c0", "1");
        pod.set_image(0, TWO);
        pod.observe();
        pod.restart_of_tagwatch();
        assert_counts_late(pod);
    }
    // The kubelet has begun with the first image when the spec names the second.
    for mut pod in [Scripted::new(&[ONE]), Scripted::uncounted(&[ONE])] {
        pod.grace = grace;
        pod.show();
        pod.set_image(0, TWO);
        pod.observe();
        pod.status(0, "c0", "1");
        assert_counts_late(pod);
    }
}

#[test]
fn where_nothing_says_when_the_spec_was_written_it_may_have_changed() {
    let mut pod = Scripted { written: None, ..Scripted::uncounted(&[ONE]) };
    pod.status(0, "c0", "1");
    assert!(pod.ran(ONE).is_empty());
    pod.status(0, "c1", "1");
    assert!(pod.ran(ONE).is_empty());
    pod.now += START_SETTLES_IN;
    pod.status(0, "c2", "1");
    assert_eq!(pod.ran(ONE), ["1"]);
}

#[test]
fn a_first_start_behind_a_change_may_be_one_of_the_image_before() {
    for mut pod in [Scripted::new(&[ONE, ONE]), Scripted::uncounted(&[ONE, ONE])] {
        pod.show();
        // Both wait for their images, and the kubelet has begun with the first ones.
        pod.set_image(0, TWO);
        pod.observe();
        pod.status(0, "c0", "1");
        pod.status(1, "d0", "1");
        assert_eq!((pod.ran(ONE), pod.ran(TWO)), (vec!["1".to_owned()], Vec::new()));
        pod.status(0, "c1", "2");
        assert_eq!(pod.ran(TWO), ["2"]);
        pod.assert_never_moved();
    }
    // No node had begun with it.
    let mut pod = Scripted { is_scheduled: false, ..Scripted::new(&[ONE]) };
    pod.show();
    pod.set_image(0, TWO);
    pod.is_scheduled = true;
    pod.observe();
    pod.status(0, "c0", "2");
    assert_eq!(pod.ran(TWO), ["2"]);
    // The container runs on.
    let mut pod = Scripted::new(&[ONE]);
    pod.show();
    pod.set_image(0, TWO);
    pod.observe();
    pod.status(0, "c0", "2");
    pod.now += START_SETTLES_IN;
    pod.show();
    assert_eq!(pod.ran(TWO), ["2"]);
}

#[test]
fn a_pod_that_ends_during_an_update_ran_what_it_was_started_from() {
    let mut pod = Scripted::uncounted(&[ONE]);
    pod.status(0, "c0", "1");
    pod.set_image(0, TWO);
    let mut ending = pod.object();
    ending["metadata"]["deletionTimestamp"] = json!("2027-01-15T08:00:00Z");
    ending["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    let ending: SlimPod = serde_json::from_value(ending).unwrap();
    pod.index.apply(PodFacts::from(&ending), pod.now);
    // Nor is it known later: it is reported until it is gone, and was started from neither.
    pod.index.apply(PodFacts::from(&ending), pod.now + 60);
    assert!(pod.ran(TWO).is_empty());
    pod.index.delete("shop", "web", pod.now + 60);
    assert_eq!((pod.index.pods.len(), pod.index.shapes.len()), (0, 0));
    // The deletion alone counts the generation up, and is no change of the image.
    let mut pod = Scripted::new(&[ONE]);
    pod.status(0, "c0", "1");
    let mut ending = pod.object();
    ending["metadata"]["generation"] = json!(2);
    ending["status"]["observedGeneration"] = json!(2);
    ending["metadata"]["deletionTimestamp"] = json!("2027-01-15T08:00:00Z");
    ending["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    let ending: SlimPod = serde_json::from_value(ending).unwrap();
    let mut index = index_with_nodes(&["a"]);
    index.apply(PodFacts::from(&ending), NOW);
    assert!(index.references.find(ONE).is_some());
}
