//! The table of pod statuses: `fixtures/pod-statuses.yaml`.

#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in their helpers")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};
use tagwatch_k8s::slim::{ImageStatus, NoImageReason, NodeImages, SlimNode, SlimPod};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    of: Option<String>,
    status_in: Option<String>,
    image: String,
    #[serde(rename = "imageID")]
    image_id: Option<String>,
    state: Option<String>,
    unready: Option<String>,
    generation: Option<i64>,
    observed: Option<i64>,
    expect: String,
}

fn expand(text: &str) -> String {
    text.replace("<a>", &"a".repeat(64)).replace("<b>", &"b".repeat(64))
}

impl Case {
    fn pod(&self) -> SlimPod {
        let of = self.of.as_deref().unwrap_or("container");
        let list = |of: &str| match of {
            "init" | "sidecar" => "initContainers",
            "ephemeral" => "ephemeralContainers",
            _ => "containers",
        };
        let mut container = json!({ "name": "web", "image": expand(&self.image) });
        if of == "sidecar" {
            container["restartPolicy"] = "Always".into();
        }
        let statuses = match list(self.status_in.as_deref().unwrap_or(of)) {
            "initContainers" => "initContainerStatuses",
            "ephemeralContainers" => "ephemeralContainerStatuses",
            _ => "containerStatuses",
        };
        let mut status = json!({
            "startTime": "2026-01-12T08:30:00Z",
            statuses: [{ "name": "other" }, self.status()],
        });
        if let Some(unready) = &self.unready {
            status["conditions"] =
                json!([{ "type": "ContainersReady", "status": "False", "lastTransitionTime": unready }]);
        }
        status["observedGeneration"] = self.observed.into();
        let pod = json!({
            "metadata": { "name": "web-1", "namespace": "shop", "generation": self.generation },
            "spec": { "nodeName": "node-a", list(of): [container] },
            "status": status,
        });
        serde_json::from_str(&pod.to_string()).unwrap()
    }

    fn status(&self) -> Value {
        let mut status = json!({ "name": "web", "image": "sha256:whatever" });
        status["imageID"] = self.image_id.as_deref().map(expand).into();
        if let Some(state) = &self.state {
            let (kind, rest) =
                state.split_once(' ').map_or((state.as_str(), None), |(kind, rest)| (kind, Some(rest)));
            let (first, finished) = rest
                .and_then(|rest| rest.split_once(" to "))
                .map_or((rest, None), |(started, finished)| (Some(started), Some(finished)));
            let field = if kind == "waiting" { "reason" } else { "startedAt" };
            status["state"] = json!({ kind: { field: first, "finishedAt": finished } });
        }
        status
    }
}

fn described(seen: &ImageStatus) -> String {
    let mut text = String::new();
    let (since, until) = match seen {
        ImageStatus::Ran { digest, since, until } => {
            write!(text, "ran {}", digest.strip_prefix("sha256:").unwrap_or(digest)).unwrap();
            (since, until)
        }
        ImageStatus::PullFailing { reason, since } => {
            write!(text, "pull fails {}", reason.as_str()).unwrap();
            (since, &None)
        }
        ImageStatus::Unknown(why) => {
            let why = match why {
                NoImageReason::Outdated => return "ignored".to_owned(),
                NoImageReason::NoStatus => "there is no status of it".to_owned(),
                NoImageReason::NotRun => "it has not run".to_owned(),
                NoImageReason::InvalidImage => "the image is no reference".to_owned(),
                NoImageReason::ImageId(why) => why.to_string(),
            };
            return format!("nothing: {why}");
        }
    };
    if let Some(since) = since {
        write!(text, " since {since}").unwrap();
    }
    if let Some(until) = until {
        write!(text, " to {until}").unwrap();
    }
    text
}

