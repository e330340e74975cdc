//! Issues grouped by image and by registry, as JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use crate::images::{GroupName, ImageGroup};

/// Groups of one page, those of the most workloads first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImagePage {
    /// Groups that the filter admits, on all pages.
    pub(crate) total: usize,
    /// Number of this page, from 1.
    pub(crate) page: usize,
    pub(crate) pages: usize,
    pub(crate) groups: Vec<ImageGroupRecord>,
}

/// The findings of one image, or of one registry.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageGroupRecord {
    /// The image as written; null for a registry.
    pub(crate) image: Option<String>,
    /// `docker.io` where the image names none; null for images that do not parse.
    pub(crate) registry: Option<String>,
    /// How mutable the image's reference is; null for a registry.
    pub(crate) tag_class: Option<&'static str>,
    /// Images with findings: 1 for an image.
    pub(crate) images: usize,
    /// Workloads with a finding.
    pub(crate) workloads: usize,
    /// Findings that are neither a pass nor exempt.
    pub(crate) findings: usize,
    /// The same by severity.
    pub(crate) severities: BTreeMap<&'static str, usize>,
}

impl ImageGroupRecord {
    pub(crate) fn new(group: &ImageGroup) -> Self {
        let text = |text: &UntrustedText| text.json().to_owned();
        let (image, registry, class) = match &group.name {
            GroupName::Image { image, registry, class } => {
                (Some(text(image)), registry, Some(class.as_str()))
            }
            GroupName::Registry(registry) => (None, registry, None),
        };
        Self {
            image,
            registry: registry.as_ref().map(text),
            tag_class: class,
            images: group.images,
            workloads: group.workloads,
            findings: group.issues(),
            severities: Severity::ALL
                .into_iter()
                .map(|severity| (severity.as_str(), group.of_severity(severity)))
                .collect(),
        }
    }
}
