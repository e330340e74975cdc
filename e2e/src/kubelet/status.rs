//! Pod and Node statuses, as pure functions of the object and its environment.

use k8s_openapi::{
    api::core::v1::{
        Container, ContainerImage, ContainerState, ContainerStateRunning, ContainerStateTerminated,
        ContainerStateWaiting, ContainerStatus, HostIP, NodeCondition, NodeStatus, NodeSystemInfo, Pod,
        PodCondition, PodIP, PodSpec, PodStatus,
    },
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::Timestamp,
};

use super::image;

const HOST: &str = "192.0.2.1";

/// Parts of a status that do not come from the pod.
pub(super) struct Surroundings<'a> {
    pub(super) digests: &'a super::Digests,
    /// The `imageID` in full, where another runtime writes another form.
    pub(super) image_ids: Option<&'a super::Digests>,
    pub(super) now: Timestamp,
    /// The next free pod address; a pod that has one keeps it.
    pub(super) address: String,
}

/// A ready Node with these images, on this platform: operating system, architecture, container runtime.
pub(super) fn node(images: Vec<ContainerImage>, platform: &[String; 3], now: Timestamp) -> NodeStatus {
    let ready = NodeCondition {
        type_: "Ready".to_owned(),
        status: "True".to_owned(),
        reason: Some("KubeletReady".to_owned()),
        message: Some("kubelet is posting ready status".to_owned()),
        last_heartbeat_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    };
    let [operating_system, architecture, container_runtime_version] = platform.clone();
    let info = NodeSystemInfo {
        operating_system,
        architecture,
        container_runtime_version,
        ..NodeSystemInfo::default()
    };
    NodeStatus {
        conditions: Some(vec![ready]),
        images: Some(images),
        node_info: Some(info),
        ..NodeStatus::default()
    }
}

/// All init containers have succeeded; sidecars and all other containers run and are ready.
pub(super) fn running(pod: &Pod, surroundings: &Surroundings<'_>) -> PodStatus {
    of_pod(pod, surroundings, "Running", State::Runs)
}

/// All containers have succeeded.
pub(super) fn succeeded(pod: &Pod, surroundings: &Surroundings<'_>) -> PodStatus {
    of_pod(pod, surroundings, "Succeeded", State::Ended)
}

/// All containers wait for their images.
pub(super) fn failing_to_pull(pod: &Pod, surroundings: &Surroundings<'_>) -> PodStatus {
    let spec = pod.spec.clone().unwrap_or_default();
    let waiting = |container: &Container| ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        state: Some(ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some("ImagePullBackOff".to_owned()),
                message: None,
            }),
            ..ContainerState::default()
        }),
        ..ContainerStatus::default()
    };
    PodStatus {
        phase: Some("Pending".to_owned()),
        conditions: Some(conditions(State::Ended, surroundings.now)),
        container_statuses: Some(spec.containers.iter().map(waiting).collect()),
        start_time: Some(Time(surroundings.now)),
        ..PodStatus::default()
    }
}

/// Whether the pod's status lists every container with the image that its spec has now.
pub(super) fn is_current(pod: &Pod, phase: &str) -> bool {
    let (Some(spec), Some(status)) = (&pod.spec, &pod.status) else { return false };
    let is_reported = |wanted: &[WantedStatus<'_>], statuses: &Option<Vec<ContainerStatus>>| {
        wanted.iter().all(|container| container.existing(statuses.as_deref()).is_some())
    };
    status.phase.as_deref() == Some(phase)
        && is_reported(&init(spec, State::Ended), &status.init_container_statuses)
        && is_reported(&regular(spec, State::Runs), &status.container_statuses)
        && is_reported(&ephemeral(spec), &status.ephemeral_container_statuses)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Runs,
    Ended,
}

/// A container of any of the three lists, and the state to report.
struct WantedStatus<'a> {
    name: &'a str,
    image: &'a str,
    state: State,
}

impl WantedStatus<'_> {
    fn existing(&self, statuses: Option<&[ContainerStatus]>) -> Option<ContainerStatus> {
        let image = image::full_name(self.image);
        statuses?.iter().find(|status| status.name == self.name && status.image == image).cloned()
    }
}

