//! Nodes: their platform, and which digests of their images are one image.

use std::collections::BTreeSet;

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

    /// The digests of each image that the node knows by more than one.
    pub fn images_with_several_digests(&self) -> Vec<BTreeSet<String>> {
        let images = self.status.iter().flat_map(|status| status.images.iter().flatten());
        let digests = images.map(|image| {
            let names = image.names.iter().flatten().filter_map(|name| Reference::parse(name.0.raw()).ok());
            names.filter_map(|name| name.digest().map(str::to_owned)).collect::<BTreeSet<_>>()
        });
        digests.filter(|digests| digests.len() > 1).collect()
    }
}

resource_of!(SlimNode, Node);
