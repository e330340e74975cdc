//! Reads the pod specs of fixtures and of the rules' examples into the model that the engine judges.

use serde::Deserialize;
use serde_saphyr::Spanned;
use tagwatch_core::workload::{Container, ContainerType, Origin, Workload, WorkloadId};

/// The lists of a pod spec that name images.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodSpec {
    pub(crate) init_containers: Vec<ContainerSpec>,
    pub(crate) containers: Vec<ContainerSpec>,
    pub(crate) ephemeral_containers: Vec<ContainerSpec>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) image_pull_secrets: Vec<PullSecret>,
}

/// An entry of `imagePullSecrets`.
#[derive(Debug, Deserialize)]
pub(crate) struct PullSecret {
    #[serde(rename = "name")]
    _name: String,
}

/// The fields of a container that the engine reads, with their positions in the fixture.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerSpec {
    pub(crate) name: Spanned<String>,
    pub(crate) image: Option<Spanned<String>>,
    pub(crate) image_pull_policy: Option<String>,
    pub(crate) restart_policy: Option<String>,
}

/// A volume, which counts if it is an image.
#[derive(Debug, Deserialize)]
pub(crate) struct Volume {
    pub(crate) name: Spanned<String>,
    pub(crate) image: Option<ImageVolume>,
}

/// The source of an image volume, `volumes[].image`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageVolume {
    pub(crate) reference: Spanned<String>,
    pub(crate) pull_policy: Option<String>,
}

/// A container with the line of the value that is judged, counted from 1.
pub(crate) struct Located {
    pub(crate) line: usize,
    pub(crate) container: Container,
}

impl PodSpec {
    pub(crate) fn located(self) -> Vec<Located> {
        let init = self.init_containers.into_iter().map(|container| {
            let is_sidecar = container.restart_policy.as_deref() == Some("Always");
            container.locate(if is_sidecar { ContainerType::Sidecar } else { ContainerType::Init })
        });
        let containers =
            self.containers.into_iter().map(|container| container.locate(ContainerType::Container));
        let ephemeral =
            self.ephemeral_containers.into_iter().map(|container| container.locate(ContainerType::Ephemeral));
        let volumes = self.volumes.into_iter().filter_map(Volume::locate);
        init.chain(containers).chain(ephemeral).chain(volumes).collect()
    }
}

impl ContainerSpec {
    fn locate(self, container_type: ContainerType) -> Located {
        let line = self.image.as_ref().map_or(self.name.referenced, |image| image.referenced).line();
        let image = self.image.map(|image| image.value).unwrap_or_default();
        locate(line, &self.name.value, container_type, &image, self.image_pull_policy.as_deref())
    }
}

impl Volume {
    fn locate(self) -> Option<Located> {
        let image = self.image?;
        let line = image.reference.referenced.line();
        Some(locate(
            line,
            &self.name.value,
            ContainerType::ImageVolume,
            &image.reference.value,
            image.pull_policy.as_deref(),
        ))
    }
}

fn locate(
    line: u64,
    name: &str,
    container_type: ContainerType,
    image: &str,
    pull_policy: Option<&str>,
) -> Located {
    Located {
        line: usize::try_from(line).expect("a line number"),
        container: container(name, container_type, image, pull_policy),
    }
}

/// A container as the index and the scan command hand it over.
pub(crate) fn container(
    name: &str,
    container_type: ContainerType,
    image: &str,
    pull_policy: Option<&str>,
) -> Container {
    Container {
        name: name.into(),
        container_type,
        image: image.into(),
        pull_policy: pull_policy.map(Into::into),
        field_path: String::new(),
        observed: None,
        drift: None,
    }
}

/// A Deployment of these containers.
pub(crate) fn workload(origin: Origin, containers: Vec<Container>) -> Workload {
    let id = WorkloadId {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "web".into(),
    };
    Workload::new(id, origin, containers)
}
