//! Who moves tags of two numbers, and who never moves a version: data, with the source of each entry.
//!
//! A version of two numbers is a line of releases for these publishers (`nginx:1.27`), and a full version for others
//! (`jenkins/jenkins:2.516`): the tag alone does not show which.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::named;
use crate::reference::{DOCKER_HUB, Reference};

/// Repositories of a publisher.
#[derive(Debug)]
struct Publisher {
    registry: &'static str,
    /// The path elements that the repository starts with, or the whole repository; empty for all of the registry.
    path: &'static str,
}

impl Publisher {
    /// A path matches whole elements: `dotnet` is not `dotnet-samples`.
    fn has(&self, reference: &Reference) -> bool {
        let rest = reference.repository().strip_prefix(self.path);
        reference.registry().eq_ignore_ascii_case(self.registry)
            && rest.is_some_and(|rest| self.path.is_empty() || rest.is_empty() || rest.starts_with('/'))
    }
}

/// Publishers that move their tags of two numbers to the newest release of that line.
const MOVERS: &[Publisher] = &[
    // Docker Official Images: <https://github.com/docker-library/faq#tags-and-aliases>. The registries below hold
    // the same images: the host that Docker Hub is pulled from, Amazon's copy
    // (<https://aws.amazon.com/blogs/containers/docker-official-images-now-available-on-amazon-elastic-container-registry-public/>),
    // and Google's cache (<https://cloud.google.com/artifact-registry/docs/pull-cached-dockerhub-images>).
    Publisher { registry: DOCKER_HUB, path: "library" },
    Publisher { registry: "registry-1.docker.io", path: "library" },
    Publisher { registry: "public.ecr.aws", path: "docker/library" },
    Publisher { registry: "mirror.gcr.io", path: "library" },
    // Bitnami, "Rolling tags": <https://docs.bitnami.com/tutorials/understand-rolling-tags-containers/>.
    Publisher { registry: DOCKER_HUB, path: "bitnami" },
    Publisher { registry: "public.ecr.aws", path: "bitnami" },
    // Selenium, "Tagging Convention": <https://github.com/SeleniumHQ/docker-selenium/wiki/Tagging-Convention>.
    Publisher { registry: DOCKER_HUB, path: "selenium" },
    // .NET, "floating version" tags:
    // <https://github.com/dotnet/dotnet-docker/blob/main/documentation/supported-tags.md>.
    Publisher { registry: "mcr.microsoft.com", path: "dotnet" },
    // Red Hat, "Static tags" (X.Y-Z) and "Floating tags":
    // <https://redhat-connect.gitbook.io/catalog-help/container-images/container-image-details/image-tags-and-versions>.
    Publisher { registry: "registry.access.redhat.com", path: "" },
    Publisher { registry: "registry.redhat.io", path: "" },
    // AWS Lambda base images, one tag for each runtime: <https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>.
    Publisher { registry: "public.ecr.aws", path: "lambda" },
    // uv, "Available images": <https://docs.astral.sh/uv/guides/integration/docker/>.
    Publisher { registry: "ghcr.io", path: "astral-sh/uv" },
];

/// Registries whose tags never move: the promoter of Kubernetes refuses to overwrite one
/// (<https://github.com/kubernetes/registry.k8s.io>,
/// <https://github.com/kubernetes-sigs/promo-tools/blob/main/docs/image-promotion.md>). `k8s.gcr.io` is the name that it
/// had, frozen since 2023 (<https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/>).
const KUBERNETES_REGISTRY: &[Publisher] =
    &[Publisher { registry: "registry.k8s.io", path: "" }, Publisher { registry: "k8s.gcr.io", path: "" }];

/// Whether the publisher of an image is known to move tags of two numbers.
pub(super) fn moves_two_numbers(reference: &Reference) -> bool {
    MOVERS.iter().any(|publisher| publisher.has(reference))
}

/// Publishers who never push a version again, so that their full and partial versions are declared immutable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImmutablePreset {
    /// `registry.k8s.io`, whose promoter refuses to move a tag.
    KubernetesRegistry,
}

named!(ImmutablePreset {
    KubernetesRegistry => "kubernetes-registry",
});

impl ImmutablePreset {
    pub(super) fn has(self, reference: &Reference) -> bool {
        let publishers = match self {
            Self::KubernetesRegistry => KUBERNETES_REGISTRY,
        };
        publishers.iter().any(|publisher| publisher.has(reference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(image: &str) -> Reference {
        Reference::parse(image).expect(image)
    }

    #[test]
    fn publishers_end_at_an_element_of_the_path() {
        for (image, expected) in [
            ("nginx:1.27", true),
            ("index.docker.io/library/nginx:1.27", true),
            ("public.ecr.aws/docker/library/nginx:1.27", true),
            ("public.ecr.aws/docker/nginx:1.27", false),
            ("bitnami/redis:7.2", true),
            ("bitnamilegacy/redis:7.2", false),
            ("mcr.microsoft.com/dotnet/aspnet:8.0", true),
            ("mcr.microsoft.com/dotnet-samples/x:8.0", false),
            ("mcr.microsoft.com.evil.test/dotnet/aspnet:8.0", false),
            ("registry.access.redhat.com/ubi8/ubi:8.9", true),
            ("ghcr.io/astral-sh/uv:0.5", true),
            ("ghcr.io/astral-sh/ruff:0.5", false),
            ("jenkins/jenkins:2.516", false),
            ("registry.example.com/library/nginx:1.27", false),
        ] {
            assert_eq!(moves_two_numbers(&reference(image)), expected, "{image}");
        }
    }

    #[test]
    fn the_kubernetes_registry_is_a_host() {
        let has = |image: &str| ImmutablePreset::KubernetesRegistry.has(&reference(image));
        assert!(has("registry.k8s.io/pause:3.9") && has("k8s.gcr.io/coredns/coredns:v1.8.6"));
        for other in ["registry.k8s.io.evil.test/pause:3.9", "gcr.io/registry.k8s.io/pause:3.9", "pause:3.9"]
        {
            assert!(!has(other), "{other}");
        }
    }
}
