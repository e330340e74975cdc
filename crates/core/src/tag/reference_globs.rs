//! Globs over references: the policy's `immutable` list, and the images that an exemption or an override is for.

use globset::{GlobBuilder, GlobMatcher};
use thiserror::Error;

use crate::reference::{DOCKER_HUB, DOCKER_HUB_LEGACY, OFFICIAL_NAMESPACE, Reference, is_meant_as_host};
use crate::text::UntrustedText;

/// Globs over references, each written like an image: `registry/repository[:tag]`.
///
/// - `*`, `?`, `[…]` and `{a,b}` stay within one path element, `**` crosses them. So `registry.corp/` never
///   matches in `registry.corp-evil/`.
/// - A name that ends with `/` means everything below it: `registry.corp/`, `registry.corp/team/`.
/// - Without a tag every tag is meant. An image without a tag counts as tagged `latest`.
/// - What is no registry is Docker Hub's, as in an image: `nginx:1.*` is `docker.io/library/nginx:1.*`,
///   `bitnami/` is `docker.io/bitnami/`. A first element of stars alone is any registry: `**/release:*`, `*:v*`.
#[derive(Debug, Clone, Default)]
pub struct ReferenceGlobs(Vec<ReferenceGlob>);

impl ReferenceGlobs {
    /// Compiles a list of globs; the first bad one is the error.
    pub fn new<I>(globs: I) -> Result<Self, InvalidGlob>
    where
        I: IntoIterator,
        I::Item: Into<UntrustedText>,
    {
        globs.into_iter().map(|glob| ReferenceGlob::new(glob.into())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the list is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an entry matches; one without a tag matches a reference by digest alone too.
    pub(crate) fn cover(&self, reference: &Reference) -> bool {
        let (name, tag) = (reference.name(), reference.tag_or_default());
        self.0.iter().any(|glob| match tag {
            Some(tag) => glob.matches(&name, tag),
            None => glob.tag.is_none() && glob.name.is_match(&name),
        })
    }

    /// The first entry that matches, as it was written.
    pub(super) fn find(&self, reference: &Reference) -> Option<&UntrustedText> {
        if self.0.is_empty() {
            return None;
        }
        let name = reference.name();
        let tag = reference.tag_or_default()?;
        self.0.iter().find(|glob| glob.matches(&name, tag)).map(|glob| &glob.written)
    }
}

/// An entry of the list that is no glob of references.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the glob `{}` is invalid: {reason}", .glob.terminal())]
pub struct InvalidGlob {
    /// The entry as written.
    pub glob: UntrustedText,
    /// What is wrong with it.
    pub reason: InvalidGlobReason,
}

/// What is wrong with a glob.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidGlobReason {
    /// Nothing before the tag, or nothing at all.
    #[error(
        "it names no repository; expected registry/repository[:tag], such as registry.example.com/team/*:v*"
    )]
    NoName,
    /// A `:` with nothing behind it.
    #[error("no tag follows the `:`; expected a glob of tags, or no `:`")]
    NoTag,
    /// A star at the open end of a registry's name.
    #[error(
        "its registry has no boundary, so it matches hosts of strangers too (`corp.example*` matches \
         corp.example.evil.test); write the host out, or only its subdomains as `*.corp.example`"
    )]
    NoBoundary,
    /// An `@`.
    #[error(
        "it names a digest; expected registry/repository[:tag], as a digest is immutable without an entry"
    )]
    Digest,
    /// The glob's own syntax.
    #[error("{}; expected *, **, ?, [a-z] and {{a,b}}", .0.terminal())]
    Syntax(UntrustedText),
}

#[derive(Debug, Clone)]
struct ReferenceGlob {
    written: UntrustedText,
    name: GlobMatcher,
    tag: Option<GlobMatcher>,
}

impl ReferenceGlob {
    fn new(written: UntrustedText) -> Result<Self, InvalidGlob> {
        match Self::compile(written.raw()) {
            Ok((name, tag)) => Ok(Self { written, name, tag }),
            Err(reason) => Err(InvalidGlob { glob: written, reason }),
        }
    }

    fn compile(written: &str) -> Result<(GlobMatcher, Option<GlobMatcher>), InvalidGlobReason> {
        if written.contains('@') {
            return Err(InvalidGlobReason::Digest);
        }
        let (name, tag) = split_tag(written);
        if name.is_empty() {
            return Err(InvalidGlobReason::NoName);
        }
        if tag == Some("") {
            return Err(InvalidGlobReason::NoTag);
        }
        if name.split_once('/').is_some_and(|(first, _)| is_unbounded_host(first)) {
            return Err(InvalidGlobReason::NoBoundary);
        }
        Ok((matcher(&normalize(name))?, tag.map(matcher).transpose()?))
    }

    fn matches(&self, name: &str, tag: &str) -> bool {
        self.name.is_match(name) && self.tag.as_ref().is_none_or(|glob| glob.is_match(tag))
    }
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

/// Whether a registry's glob leaves the end of the domain open, or the beginning of a label. Stars alone mean any
/// registry, which is said openly.
fn is_unbounded_host(element: &str) -> bool {
    if !is_meant_as_host(element) || element.chars().all(|c| c == '*') {
        return false;
    }
    let host = element.rsplit_once(':').map_or(element, |(host, _)| host);
    let label = host.trim_start_matches('*');
    host.ends_with('*') || (label.len() < host.len() && !label.starts_with('.'))
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

fn matcher(glob: &str) -> Result<GlobMatcher, InvalidGlobReason> {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| InvalidGlobReason::Syntax(error.kind().to_string().into()))
}

#[cfg(test)]
mod tests;
