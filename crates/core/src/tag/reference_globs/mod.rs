//! Globs over references: the policy's `immutable` list, and the images that an exemption or an override is for.

mod alternatives;
mod check;

use thiserror::Error;

use crate::glob::{Glob, GlobError, Globs, Style, check_size, parse};
use crate::reference::{DOCKER_HUB, DOCKER_HUB_LEGACY, OFFICIAL_NAMESPACE, Reference, is_meant_as_host};
use crate::text::UntrustedText;
use alternatives::{MAX_ALTERNATIVES, alternatives};

/// Globs over references, each written like an image: `registry/repository[:tag]`.
///
/// - `*`, `?` and `[…]` stay within one path element, `**` crosses them. So `registry.corp/` never matches in
///   `registry.corp-evil/`. `{a,b}` stands for two globs, each of which has to be one.
/// - A name that ends with `/` means everything below it: `registry.corp/`, `registry.corp/team/`.
/// - A glob without a tag matches every tag. An image without a tag has the tag `latest`.
/// - What is no registry is Docker Hub's, as in an image: `nginx:1.*` is `docker.io/library/nginx:1.*`,
///   `bitnami/` is `docker.io/bitnami/`. A first element of stars alone is any registry: `**/release:*`, `*:v*`.
/// - In a registry a star stands for the first labels alone: `*.corp.example/`.
#[derive(Debug, Clone, Default)]
pub struct ReferenceGlobs(Vec<ReferenceGlob>);

impl ReferenceGlobs {
    /// Compiles a list of globs; the first bad one is the error.
    pub fn new<I>(globs: I) -> Result<Self, InvalidGlob>
    where
        I: IntoIterator,
        I::Item: Into<UntrustedText>,
    {
        let mut compiled = Self::default();
        let mut known = Globs::default();
        for glob in globs {
            compiled.add(glob, &mut known)?;
        }
        Ok(compiled)
    }

    pub(crate) fn add(
        &mut self,
        glob: impl Into<UntrustedText>,
        known: &mut Globs,
    ) -> Result<(), InvalidGlob> {
        let written = glob.into();
        match compile(written.raw(), known) {
            Ok(alternatives) => self.0.push(ReferenceGlob { written, alternatives }),
            Err(reason) => return Err(InvalidGlob { glob: written, reason }),
        }
        Ok(())
    }

    /// Whether the list is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an entry matches; one without a tag matches a reference by digest alone too.
    pub(crate) fn cover(&self, reference: &Reference) -> bool {
        let (name, tag) = (reference.name(), reference.tag_or_default());
        self.0.iter().any(|glob| glob.matches(&name, tag))
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The indexes of the entries that match, as [`Self::cover`] asks of one.
    pub(crate) fn matching(&self, reference: &Reference) -> impl Iterator<Item = usize> {
        let name = if self.0.is_empty() { String::new() } else { reference.name() };
        let tag = reference.tag_or_default();
        let matching = self.0.iter().enumerate().filter(move |(_, glob)| glob.matches(&name, tag));
        matching.map(|(index, _)| index)
    }

    /// The first entry that matches, as it was written.
    pub(super) fn find(&self, reference: &Reference) -> Option<&UntrustedText> {
        if self.0.is_empty() {
            return None;
        }
        let name = reference.name();
        let tag = reference.tag_or_default()?;
        self.0.iter().find(|glob| glob.matches(&name, Some(tag))).map(|glob| &glob.written)
    }
}

/// An entry of the list that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the glob `{}` is invalid: {reason}", shown(.glob))]
pub struct InvalidGlob {
    /// The entry as written.
    pub glob: UntrustedText,
    /// What is wrong with it.
    pub reason: InvalidGlobReason,
}

/// The head of a glob, enough to identify it.
fn shown(glob: &UntrustedText) -> String {
    const MOST: usize = 80;
    let raw = glob.raw();
    if raw.len() <= MOST {
        return glob.terminal();
    }
    let begin = &raw[..raw.floor_char_boundary(MOST)];
    format!("{}…", UntrustedText::from(begin).terminal())
}

/// Why a glob is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum InvalidGlobReason {
    /// Nothing before the tag, or nothing at all.
    #[error(
        "it names no repository; expected registry/repository[:tag], such as registry.example.com/team/*:v*"
    )]
    NoName,
    /// A `:` with nothing behind it.
    #[error("no tag follows the `:`; expected a glob of tags, or no `:`")]
    NoTag,
    /// A wildcard in a registry's name behind its first labels.
    #[error(
        "its registry has no boundary, so it matches hosts of strangers too (`corp.example*` matches \
         corp.example.evil.test); write the host out, or only its subdomains as `*.corp.example`"
    )]
    NoBoundary,
    /// A registry with nothing behind it, which would be an image of Docker Hub.
    #[error("it names a registry and no repository; did you mean {0}/?")]
    NoRepository(String),
    #[error("a reference has no scheme; write it without {0}://")]
    Scheme(String),
    /// A character that no reference holds in that place, so that the glob would match nothing. Safe for a terminal.
    #[error("no {place} of an image holds `{character}`, so it would match nothing")]
    Character { place: &'static str, character: String },
    /// Two slashes, or one at the beginning.
    #[error("an element between its slashes is empty, so it would match nothing")]
    EmptyElement,
    /// An `@`, which starts a digest.
    #[error(
        "it names a digest; expected registry/repository[:tag], as a digest is immutable without an entry"
    )]
    Digest,
    /// Its braces stand for too many globs.
    #[error("its braces stand for more than {MAX_ALTERNATIVES} globs")]
    Alternatives,
    #[error("{0}; expected *, **, ?, [a-z] and {{a,b}}")]
    Syntax(GlobError),
    #[error(transparent)]
    Size(GlobError),
}

