//! The `imageID` of a container's status.

use thiserror::Error;

use crate::reference::Reference;

/// cri-dockerd writes this before an image that a registry knows.
const DOCKER_PULLABLE: &str = "docker-pullable://";
/// And this before one that was built or loaded on the node.
const DOCKER: &str = "docker://";

/// Why an `imageID` says nothing about what a reference resolved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Discarded {
    /// The kubelet has not filled it in yet.
    #[error("it is empty")]
    Empty,
    /// It is the digest of an image's configuration, which differs from one runtime to the next and is comparable
    /// with nothing.
    #[error("it is the id of an image's configuration")]
    ConfigId,
    /// It names another repository than the pod does: the image was tagged or loaded under a second name.
    #[error("it names another repository")]
    OtherRepository,
    /// It is none of the forms that container runtimes write.
    #[error("it has no form that a container runtime writes")]
    Malformed,
    /// The pod names a digest itself, which cannot move.
    #[error("the pod itself names a digest")]
    ByDigest,
}

/// The manifest digest `algorithm:hex` that a tag resolved to on a node; `reference` is what the pod's spec names.
/// `status.image` is no substitute for that: runtimes write any name there that they know the image by.
pub fn manifest_digest(image_id: &str, reference: &Reference) -> Result<String, Discarded> {
    if reference.digest().is_some() {
        return Err(Discarded::ByDigest);
    }
    if image_id.is_empty() {
        return Err(Discarded::Empty);
    }
    let image_id = image_id.strip_prefix(DOCKER_PULLABLE).unwrap_or(image_id);
    if is_config_id(image_id) {
        return Err(Discarded::ConfigId);
    }
    let resolved = Reference::parse(image_id).map_err(|_| Discarded::Malformed)?;
    let digest = resolved.digest().ok_or(Discarded::Malformed)?;
    if resolved.name() == reference.name() { Ok(digest.to_owned()) } else { Err(Discarded::OtherRepository) }
}

/// `docker://sha256:<hex>`, `sha256:<hex>` (containerd, for an image without a repository) and a bare hex id (CRI-O).
fn is_config_id(image_id: &str) -> bool {
    let id = image_id.strip_prefix(DOCKER).unwrap_or(image_id);
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    image_id.starts_with(DOCKER) || (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(image_id: &str, image: &str) -> Result<String, Discarded> {
        manifest_digest(image_id, &Reference::parse(image).unwrap())
    }

    #[test]
    fn each_runtime_says_it_in_its_own_way() {
        let d = format!("sha256:{}", "a".repeat(64));
        for (image_id, image) in [
            (format!("docker.io/library/nginx@{d}"), "nginx:1.27"),
            (format!("docker-pullable://nginx@{d}"), "nginx"),
            (format!("docker-pullable://docker.io/library/nginx@{d}"), "docker.io/library/nginx:1.27"),
            (format!("localhost:5000/a/b@{d}"), "localhost:5000/a/b:1"),
            (format!("registry.example/a:1@{d}"), "registry.example/a:1"),
        ] {
            assert_eq!(digest(&image_id, image), Ok(d.clone()), "{image_id}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_discarded() {
        let hex = "a".repeat(64);
        for (image_id, image, why) in [
            (String::new(), "nginx:1", Discarded::Empty),
            (format!("sha256:{hex}"), "nginx:1", Discarded::ConfigId),
            (hex.clone(), "nginx:1", Discarded::ConfigId),
            (format!("docker://sha256:{hex}"), "nginx:1", Discarded::ConfigId),
            (format!("docker-pullable://sha256:{hex}"), "nginx:1", Discarded::ConfigId),
            (format!("mirror.example/nginx@sha256:{hex}"), "nginx:1", Discarded::OtherRepository),
            (format!("nginx@sha256:{hex}"), "grafana/nginx:1", Discarded::OtherRepository),
            ("nginx:1".to_owned(), "nginx:1", Discarded::Malformed),
            (format!("nginx@sha256:{}", &hex[1..]), "nginx:1", Discarded::Malformed),
            ("nginx@".to_owned(), "nginx:1", Discarded::Malformed),
            (format!("nginx@sha256:{hex}"), &format!("nginx@sha256:{hex}"), Discarded::ByDigest),
        ] {
            assert_eq!(digest(&image_id, image), Err(why), "{image_id}");
        }
    }
}
