//! Image references: the grammar of the distribution/reference project, as kubelet and containerd use it.

use thiserror::Error;

/// A parsed image reference. Absent tag, `:latest` and digest are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Parses an image reference.
    pub fn parse(_image: &str) -> Result<Self, ReferenceError> {
        Err(ReferenceError::Empty)
    }

    /// Registry host with its port, normalised (`docker.io`).
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
            (None, None) => Some("latest"),
            (None, Some(_)) => None,
        }
    }
}

/// Why a text is no image reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// Nothing is written.
    #[error("the image is empty")]
    Empty,
}
