//! The images of a pod spec or a pod template.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tagwatch_core::reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};

use super::text::{PullPolicyText, Text};

/// Most places of one pod spec, and of all templates of one object, that are kept. The API server stores more than ten
/// thousand in one object.
pub const MAX_PLACES: usize = 1_000;
/// Most bytes of names, images and pull policies that are kept of one pod spec, and of all templates of one object.
pub const MAX_TEXT_BYTES: usize = 128 * 1024;
/// Most bytes that are kept of one text, and the rest of its last character. One byte more than a reference can have, so
/// that what was cut still parses as too long.
const MAX_ENTRY_BYTES: usize = reference::MAX_BYTES + 1;

/// Every place of a pod spec that names an image, in the order `containers`, `initContainers`,
/// `ephemeralContainers`, `volumes[].image`: at most [`MAX_PLACES`], with at most [`MAX_TEXT_BYTES`] of text. Kept for
/// every workload, so all texts share one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(from = "WirePodSpec")]
pub struct PodImages {
    /// The name and the image of each place, one after the other.
    text: UntrustedText,
    places: Box<[PackedPlace]>,
    has_pull_secrets: bool,
    is_cut: bool,
}

/// A place whose name and image are in [`PodImages::text`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PackedPlace {
    container_type: ContainerType,
    index: u32,
    name_length: u32,
    image_length: u32,
    pull_policy: Option<UntrustedText>,
}

/// One place of a pod spec that names an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImagePlace<'a> {
    /// Name of the container, or of the volume; untrusted.
    pub name: &'a str,
    /// What kind of place it is.
    pub container_type: ContainerType,
    /// Index in its list of the pod spec.
    pub index: u32,
    /// The image as written; empty when the field is missing. Untrusted.
    pub image: &'a str,
    /// The pull policy as written.
    pub pull_policy: Option<&'a UntrustedText>,
}

impl PodImages {
    /// Path of the pod spec of a Pod.
    pub const PATH_IN_POD: &'static str = "spec";

    /// The places, in order.
    pub fn iter(&self) -> impl Iterator<Item = ImagePlace<'_>> {
        let mut rest = self.text.raw();
        self.places.iter().map(move |place| ImagePlace {
            name: take(&mut rest, place.name_length),
            container_type: place.container_type,
            index: place.index,
            image: take(&mut rest, place.image_length),
            pull_policy: place.pull_policy.as_ref(),
        })
    }

    /// Whether no place names an image.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many places name an image, as far as they are kept.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the pod spec names more than is kept.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Bytes of the names and images.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.raw().len()
    }

    /// Whether the pod spec names `imagePullSecrets`.
    pub fn has_pull_secrets(&self) -> bool {
        self.has_pull_secrets
    }

    /// The model that the engine judges, for a pod spec at this path from the object's root. Nothing is observed yet.
    pub fn containers(&self, pod_spec_path: &str) -> Vec<Container> {
        self.iter().map(|place| place.to_container(pod_spec_path)).collect()
    }
}

/// Splits off the head of a text.
fn take<'a>(rest: &mut &'a str, length: u32) -> &'a str {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let (head, tail) = rest.split_at_checked(length).unwrap_or_default();
    *rest = tail;
    head
}

/// An object in etcd takes 1.5 MiB at most.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

impl ImagePlace<'_> {
    /// The model that the engine judges, for a pod spec at this path from the object's root.
    pub fn to_container(self, pod_spec_path: &str) -> Container {
        Container {
            name: self.name.into(),
            container_type: self.container_type,
            image: self.image.into(),
            pull_policy: self.pull_policy.cloned(),
            field_path: self.field_path(pod_spec_path),
            observed: None,
            drift: None,
        }
    }

    fn field_path(&self, pod_spec_path: &str) -> String {
        let (list, field) = (self.container_type.list_field(), self.container_type.image_field());
        let parent = if self.container_type == ContainerType::ImageVolume { "image." } else { "" };
        format!("{pod_spec_path}.{list}[{}].{parent}{field}", self.index)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePodSpec {
    containers: Option<Vec<WireContainer>>,
    init_containers: Option<Vec<WireContainer>>,
    ephemeral_containers: Option<Vec<WireContainer>>,
    volumes: Option<Vec<WireVolume>>,
    image_pull_secrets: Option<Vec<IgnoredAny>>,
    node_name: Option<Text>,
    termination_grace_period_seconds: Option<Seconds>,
}

/// The template of a custom resource may hold anything else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Whole(i64),
    Other(IgnoredAny),
}

/// `terminationGracePeriodSeconds` that the API server fills in (`DefaultTerminationGracePeriodSeconds` in
/// `k8s.io/api/core/v1/types.go`).
pub(super) const DEFAULT_GRACE: i64 = 30;

