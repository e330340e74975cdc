//! The policy's `immutable` list: references whose tags never move, by the user's word.

use globset::{GlobBuilder, GlobMatcher};
use thiserror::Error;

use crate::reference::Reference;
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
pub struct ImmutableGlobs(Vec<ReferenceGlob>);

impl ImmutableGlobs {
    /// Compiles a list of globs; the first bad one is the error.
    pub fn new<I>(globs: I) -> Result<Self, InvalidGlob>
    where
        I: IntoIterator,
        I::Item: Into<UntrustedText>,
    {
        globs.into_iter().map(|glob| ReferenceGlob::new(glob.into())).collect::<Result<_, _>>().map(Self)
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

/// Fills in what [`Reference`] fills in: Docker Hub, and its namespace of official images.
fn normalize(name: &str) -> String {
    let is_any = |element: &str| matches!(element, "*" | "**");
    let name = if name.ends_with('/') { format!("{name}**") } else { name.to_owned() };
    let (registry, path) = match name.split_once('/') {
        None if is_any(&name) => return "**".to_owned(),
        Some((first, _)) if is_any(first) => return name,
        Some(("index.docker.io", path)) => ("docker.io", path),
        Some((first, path)) if is_registry(first) => (first, path),
        _ => ("docker.io", name.as_str()),
    };
    let namespace =
        if registry == "docker.io" && !path.contains('/') && path != "**" { "library/" } else { "" };
    format!("{registry}/{namespace}{path}")
}

fn is_registry(element: &str) -> bool {
    element == "localhost" || element.bytes().any(|b| matches!(b, b'.' | b':') || b.is_ascii_uppercase())
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
mod tests {
    use super::*;

    fn entry_for(globs: &[&str], image: &str) -> Option<String> {
        let globs = ImmutableGlobs::new(globs.iter().copied()).expect("valid globs");
        let reference = Reference::parse(image).expect(image);
        globs.find(&reference).map(UntrustedText::terminal)
    }

    fn assert_matches(glob: &str, images: &[&str]) {
        for image in images {
            assert_eq!(entry_for(&[glob], image).as_deref(), Some(glob), "{image}");
        }
    }

    fn assert_no_match(glob: &str, images: &[&str]) {
        for image in images {
            assert_eq!(entry_for(&[glob], image), None, "{glob} on {image}");
        }
    }

    #[test]
    fn a_glob_ends_where_its_element_ends() {
        assert_matches(
            "registry.corp/",
            &["registry.corp/app:1", "registry.corp/team/app", "registry.corp/a/b/c:x"],
        );
        assert_no_match(
            "registry.corp/",
            &[
                "registry.corp-evil/app:1",
                "registry.corp.evil/app",
                "registry.corp:5000/app",
                "evil/registry.corp/app",
            ],
        );
        assert_matches("registry.corp/team/*", &["registry.corp/team/app:1"]);
        assert_no_match(
            "registry.corp/team/*",
            &["registry.corp/team/app/sub:1", "registry.corp/team-b/app:1"],
        );
        assert_matches("registry.corp/team/**", &["registry.corp/team/app/sub:1"]);
        assert_no_match("registry.corp/app", &["registry.corp/app2:1", "registry.corp/app/sub:1"]);
        assert_matches("registry.corp:5000/app", &["registry.corp:5000/app:1"]);
        assert_matches("*.corp/app", &["registry.corp/app:1"]);
        assert_no_match("*.corp/app", &["evil/x.corp/app:1"]);
    }

    #[test]
    fn a_tag_glob_covers_all_of_the_tag_and_keeps_case() {
        assert_matches("registry.corp/app:v*", &["registry.corp/app:v1", "registry.corp/app:v1.2-x"]);
        assert_no_match(
            "registry.corp/app:v*",
            &["registry.corp/app:1v", "registry.corp/app:V1", "registry.corp/app"],
        );
        assert_matches(
            "registry.corp/app:{prod,qa}-?",
            &["registry.corp/app:prod-1", "registry.corp/app:qa-2"],
        );
        assert_matches("registry.corp/app:latest", &["registry.corp/app:latest", "registry.corp/app"]);
        assert_matches("registry.corp/app", &["registry.corp/app", "registry.corp/app:anything"]);
    }

    #[test]
    fn a_name_without_registry_is_docker_hubs() {
        assert_matches("nginx:1.*", &["nginx:1.27", "docker.io/library/nginx:1.27"]);
        assert_no_match("nginx:1.*", &["registry.corp/nginx:1.27", "bitnami/nginx:1.27"]);
        assert_matches("bitnami/", &["bitnami/nginx:1", "index.docker.io/bitnami/redis:7"]);
        assert_no_match("bitnami/", &["registry.corp/bitnami/nginx:1"]);
        assert_matches("index.docker.io/nginx", &["nginx"]);
        assert_matches("docker.io/", &["nginx", "bitnami/redis"]);
        assert_matches("localhost/app", &["localhost/app:1"]);
    }

    #[test]
    fn stars_alone_are_any_registry() {
        assert_matches("*:v*", &["nginx:v1", "registry.corp:5000/a/b/c:v2"]);
        assert_matches("**/release:*", &["registry.corp/a/b/release:1", "registry.corp/release:2"]);
        assert_matches("*/app", &["registry.corp/app:1"]);
        assert_no_match("*/app", &["registry.corp/team/app:1"]);
    }

    #[test]
    fn the_first_entry_that_matches_is_named() {
        let globs = ["registry.corp/app:v*", "registry.corp/"];
        assert_eq!(entry_for(&globs, "registry.corp/app:v1").as_deref(), Some("registry.corp/app:v*"));
        assert_eq!(entry_for(&globs, "registry.corp/web").as_deref(), Some("registry.corp/"));
    }

    #[test]
    fn a_bad_glob_is_named() {
        let message = |glob: &str| ImmutableGlobs::new([glob]).expect_err(glob).to_string();
        assert_eq!(
            message("registry.corp/[a"),
            "the glob `registry.corp/[a` is invalid: unclosed character class; missing ']'; \
             expected *, **, ?, [a-z] and {a,b}"
        );
        assert!(message("").contains("names no repository"));
        assert!(message(":v1").contains("names no repository"));
        assert!(message("app:").contains("no tag follows"));
        assert!(message("app@sha256:*").contains("names a digest"));
        assert!(message("a\u{1b}[2J{").contains("`a\\u{1b}[2J{`"));
        assert!(!message("a:[\u{9b}-\u{1b}]").contains(char::is_control));
    }
}
