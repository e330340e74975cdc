//! Images that several fields, parameters or variables name by their parts, such as `image.repository` and `image.tag`.

use std::collections::BTreeMap;

/// A part of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    Version,
    Registry,
}

/// How keys end that name a part.
const PARTS: [(&str, Part); 8] = [
    ("repository", Part::Name),
    ("repo", Part::Name),
    ("name", Part::Name),
    ("tag", Part::Version),
    ("version", Part::Version),
    ("digest", Part::Version),
    ("sha", Part::Version),
    ("registry", Part::Registry),
];

/// The key of a part: `image` and `tag` of `image.tag`, `proxyImage` and `Repository` of `proxyImageRepository`.
struct PartKey<'k> {
    image: &'k str,
    part: Part,
    /// Whether a dot separates them: a path to a value of a chart.
    is_path: bool,
}

impl<'k> PartKey<'k> {
    fn of(key: &'k str) -> Option<Self> {
        // Most keys end in another way.
        if !matches!(
            key.as_bytes().last()?.to_ascii_lowercase(),
            b'a' | b'e' | b'g' | b'n' | b'o' | b't' | b'y'
        ) {
            return None;
        }
        PARTS.iter().find_map(|&(end, part)| {
            let image = strip_end(key, end)?;
            let (image, is_path) = match image.strip_suffix('.') {
                Some(image) => (image, true),
                None => (image.trim_end_matches(['_', '-']), false),
            };
            strip_end(image, "image")?;
            Some(Self { image, part, is_path })
        })
    }
}

/// The text before an end, in whichever case that is written.
fn strip_end<'k>(text: &'k str, end: &str) -> Option<&'k str> {
    let (before, ending) = text.split_at_checked(text.len().checked_sub(end.len())?)?;
    ending.eq_ignore_ascii_case(end).then_some(before)
}

/// The image of which a key names a part, such as `web.image` of `web.image.tag`.
pub(super) fn image_of(key: &str) -> Option<&str> {
    PartKey::of(key).map(|key| key.image)
}

/// What is known of an image by its parts.
#[derive(Debug)]
struct Known<A> {
    first: A,
    name: Option<A>,
    has_version: bool,
    is_path: bool,
}

/// Images of which parts were found. `A` is where a part is.
#[derive(Debug)]
pub(super) struct ImageParts<'k, A>(BTreeMap<&'k str, Known<A>>);

impl<'k, A: Copy> ImageParts<'k, A> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a part that has a value, if the key is that of one. `is_name` says whether the value can be the name of an image, and
    /// is none with a version, which names one by itself.
    pub(super) fn add(&mut self, key: &'k str, at: A, is_name: impl FnOnce() -> bool) {
        let Some(PartKey { image, part, is_path }) = PartKey::of(key) else { return };
        let known = self.0.entry(image).or_insert(Known {
            first: at,
            name: None,
            has_version: false,
            is_path: false,
        });
        known.is_path |= is_path;
        known.has_version |= part == Part::Version;
        if part == Part::Name && is_name() {
            known.name.get_or_insert(at);
        }
    }

    /// Where the images are: of fields and variables those with a name and a version, and whatever a path leads to.
    pub(super) fn found(self) -> impl Iterator<Item = A> {
        self.0.into_values().filter_map(|known| {
            if known.is_path { Some(known.first) } else { known.name.filter(|_| known.has_version) }
        })
    }
}
