//! An entry of `images:` and what it makes of an image, as Kustomize does it: api/filters/imagetag/updater.go and
//! api/internal/image/image.go of kubernetes-sigs/kustomize.

use regex::{Regex, RegexBuilder};

use tagwatch_core::workload::WorkloadId;

use crate::manifest::{FieldSpec, ImageEntryFields, SetImage, open_indexes};

/// Largest compiled name in bytes. A name of 255 characters, the most that a registry takes, needs a tenth of it.
const MAX_EXPRESSION: usize = 256 << 10;

/// One entry.
#[derive(Debug, Clone)]
pub(super) struct ImageEntry {
    /// What it matches; `None` where its name is no valid expression, or a larger one than any name of an image: both match
    /// nothing.
    matching: Option<Regex>,
    fields: ImageEntryFields,
    /// The image that the entry names by itself: it is judged where the entry changes no image of the scan.
    pub(super) sets: Option<SetImage>,
    /// Path of the entry, from the root of its object.
    pub(super) path: String,
    /// The fields of the second filter, if they are not those of a kustomization: an `ImageTagTransformer` has its own.
    fields_of_transformer: Option<Vec<FieldSpec>>,
}

/// Fields of the first two filters of Kustomize: api/internal/konfig/builtinpluginconsts/images.go.
const FIELD_SPECS: [&str; 6] = [
    "spec.containers[*].image",
    "spec.initContainers[*].image",
    "spec.volumes[*].image.reference",
    "spec.template.spec.containers[*].image",
    "spec.template.spec.initContainers[*].image",
    "spec.template.spec.volumes[*].image.reference",
];

/// The place of an image, as the filters of Kustomize see it.
#[derive(Debug)]
pub(super) struct ImagePlace<'a> {
    id: &'a WorkloadId,
    /// The path with `[*]` for items of lists.
    path: String,
    /// Whether the first filter takes it.
    is_listed: bool,
}

impl<'a> ImagePlace<'a> {
    pub(super) fn new(id: &'a WorkloadId, field_path: &str) -> Self {
        let path = open_indexes(field_path);
        let is_listed = ["containers[*].image", "initContainers[*].image"].iter().any(|list| {
            path.strip_suffix(list).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        });
        Self { id, path, is_listed }
    }
}

impl ImageEntry {
    /// An entry of a kustomization.
    pub(super) fn new(fields: ImageEntryFields, path: String) -> Self {
        Self::read(fields, path, None)
    }

    /// That of an `ImageTagTransformer`, with its fields.
    pub(super) fn of_transformer(fields: ImageEntryFields, path: String, specs: Vec<FieldSpec>) -> Self {
        Self::read(fields, path, Some(specs))
    }

    fn read(fields: ImageEntryFields, path: String, fields_of_transformer: Option<Vec<FieldSpec>>) -> Self {
        // The name is part of the expression, as it is for Kustomize: its dots match any character.
        let expression = format!(
            "^{}(:[a-zA-Z0-9_.{{}}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{{}}-]*)?$",
            fields.name
        );
        let matching = RegexBuilder::new(&expression).size_limit(MAX_EXPRESSION).build().ok();
        Self { sets: fields.set_image(), matching, fields, path, fields_of_transformer }
    }

    /// How often Kustomize applies the entry to the image at a place. It has two filters: one takes `containers` and
    /// `initContainers` anywhere in an object (api/filters/imagetag/legacy.go), the other takes the fields above, or those of
    /// the transformer. A new name or tag is the same after the second time, but a `tagSuffix` is added twice.
    pub(super) fn times_applied(&self, place: &ImagePlace<'_>) -> usize {
        let is_in_fields = match &self.fields_of_transformer {
            None => FIELD_SPECS.contains(&place.path.as_str()),
            Some(specs) => {
                let path = place.path.replace("[*]", "");
                specs.iter().any(|spec| spec.path == path && spec.is_of(place.id))
            }
        };
        usize::from(place.is_listed) + usize::from(is_in_fields)
    }

    /// The image in place of this one, if the entry is for it.
    pub(super) fn replace(&self, image: &str) -> Option<String> {
        if !self.matching.as_ref()?.is_match(image) {
            return None;
        }
        let (name, tag, digest) = split(image);
        let ImageEntryFields { new_name, new_tag, tag_suffix, digest: new_digest, .. } = &self.fields;
        let name = if new_name.is_empty() { name } else { new_name };
        let (tag, digest) = match (new_tag.as_str(), new_digest.as_str()) {
            ("", "") if tag_suffix.is_empty() => (tag.to_owned(), digest),
            ("", "") => (format!("{tag}{tag_suffix}"), ""),
            (tag, digest) => (tag.to_owned(), digest),
        };
        let mut replaced = name.to_owned();
        for (sign, part) in [(':', tag.as_str()), ('@', digest)] {
            if !part.is_empty() {
                replaced.push(sign);
                replaced.push_str(part);
            }
        }
        Some(replaced)
    }
}