fn wanted(container: &Container, state: State) -> WantedStatus<'_> {
    WantedStatus { name: &container.name, image: container.image.as_deref().unwrap_or_default(), state }
}

/// A sidecar is an init container that keeps running (KEP-753).
fn init(spec: &PodSpec, sidecars: State) -> Vec<WantedStatus<'_>> {
    let containers = spec.init_containers.iter().flatten();
    let state = |container: &Container| match container.restart_policy.as_deref() {
        Some("Always") => sidecars,
        _ => State::Ended,
    };
    containers.map(|container| wanted(container, state(container))).collect()
}

fn regular(spec: &PodSpec, state: State) -> Vec<WantedStatus<'_>> {
    spec.containers.iter().map(|container| wanted(container, state)).collect()
}

fn ephemeral(spec: &PodSpec) -> Vec<WantedStatus<'_>> {
    let containers = spec.ephemeral_containers.iter().flatten();
    let wanted = containers.map(|container| WantedStatus {
        name: &container.name,
        image: container.image.as_deref().unwrap_or_default(),
        state: State::Runs,
    });
    wanted.collect()
}

fn of_pod(pod: &Pod, surroundings: &Surroundings<'_>, phase: &str, state: State) -> PodStatus {
    let spec = pod.spec.clone().unwrap_or_default();
    let before = pod.status.clone().unwrap_or_default();
    let statuses = |wanted: Vec<WantedStatus<'_>>, before: &Option<Vec<ContainerStatus>>| {
        let statuses =
            wanted.iter().map(|container| of_container(container, before.as_deref(), surroundings));
        (!wanted.is_empty()).then(|| statuses.collect())
    };
    let address = before.pod_ip.unwrap_or_else(|| surroundings.address.clone());
    PodStatus {
        phase: Some(phase.to_owned()),
        conditions: Some(conditions(state, surroundings.now)),
        init_container_statuses: statuses(init(&spec, state), &before.init_container_statuses),
        container_statuses: statuses(regular(&spec, state), &before.container_statuses),
        ephemeral_container_statuses: statuses(ephemeral(&spec), &before.ephemeral_container_statuses),
        start_time: before.start_time.or(Some(Time(surroundings.now))),
        host_ip: Some(HOST.to_owned()),
        host_ips: Some(vec![HostIP { ip: HOST.to_owned() }]),
        pod_ips: Some(vec![PodIP { ip: address.clone() }]),
        pod_ip: Some(address),
        ..PodStatus::default()
    }
}

/// A container that was reported in the same state keeps its status, and so its start time.
fn of_container(
    container: &WantedStatus<'_>,
    before: Option<&[ContainerStatus]>,
    surroundings: &Surroundings<'_>,
) -> ContainerStatus {
    let runs = container.state == State::Runs;
    let in_state = |status: &ContainerStatus| status.started == Some(runs);
    if let Some(same) = container.existing(before).filter(in_state) {
        return same;
    }
    let now = Time(surroundings.now);
    let state = if runs {
        ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(now) }),
            ..ContainerState::default()
        }
    } else {
        let ended = ContainerStateTerminated {
            exit_code: 0,
            reason: Some("Completed".to_owned()),
            started_at: Some(now.clone()),
            finished_at: Some(now),
            ..ContainerStateTerminated::default()
        };
        ContainerState { terminated: Some(ended), ..ContainerState::default() }
    };
    ContainerStatus {
        name: container.name.to_owned(),
        image: image::full_name(container.image),
        image_id: match surroundings.image_ids {
            Some(image_ids) => image_ids(container.image),
            None => image::image_id(container.image, surroundings.digests),
        },
        ready: runs,
        started: Some(runs),
        state: Some(state),
        ..ContainerStatus::default()
    }
}

fn conditions(state: State, now: Timestamp) -> Vec<PodCondition> {
    let ready = state == State::Runs;
    let condition = |type_: &str, holds: bool| PodCondition {
        type_: type_.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        reason: (!holds).then(|| "PodCompleted".to_owned()),
        last_transition_time: Some(Time(now)),
        ..PodCondition::default()
    };
    vec![
        condition("PodScheduled", true),
        condition("Initialized", true),
        condition("ContainersReady", ready),
        condition("Ready", ready),
    ]
}
