//! Which images the containers of a workload name, and which other images its pods name in their places.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};

use crate::pods::{CountedShape, place_name};

/// Images that evidence names beside the one that the template names.
const MAX_OTHERS: usize = 3;

/// An image as it is compared with others, parsed once.
#[derive(Debug)]
pub(crate) struct ParsedImage {
    pub(super) text: UntrustedText,
    reference: Option<ParsedReference>,
}

#[derive(Debug)]
struct ParsedReference {
    canonical: String,
    /// Registry and repository.
    name: String,
    /// As it counts where none is written.
    tag: Option<String>,
    is_tagged: bool,
    is_pinned: bool,
}

impl ParsedImage {
    pub(crate) fn of(text: &UntrustedText) -> Self {
        let parsed = Reference::parse(text.raw()).ok();
        let reference = parsed.map(|reference| ParsedReference {
            canonical: reference.canonical(),
            name: reference.name(),
            tag: reference.tag_or_default().map(str::to_owned),
            is_tagged: reference.tag().is_some(),
            is_pinned: reference.digest().is_some(),
        });
        Self { text: text.clone(), reference }
    }

    /// The canonical text, where the image is a reference without a digest: only such a one can move.
    pub(super) fn movable(&self) -> Option<&str> {
        self.reference.as_ref().filter(|found| !found.is_pinned).map(|found| found.canonical.as_str())
    }

    /// Whether this image of a pod is what a template names: in other words, or with its digest beside it.
    pub(super) fn means(&self, template: &Self) -> bool {
        if self.text == template.text {
            return true;
        }
        let (Some(of_pod), Some(of_template)) = (&self.reference, &template.reference) else { return false };
        if of_pod.canonical == of_template.canonical {
            return true;
        }
        let is_pinned = of_pod.is_pinned && !of_template.is_pinned;
        let is_tag_alike = !of_pod.is_tagged || of_pod.tag == of_template.tag;
        is_pinned && of_pod.name == of_template.name && is_tag_alike
    }
}

/// The images that the containers of a workload name, by place: several containers can have one place, with an image each.
#[derive(Debug)]
pub(crate) struct NamedImages {
    /// For each container, in their order. None of an image volume: it has no status.
    pub(super) containers: Vec<Option<(String, ParsedImage)>>,
    pub(super) places: HashMap<String, PlaceImages>,
}

/// The images that containers name in one place.
#[derive(Debug, Default)]
pub(crate) struct PlaceImages {
    texts: HashSet<UntrustedText>,
    canonicals: HashSet<String>,
    /// Tags by name, of those without a digest.
    unpinned: HashMap<String, BTreeSet<Option<String>>>,
}

impl NamedImages {
    pub(crate) fn of(containers: &[Container]) -> Self {
        let mut places: HashMap<String, PlaceImages> = HashMap::new();
        let containers = containers.iter().map(|container| {
            if container.container_type == ContainerType::ImageVolume {
                return None;
            }
            let place = place_name(container.container_type, container.name.raw());
            let image = ParsedImage::of(&container.image);
            places.entry(place.clone()).or_default().add(&image);
            Some((place, image))
        });
        let containers = containers.collect();
        Self { containers, places }
    }
}

impl PlaceImages {
    /// A container here names this image.
    pub(crate) fn add(&mut self, image: &ParsedImage) {
        self.texts.insert(image.text.clone());
        let Some(reference) = &image.reference else { return };
        self.canonicals.insert(reference.canonical.clone());
        if !reference.is_pinned {
            self.unpinned.entry(reference.name.clone()).or_default().insert(reference.tag.clone());
        }
    }

    /// Whether a container here names this reference, which has no digest.
    pub(super) fn names_reference(&self, canonical: &str) -> bool {
        self.canonicals.contains(canonical)
    }

    /// Whether an image of a pod means what any container here names.
    pub(crate) fn names(&self, of_pod: &ParsedImage) -> bool {
        if self.texts.contains(&of_pod.text) {
            return true;
        }
        let Some(reference) = &of_pod.reference else { return false };
        if self.canonicals.contains(&reference.canonical) {
            return true;
        }
        let tags = self.unpinned.get(&reference.name).filter(|_| reference.is_pinned);
        tags.is_some_and(|tags| !reference.is_tagged || tags.contains(&reference.tag))
    }
}

/// Images that live pods name in the place of a container, and no container of the workload does.
#[derive(Debug, Default)]
pub(crate) struct OtherImages(HashMap<String, Vec<UntrustedText>>);

impl OtherImages {
    /// By what pods of these shapes run.
    pub(crate) fn of(named: &NamedImages, shapes: &[CountedShape]) -> Self {
        let mut of_pods: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (shape, _) in shapes {
            for image in
                shape.images.iter().filter(|place| place.container_type != ContainerType::ImageVolume)
            {
                let place = place_name(image.container_type, image.name);
                if named.places.contains_key(&place) {
                    of_pods.entry(place).or_default().insert(image.image);
                }
            }
        }
        let others = of_pods.into_iter().filter_map(|(place, images)| {
            let here = named.places.get(&place)?;
            let images = images.into_iter().map(|image| ParsedImage::of(&image.into()));
            let others = images.filter(|image| !here.names(image)).take(MAX_OTHERS);
            let others: Vec<_> = others.map(|image| image.text).collect();
            (!others.is_empty()).then_some((place, others))
        });
        Self(others.collect())
    }

    pub(super) fn at(&self, place: &str) -> Vec<UntrustedText> {
        self.0.get(place).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_in_other_words_or_pinned_is_the_same() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (of_pod, of_template, same) in [
            ("nginx:1.27", "nginx:1.27", true),
            ("docker.io/library/nginx:1.27", "nginx:1.27", true),
            ("nginx:latest", "nginx", true),
            (&format!("nginx:1.27@{digest}"), "nginx:1.27", true),
            (&format!("nginx@{digest}"), "nginx:1.27", true),
            (&format!("nginx:1.26@{digest}"), "nginx:1.27", false),
            ("nginx:1.26", "nginx:1.27", false),
            ("mirror.example/nginx:1.27", "nginx:1.27", false),
            ("nginx:1.27", &format!("nginx:1.27@{digest}"), false),
            ("$IMAGE", "$IMAGE", true),
            ("$IMAGE", "nginx", false),
        ] {
            let [pod, template] = [of_pod, of_template].map(|text| ParsedImage::of(&text.into()));
            assert_eq!(pod.means(&template), same, "{of_pod} {of_template}");
            let mut place = PlaceImages::default();
            place.add(&template);
            assert_eq!(place.names(&pod), same, "{of_pod} {of_template}");
        }
    }
}
