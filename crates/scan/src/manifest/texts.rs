//! Images in texts that are manifests, patches, values, lists, settings or scripts: they are counted.

use memchr::{memchr, memchr3};

use super::image_fields::{self, Naming};
use super::image_parts::ImageParts;
use super::search;
use crate::yaml::{Documents, Limits, Source, Value, YamlError};

/// Limits of a text with so many texts around it. Trees in trees take as much stack as one of all their levels.
pub(super) fn limits(depth: usize) -> Limits {
    let levels = if depth == 0 { 128 } else { 32 };
    Limits { bytes: 1 << 20, documents: 100, nodes: 50_000, depth: levels }
}

/// Most texts around each other in which manifests are looked for. Deeper, lines are.
pub(super) const MAX_DEPTH: usize = 5;

/// Whether a search has to look at a text: it has several lines or words, or sets something.
pub(super) fn may_hold_image(text: &str) -> bool {
    (memchr3(b'\n', b' ', b'=', text.as_bytes()).is_some() || text.starts_with(['{', '[', '-']))
        && image_fields::may_name_image(text)
}

/// The number of images that a text names. `depth` is the number of texts around it.
pub(super) fn images_in(text: &str, depth: usize) -> u64 {
    if !may_hold_image(text) {
        return 0;
    }
    let is_explicit = text.trim_start().starts_with(['{', '[']) || memchr(b'\n', text.as_bytes()).is_some();
    if depth >= MAX_DEPTH || !is_explicit && !text.contains(": ") {
        return images_in_lines(text, false);
    }
    let (mut count, mut is_unread, mut is_template) = (0, false, false);
    let source = Source::utf8(text);
    for document in Documents::new(&source, limits(depth)) {
        match document {
            Ok(document) => match document.root().value() {
                // A line can be a title: a field of it names an image where its value says a version or a registry.
                Value::Mapping | Value::Sequence => {
                    count += search::count(document.root(), depth + 1, !is_explicit);
                }
                _ => is_unread = true,
            },
            Err(located) => {
                is_unread = true;
                is_template |=
                    is_explicit && (located.error == YamlError::TemplateAction || located.error.is_fatal());
            }
        }
    }
    if is_unread { count.max(images_in_lines(text, is_template)) } else { count }
}

/// The number of images that lines of a text name: fields `key: image`, settings `key=image` and flags such as `--image image`.
/// `is_template` says that what runs is not known before it is rendered, so that a field `image` names an image whatever its
/// value is.
pub(super) fn images_in_lines(text: &str, is_template: bool) -> u64 {
    let mut settings = Settings::default();
    let mut count = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !image_fields::may_name_image(line) {
            continue;
        }
        match field(line) {
            Some((naming, "")) if naming.is_one() => {
                let names_part = |next: &&str| indent(next) > indent(line) && is_part(next);
                count += u64::from(is_template && lines.peek().is_some_and(names_part));
            }
            Some((naming, value)) => {
                let is_image = is_template && naming == Naming::Image || image_fields::is_image(value);
                count += u64::from(naming.is_one() && is_image);
            }
            None => settings.read(line),
        }
    }
    count + settings.count()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The naming and the value of a line `key: value`.
fn field(line: &str) -> Option<(Naming, &str)> {
    const QUOTES: [char; 2] = ['"', '\''];
    let (key, value) = line.trim_start().trim_start_matches("- ").trim_start().split_once(':')?;
    let naming = Naming::of(key.trim_matches(QUOTES));
    let value = value.trim().trim_end_matches(',').trim_matches(QUOTES);
    let value = if value.starts_with('#') { "" } else { value };
    (naming != Naming::Other).then_some((naming, value))
}

fn is_part(line: &str) -> bool {
    let key = line.trim_start().split(':').next().unwrap_or_default();
    matches!(key, "digest" | "name" | "registry" | "repo" | "repository" | "tag" | "version")
}

/// Images of flags, variables and properties.
#[derive(Default)]
struct Settings<'t> {
    images: u64,
    /// What can be parts of images, such as `image.tag=1.2`.
    parts: Vec<(&'t str, &'t str)>,
}

impl<'t> Settings<'t> {
    /// Reads what a line sets: `key=value`, `key = value` and `--key value`, each also among other words.
    fn read(&mut self, line: &'t str) {
        let mut key: Option<&str> = None;
        let mut last = "";
        for word in line.split_ascii_whitespace() {
            if matches!(word, "=" | ":=") {
                key = Some(last);
            } else if let Some(key) = key.take() {
                self.set(key, word);
            } else if let Some((name, value)) = word.split_once('=') {
                if value.is_empty() {
                    key = Some(name);
                } else {
                    self.set(name, value);
                }
            } else if last.starts_with('-') {
                self.set(last, word);
            }
            last = word;
        }
    }

    /// `value` can go on with other settings behind a comma, as that of `--set` of Helm.
    fn set(&mut self, mut key: &'t str, value: &'t str) {
        const QUOTES: [char; 5] = ['"', '\'', '`', ';', '\\'];
        for piece in value.split(',') {
            let mut value = piece;
            if let Some((next, set)) = piece.split_once('=') {
                (key, value) = (next, set);
            }
            let (name, value) = (flag_name(key), value.trim_matches(QUOTES));
            match Naming::of(name) {
                Naming::Other => self.parts.push((name, value)),
                _ => self.images += u64::from(image_fields::is_image(value)),
            }
        }
    }

    fn count(self) -> u64 {
        let mut parts = ImageParts::new();
        for (key, value) in self.parts {
            if !value.is_empty() {
                parts.add(key, (), || image_fields::is_meant_as_image(value));
            }
        }
        self.images + u64::try_from(parts.found().count()).unwrap_or(u64::MAX)
    }
}

/// The name of a flag or of a variable.
pub(super) fn flag_name(key: &str) -> &str {
    let name = key.trim_start_matches(['-', '"', '\'']);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.bytes().all(is_name) { name } else { "" }
}