/// The images of a pod, the node that it runs on, and for how long a container of it may run on once it is to end, in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WirePodSpec")]
pub(super) struct ScheduledImages {
    pub(super) images: PodImages,
    pub(super) node: Option<UntrustedText>,
    pub(super) grace: i64,
}

impl From<WirePodSpec> for ScheduledImages {
    fn from(mut wire: WirePodSpec) -> Self {
        let node = wire.node_name.take().map(|name| name.0).filter(|name| !name.raw().is_empty());
        let grace = match wire.termination_grace_period_seconds {
            Some(Seconds::Whole(seconds)) => seconds,
            Some(Seconds::Other(_)) | None => DEFAULT_GRACE,
        };
        Self { images: wire.into(), node, grace }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContainer {
    name: Option<Text>,
    image: Option<Text>,
    image_pull_policy: Option<PullPolicyText>,
    restart_policy: Option<Text>,
}

#[derive(Deserialize)]
struct WireVolume {
    name: Option<Text>,
    image: Option<WireImageVolume>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireImageVolume {
    reference: Option<Text>,
    pull_policy: Option<PullPolicyText>,
}

impl From<WirePodSpec> for PodImages {
    fn from(wire: WirePodSpec) -> Self {
        let containers = numbered(wire.containers)
            .map(|(index, container)| container.place(index, ContainerType::Container));
        let init = numbered(wire.init_containers).map(|(index, container)| {
            // KEP-753: an init container that is always restarted runs beside the others.
            let sidecar = container.restart_policy.as_ref().is_some_and(|policy| policy.0.raw() == "Always");
            container.place(index, if sidecar { ContainerType::Sidecar } else { ContainerType::Init })
        });
        let ephemeral = numbered(wire.ephemeral_containers)
            .map(|(index, container)| container.place(index, ContainerType::Ephemeral));
        let volumes = numbered(wire.volumes).filter_map(|(index, volume)| volume.place(index));
        let (mut text, mut places, mut is_cut) = (String::new(), Vec::new(), false);
        let mut room = MAX_TEXT_BYTES;
        for place in containers.chain(init).chain(ephemeral).chain(volumes) {
            let left = room.checked_sub(place.bytes()).filter(|_| places.len() < MAX_PLACES);
            let Some(left) = left else {
                is_cut = true;
                break;
            };
            room = left;
            places.push(place.pack(&mut text));
        }
        Self {
            places: places.into(),
            text: text.into(),
            has_pull_secrets: wire.image_pull_secrets.is_some_and(|secrets| !secrets.is_empty()),
            is_cut,
        }
    }
}

fn numbered<T>(list: Option<Vec<T>>) -> impl Iterator<Item = (u32, T)> {
    (0..).zip(list.unwrap_or_default())
}

/// One place as it was decoded.
struct WirePlace {
    container_type: ContainerType,
    index: u32,
    name: Option<Text>,
    image: Option<Text>,
    pull_policy: Option<PullPolicyText>,
}

/// A text as far as it is kept.
fn head(text: &str) -> &str {
    text.get(..text.ceil_char_boundary(MAX_ENTRY_BYTES)).unwrap_or(text)
}

impl WirePlace {
    /// What it takes of [`MAX_TEXT_BYTES`].
    fn bytes(&self) -> usize {
        let texts = [&self.name, &self.image].into_iter().flatten().map(|text| &text.0);
        let texts = texts.chain(self.pull_policy.as_ref().map(|policy| &policy.0));
        texts.map(|text| head(text.raw()).len()).sum()
    }

    fn pack(self, all: &mut String) -> PackedPlace {
        let mut push = |text: Option<Text>| {
            let text = text.unwrap_or_default().0;
            let text = head(text.raw());
            all.push_str(text);
            length(text)
        };
        PackedPlace {
            container_type: self.container_type,
            index: self.index,
            name_length: push(self.name),
            image_length: push(self.image),
            pull_policy: self.pull_policy.map(|policy| kept(policy.0)),
        }
    }
}

/// The text itself, unless it is cut.
fn kept(text: UntrustedText) -> UntrustedText {
    let head = head(text.raw());
    if head.len() == text.raw().len() { text } else { head.into() }
}

impl WireContainer {
    fn place(self, index: u32, container_type: ContainerType) -> WirePlace {
        let Self { name, image, image_pull_policy: pull_policy, restart_policy: _ } = self;
        WirePlace { container_type, index, name, image, pull_policy }
    }
}

impl WireVolume {
    fn place(self, index: u32) -> Option<WirePlace> {
        let WireImageVolume { reference: image, pull_policy } = self.image?;
        let container_type = ContainerType::ImageVolume;
        Some(WirePlace { container_type, index, name: self.name, image, pull_policy })
    }
}
