//! The images of a pod spec or a pod template.

use serde::Deserialize;
use serde::de::IgnoredAny;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};

use super::text::{PullPolicyText, Text};

/// Every place of a pod spec that names an image, in the order `containers`, `initContainers`,
/// `ephemeralContainers`, `volumes[].image`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(from = "WirePodSpec")]
pub struct PodImages {
    places: Box<[ImagePlace]>,
    has_pull_secrets: bool,
}

/// One place of a pod spec that names an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImagePlace {
    /// Name of the container, or of the volume.
    pub name: UntrustedText,
    /// What kind of place it is.
    pub container_type: ContainerType,
    /// Index in its list of the pod spec.
    pub index: u32,
    /// The image as written; empty when the field is missing.
    pub image: UntrustedText,
    /// The pull policy as written.
    pub pull_policy: Option<UntrustedText>,
}

impl PodImages {
    /// Path of the pod spec of a Pod.
    pub const PATH_IN_POD: &'static str = "spec";

    /// The places, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ImagePlace> {
        self.places.iter()
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

impl ImagePlace {
    fn to_container(&self, pod_spec_path: &str) -> Container {
        Container {
            name: self.name.clone(),
            container_type: self.container_type,
            image: self.image.clone(),
            pull_policy: self.pull_policy.clone(),
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
}

/// The images of a pod, and the node that it runs on.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WirePodSpec")]
pub(super) struct ScheduledImages {
    pub(super) images: PodImages,
    pub(super) node: Option<UntrustedText>,
}

impl From<WirePodSpec> for ScheduledImages {
    fn from(mut wire: WirePodSpec) -> Self {
        let node = wire.node_name.take().map(|name| name.0).filter(|name| !name.raw().is_empty());
        Self { images: wire.into(), node }
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
        Self {
            places: containers.chain(init).chain(ephemeral).chain(volumes).collect(),
            has_pull_secrets: wire.image_pull_secrets.is_some_and(|secrets| !secrets.is_empty()),
        }
    }
}

fn numbered<T>(list: Option<Vec<T>>) -> impl Iterator<Item = (u32, T)> {
    (0..).zip(list.unwrap_or_default())
}

impl WireContainer {
    fn place(self, index: u32, container_type: ContainerType) -> ImagePlace {
        ImagePlace {
            name: self.name.unwrap_or_default().0,
            container_type,
            index,
            image: self.image.unwrap_or_default().0,
            pull_policy: self.image_pull_policy.map(|policy| policy.0),
        }
    }
}

impl WireVolume {
    fn place(self, index: u32) -> Option<ImagePlace> {
        let image = self.image?;
        Some(ImagePlace {
            name: self.name.unwrap_or_default().0,
            container_type: ContainerType::ImageVolume,
            index,
            image: image.reference.unwrap_or_default().0,
            pull_policy: image.pull_policy.map(|policy| policy.0),
        })
    }
}