impl From<GlobError> for InvalidGlobReason {
    fn from(error: GlobError) -> Self {
        match error {
            GlobError::Syntax(_) => Self::Syntax(error),
            _ => Self::Size(error),
        }
    }
}

#[derive(Debug, Clone)]
struct ReferenceGlob {
    written: UntrustedText,
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone)]
struct Alternative {
    name: Glob,
    tag: Option<Glob>,
}

impl ReferenceGlob {
    /// An image by digest alone has no tag, and is matched by what asks for none.
    fn matches(&self, name: &str, tag: Option<&str>) -> bool {
        self.alternatives.iter().any(|alternative| {
            let of_tag = match (&alternative.tag, tag) {
                (None, _) => true,
                (Some(glob), Some(tag)) => glob.is_match(tag),
                (Some(_), None) => false,
            };
            of_tag && alternative.name.is_match(name)
        })
    }
}

fn compile(written: &str, known: &mut Globs) -> Result<Vec<Alternative>, InvalidGlobReason> {
    check_size(written)?;
    if written.contains('@') {
        return Err(InvalidGlobReason::Digest);
    }
    parse(written, Style::Path)?;
    let mut compiled = Vec::new();
    for alternative in alternatives(written)? {
        let (name, tag) = split_tag(&alternative);
        check::name(name, tag, written)?;
        tag.map_or(Ok(()), check::tag)?;
        let name = known.compile(&normalize(name), Style::Path)?;
        let tag = tag.map(|tag| known.compile(tag, Style::Path)).transpose()?;
        compiled.push(Alternative { name, tag });
    }
    Ok(compiled)
}

/// A `:` before the last `/` belongs to a registry's port.
fn split_tag(written: &str) -> (&str, Option<&str>) {
    let last_element = written.rfind('/').map_or(0, |slash| slash + 1);
    match written.get(last_element..).and_then(|element| element.find(':')) {
        Some(colon) => {
            let (name, tag) = written.split_at(last_element + colon);
            (name, tag.strip_prefix(':'))
        }
        None => (written, None),
    }
}

/// Fills in what [`Reference`] fills in: Docker Hub, and its namespace of official images.
fn normalize(name: &str) -> String {
    let is_any = |element: &str| matches!(element, "*" | "**");
    let name = if name.ends_with('/') { format!("{name}**") } else { name.to_owned() };
    let (registry, path) = match name.split_once('/') {
        None if is_any(&name) => return "**".to_owned(),
        Some((first, _)) if is_any(first) => return name,
        Some((DOCKER_HUB_LEGACY, path)) => (DOCKER_HUB, path),
        Some((first, path)) if is_meant_as_host(first) => (first, path),
        _ => (DOCKER_HUB, name.as_str()),
    };
    let official = registry == DOCKER_HUB && !path.contains('/') && path != "**";
    let namespace = if official { OFFICIAL_NAMESPACE } else { "" };
    // The brackets of an IPv6 address are no character class.
    let is_ipv6 = registry.starts_with('[') && registry.contains(':');
    let registry = if is_ipv6 { globset::escape(registry) } else { registry.to_owned() };
    format!("{registry}/{namespace}{path}")
}

#[cfg(test)]
mod tests;