/// Name, tag and digest. A port is no tag, because Kustomize searches behind the first slash.
fn split(image: &str) -> (&str, &str, &str) {
    let searched = image.find('/').unwrap_or(0);
    let (name_end, rest) = match image[searched..].find([':', '@']) {
        Some(at) => (searched + at, &image[searched + at..]),
        None => return (image, "", ""),
    };
    let name = &image[..name_end];
    if let Some(digest) = rest.strip_prefix('@') {
        return (name, "", digest);
    }
    let tagged = rest.trim_start_matches(':');
    let (tag, digest) = tagged.split_once('@').unwrap_or((tagged, ""));
    (name, tag, digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use crate::yaml::{Documents, Limits, Node, Source};

    fn replaced(entries: &str, image: &str) -> Vec<Option<String>> {
        let source = Source::utf8(entries);
        let document = Documents::new(&source, Limits::default()).next().unwrap().unwrap();
        let read = |entry: Node<'_, '_>| ImageEntryFields::read(entry, "images[0]", &mut Manifest::default());
        let entry = |fields| ImageEntry::new(fields, String::new());
        let entries: Vec<ImageEntry> = document.root().items().map(read).map(entry).collect();
        entries.iter().map(|entry| entry.replace(image)).collect()
    }

    /// `kubectl kustomize` gives each of these; e2e compares more of them.
    #[test]
    fn entries_replace_what_kustomize_replaces() {
        let long = "registry.example.com/team/".to_owned() + &"a.b-c/".repeat(38) + "d";
        for (entry, image, expected) in [
            ("{name: web, newName: example.com/web, newTag: '2'}", "web", "example.com/web:2"),
            ("{name: web, newTag: '2'}", "web@sha256:aa", "web:2"),
            ("{name: web, newTag: '2'}", "web:1@sha256:aa", "web:2"),
            ("{name: web, digest: 'sha256:bb'}", "web:1", "web@sha256:bb"),
            ("{name: web, newTag: '3', digest: 'sha256:bb'}", "web:1", "web:3@sha256:bb"),
            ("{name: web, newName: other}", "web:1@sha256:aa", "other:1@sha256:aa"),
            ("{name: web, tagSuffix: -x}", "web:1", "web:1-x"),
            ("{name: web, tagSuffix: -x}", "web@sha256:aa", "web:-x"),
            ("{name: w.b, newTag: '3'}", "wxb", "wxb:3"),
            ("{name: 'web:1', newTag: '5'}", "web:1", "web:5"),
            ("{name: 'host:5000/web', newTag: '5'}", "host:5000/web", "host:5000/web:5"),
            ("{name: 'web|api', newTag: '5'}", "api:1", "api:5"),
            (
                format!("{{name: '{long}', newTag: '5'}}").as_str(),
                long.as_str(),
                format!("{long}:5").as_str(),
            ),
        ] {
            assert_eq!(
                replaced(&format!("[{entry}]"), image),
                [Some(expected.to_owned())],
                "{entry} {image}"
            );
        }
        for (entry, image) in [
            ("{name: web, newTag: '2'}", "docker.io/web:1"),
            ("{name: web, newTag: '2'}", "webs"),
            ("{newTag: '2'}", "web"),
            ("{name: '[', newTag: '2'}", "["),
            ("{name: 'a{1000}{1000}', newTag: '2'}", "a"),
            ("{name: web, newTag: '2'}", "web:a b"),
        ] {
            assert_eq!(replaced(&format!("[{entry}]"), image), [None], "{entry} {image}");
        }
    }

    #[test]
    fn an_entry_is_applied_where_kustomize_looks() {
        let entry = ImageEntry::new(ImageEntryFields::default(), String::new());
        let id = WorkloadId {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: None,
            name: "web".into(),
        };
        for (path, times) in [
            ("spec.template.spec.containers[0].image", 2),
            ("spec.initContainers[10].image", 2),
            ("spec.jobTemplate.spec.template.spec.containers[0].image", 1),
            ("containers[0].image", 1),
            ("spec.volumes[0].image.reference", 1),
            ("spec.jobTemplate.spec.template.spec.volumes[0].image.reference", 0),
            ("spec.template.spec.ephemeralContainers[0].image", 0),
            ("spec.steps[0].image", 0),
            ("spec.mycontainers[0].image", 0),
        ] {
            assert_eq!(entry.times_applied(&ImagePlace::new(&id, path)), times, "{path}");
        }
    }
}
