//! Nodes: their platform, and which digests of their images are one image.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use tagwatch_core::drift::Platform;
use tagwatch_core::reference::Reference;

use super::meta;
use super::resource::resource_of;
use super::text::Text;

/// A node. Decoded, read into an index and dropped: its list of images is long.
#[derive(Debug, Clone, Deserialize)]
pub struct SlimNode {
    #[serde(default, deserialize_with = "meta::deserialize")]
    metadata: ObjectMeta,
    #[serde(default)]
    status: Option<WireStatus>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatus {
    images: Option<Vec<WireImage>>,
    node_info: Option<WireInfo>,
}

#[derive(Debug, Clone, Deserialize)]
struct WireImage {
    names: Option<Vec<Text>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireInfo {
    operating_system: Option<Text>,
    architecture: Option<Text>,
    container_runtime_version: Option<Text>,
}

/// What a node's list of images says of digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeImages {
    /// The digests of each image that the node knows by more than one.
    pub of_one_image: Vec<BTreeSet<String>>,
    /// Of each repository of which the node has several images, the digests of each of them.
    pub of_one_repository: Vec<Vec<BTreeSet<String>>>,
}

impl SlimNode {
    /// `metadata.name` of the node.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Operating system, architecture and runtime; `None` until its kubelet has said all of them.
    pub fn platform(&self) -> Option<Platform> {
        let info = self.status.as_ref()?.node_info.as_ref()?;
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
        let (os, arch) = (text(&info.operating_system)?, text(&info.architecture)?);
        Platform::new(os.raw(), arch.raw(), text(&info.container_runtime_version)?.raw())
    }

    /// What its list of images says of digests.
    pub fn images(&self) -> NodeImages {
        let mut images = NodeImages::default();
        let mut repositories: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
        for image in self.status.iter().flat_map(|status| status.images.iter().flatten()) {
            let mut by_repository: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for name in image.names.iter().flatten() {
                let Ok(reference) = Reference::parse(name.0.raw()) else { continue };
                if let Some(digest) = reference.digest() {
                    by_repository.entry(reference.name()).or_default().insert(digest.to_owned());
                }
            }
            let digests: BTreeSet<String> = by_repository.values().flatten().cloned().collect();
            if digests.len() > 1 {
                images.of_one_image.push(digests);
            }
            for (repository, digests) in by_repository {
                repositories.entry(repository).or_default().push(digests);
            }
        }
        images.of_one_repository = repositories.into_values().filter(|images| images.len() > 1).collect();
        images
    }
}

resource_of!(SlimNode, Node);