#[test]
fn each_shape_reads_as_the_table_says() {
    let cases: Vec<Case> = serde_saphyr::from_str(include_str!("fixtures/pod-statuses.yaml")).unwrap();
    assert!(cases.len() >= 40, "{} shapes", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let sightings = case.pod().image_statuses();
        let found = match &sightings[..] {
            [one] => described(&one.image_status),
            several => format!("{} sightings", several.len()),
        };
        if found != expand(&case.expect) {
            wrong.push(format!("{}: {found}", case.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_pod_names_its_node_and_what_its_own_spec_names() {
    let pod: SlimPod = serde_json::from_str(
        r#"{"metadata":{"name":"a"},"spec":{"nodeName":"node-a","containers":[{"name":"web","image":"nginx:1.27"}],
            "volumes":[{"name":"m","image":{"reference":"models:1"}}]},"status":{"phase":"Pending"}}"#,
    )
    .unwrap();
    assert_eq!(pod.node(), Some("node-a"));
    let [sighting] = &pod.image_statuses()[..] else { panic!("{:?}", pod.image_statuses()) };
    assert_eq!((sighting.container.raw(), sighting.image.raw()), ("web", "nginx:1.27"));
    let unscheduled: SlimPod = serde_json::from_str(r#"{"metadata":{},"spec":{"containers":[]}}"#).unwrap();
    assert_eq!((unscheduled.node(), unscheduled.image_statuses()), (None, Vec::new()));
}

#[test]
fn a_node_tells_its_platform_and_which_digests_are_one_image_or_several() {
    let [a, b, c] = ["a", "b", "c"].map(|letter| letter.repeat(64));
    let node = json!({
        "metadata": { "name": "node-a" },
        "status": {
            "nodeInfo": {
                "operatingSystem": "linux", "architecture": "arm64",
                "containerRuntimeVersion": "containerd://2.1.4", "kernelVersion": "DROPPED",
            },
            "images": [
                { "names": [format!("docker.io/library/nginx@sha256:{a}"), "docker.io/library/nginx:1.27",
                            format!("docker.io/library/nginx@sha256:{b}")], "sizeBytes": 7 },
                { "names": [format!("docker.io/library/redis@sha256:{a}"), "docker.io/library/redis:7"] },
                { "names": [format!("nginx@sha256:{c}")] },
                { "names": ["\u{1b}", "none"] },
                { "names": null },
            ],
        },
    });
    let node: SlimNode = serde_json::from_str(&node.to_string()).unwrap();
    assert_eq!(node.name(), "node-a");
    assert_eq!(node.platform().unwrap().as_str(), "linux/arm64/containerd");
    let first: BTreeSet<String> = [format!("sha256:{a}"), format!("sha256:{b}")].into();
    let images = node.images();
    assert_eq!(images.of_one_image, std::slice::from_ref(&first));
    assert_eq!(images.of_one_repository, [vec![first, [format!("sha256:{c}")].into()]]);
    let bare: SlimNode = serde_json::from_str(r#"{"metadata":{"name":"b"}}"#).unwrap();
    assert_eq!((bare.platform(), bare.images()), (None, NodeImages::default()));
}

#[test]
fn of_a_container_that_waits_or_is_of_an_older_spec_the_last_start_is_read() {
    let read = |observed: i64, status: Value| {
        let mut status = status;
        status["name"] = "web".into();
        status["imageID"] = expand("registry.example/web@sha256:<a>").into();
        let pod = json!({
            "metadata": { "name": "web-1", "namespace": "shop", "generation": 2 },
            "spec": { "containers": [{ "name": "web", "image": "registry.example/web:1" }] },
            "status": { "observedGeneration": observed, "containerStatuses": [status] },
        });
        let pod: SlimPod = serde_json::from_value(pod).unwrap();
        pod.image_statuses()[0].last_run.clone().map(|run| {
            assert_eq!(run.digest, expand("sha256:<a>"));
            run.since.map(|since| since.to_string())
        })
    };
    let (id, times) = ("containerd://c1", json!({ "startedAt": "2026-01-12T08:30:00Z" }));
    let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    let since = Some(Some("2026-01-12T08:30:00Z".to_owned()));
    let running = json!({ "containerID": id, "state": { "running": times } });
    assert_eq!(read(1, running.clone()), since);
    assert_eq!(read(2, running), None, "the status says it of the spec as it is");
    let crashed = |last: &Value| json!({ "containerID": id, "state": waiting, "lastState": last });
    assert_eq!(read(2, crashed(&json!({ "terminated": times }))), since);
    assert_eq!(
        read(2, crashed(&json!({ "terminated": { "startedAt": "0001-01-01T00:00:00Z" } }))),
        Some(None)
    );
    assert_eq!(read(2, crashed(&json!(null))), Some(None));
    assert_eq!(read(2, json!({ "state": waiting })), None, "it was never started");
    let pulling = json!({ "containerID": id, "state": { "waiting": { "reason": "ErrImagePull" } } });
    assert_eq!(read(2, pulling), None);
}
