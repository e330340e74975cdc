//! Image references: the grammar of the distribution/reference project, as kubelet and containerd use it.
//!
//! The crates that parse references for a registry client are of no use for checks: they fill in `latest`,
//! refuse IPv6 hosts, take digests in upper case and read `MyOrg/app` as a repository of Docker Hub.

mod digest;
mod error;
mod parse;

pub use error::ReferenceError;
pub use parse::MAX_BYTES;
pub(crate) use parse::{DOCKER_HUB, DOCKER_HUB_LEGACY, OFFICIAL_NAMESPACE, is_meant_as_host};

/// The tag that is pulled where neither a tag nor a digest is written.
const DEFAULT_TAG: &str = "latest";

/// A parsed image reference. Absent tag, `:latest` and digest are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Parses an image reference as `ParseNormalizedNamed` of distribution/reference does: Docker Hub and
    /// `library/` are filled in, a tag is not.
    ///
    /// Text longer than [`MAX_BYTES`] is refused unread, where the Go parser has a limit for the path alone.
    pub fn parse(image: &str) -> Result<Self, ReferenceError> {
        parse::parse(image).map(|spans| Self {
            registry: spans.registry.to_owned(),
            repository: [spans.namespace, spans.path].concat(),
            tag: spans.tag.map(str::to_owned),
            digest: spans.digest.map(str::to_owned),
        })
    }

    /// Registry host with its port, as written save that Docker Hub is always `docker.io`.
    ///
    /// It is empty where the first element of the name is neither a host nor a namespace of Docker Hub, such
    /// as `in_dex.example.com` with its underscore: the Go parser then takes all of the name for the path.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Repository path, normalised (`library/nginx`).
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Tag as written, if there is one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Digest `algorithm:hex`, if there is one.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The tag, or `latest` where neither a tag nor a digest is written.
    pub fn tag_or_default(&self) -> Option<&str> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(tag),
            (None, None) => Some(DEFAULT_TAG),
            (None, Some(_)) => None,
        }
    }

    /// Registry and repository, normalised: `docker.io/library/nginx`.
    pub fn name(&self) -> String {
        let separator = if self.registry.is_empty() { "" } else { "/" };
        [&self.registry, separator, &self.repository].concat()
    }

    /// One text for all ways to write the same reference, to key maps by:
    /// `docker.io/library/nginx:latest` for `nginx`, `nginx:latest` and `index.docker.io/nginx`.
    ///
    /// Unlike the fields it has the implied `latest` filled in, since a registry is asked the same for both.
    pub fn canonical(&self) -> String {
        let mut text = self.name();
        for (mark, part) in [(':', self.tag_or_default()), ('@', self.digest())] {
            if let Some(part) = part {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }

    /// Whether the registry holds an upper-case letter (`REGISTRY/app:1`, `MyOrg/app`). Such a name parses,
    /// as a host, but is more often a placeholder that was never filled in, or an organisation in wrong case.
    pub fn looks_like_placeholder_host(&self) -> bool {
        self.registry.bytes().any(|byte| byte.is_ascii_uppercase())
    }

    /// Whether the tag is an upper-case word in double underscores (`app:__TAG__`), as build pipelines write a
    /// placeholder. Such a tag parses.
    pub fn looks_like_placeholder_tag(&self) -> bool {
        self.tag.as_deref().is_some_and(parse::is_dunder)
    }
}

#[cfg(test)]
mod tests;
