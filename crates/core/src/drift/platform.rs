//! What decides which manifest of an index a node runs, and which of its digests the runtime names.

/// Operating system, architecture and family of the container runtime of a node. Digests that one reference
/// resolved to are comparable on nodes that have all three in common: of one index, nodes of another architecture
/// run another manifest, and one runtime names the index where another names the manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform(Box<str>);

impl Platform {
    /// From a node's `status.nodeInfo`; `runtime` is its `containerRuntimeVersion`, such as `containerd://2.1.4`.
    /// `None` where one of them is missing.
    pub fn new(os: &str, arch: &str, runtime: &str) -> Option<Self> {
        let (family, _version) = runtime.split_once("://")?;
        let parts = [os, arch, family];
        parts.iter().all(|part| !part.is_empty()).then(|| Self(parts.join("/").into()))
    }

    /// The platform as text: operating system, architecture and runtime, such as `linux/amd64/containerd`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a node of it that lists two images has two configurations, and so two manifests. `status.images` of a node
    /// has an entry for each image id of its runtime. For containerd (`internal/cri/store/image`) and CRI-O
    /// (`containers/storage`) that is the digest of the configuration, so indexes with equal manifests share an entry.
    /// For Docker it is the digest of the index where it uses the image store of containerd, the default since Docker
    /// Engine 29.
    pub fn lists_configurations(&self) -> bool {
        self.0.rsplit('/').next().is_some_and(|family| ["containerd", "cri-o"].contains(&family))
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let is_whole = text.split('/').count() == 3 && text.split('/').all(|part| !part.is_empty());
        is_whole.then(|| Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_the_runtime_makes_no_other_platform() {
        let one = Platform::new("linux", "arm64", "containerd://1.7.28").unwrap();
        assert_eq!(Platform::new("linux", "arm64", "containerd://2.1.4"), Some(one.clone()));
        assert_ne!(Platform::new("linux", "arm64", "cri-o://1.34.0"), Some(one.clone()));
        assert_eq!(one.as_str(), "linux/arm64/containerd");
        assert_eq!(Platform::parse(one.as_str()), Some(one));
    }

    #[test]
    fn only_some_runtimes_list_an_image_for_each_configuration() {
        for (runtime, expected) in [
            ("containerd://2.1.4", true),
            ("cri-o://1.34.0", true),
            ("docker://29.0.1", false),
            ("other://1.0.0", false),
        ] {
            let platform = Platform::new("linux", "amd64", runtime).unwrap();
            assert_eq!(platform.lists_configurations(), expected, "{runtime}");
        }
    }

    #[test]
    fn a_node_without_platform_fields_has_no_platform() {
        assert_eq!(Platform::new("linux", "arm64", ""), None);
        assert_eq!(Platform::new("", "arm64", "containerd://2.1.4"), None);
        assert_eq!(Platform::parse("linux/arm64"), None);
        assert_eq!(Platform::parse("linux//containerd"), None);
    }
}
