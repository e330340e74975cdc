//! Which resources an API server serves, from its discovery documents.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use kube_core::discovery::ApiResource;
use kube_core::discovery::v2::{APIGroupDiscoveryList, APIResourceDiscovery};
use tagwatch_core::kinds::{KindName, WorkloadKind};

/// A version of a kind that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ServedVersion {
    version: String,
    plural: String,
}

/// The namespaced kinds that an API server serves and that can be watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedKinds {
    kinds: BTreeMap<KindName, Vec<ServedVersion>>,
    /// Groups with a version of which the API server itself does not know what is served: an aggregated server
    /// behind it does not answer.
    stale: Vec<String>,
}

impl ServedKinds {
    /// Reads the aggregated document of `/apis`.
    pub fn aggregated(list: &APIGroupDiscoveryList) -> Self {
        let mut served = Self::default();
        for group in &list.items {
            let Some(name) = group.metadata.as_ref().and_then(|metadata| metadata.name.as_deref()) else {
                continue;
            };
            for versions in &group.versions {
                let version = versions.version.as_deref().unwrap_or_default();
                if versions.freshness.as_deref() == Some("Stale") {
                    served.stale.push(name.to_owned());
                }
                for (kind, plural) in versions.resources.iter().filter_map(watchable) {
                    served.add(name, version, kind, plural);
                }
            }
        }
        served
    }

    /// Adds the document of one group and version, for servers without the aggregated one.
    pub fn add_resources(&mut self, group: &str, version: &str, resources: &[APIResource]) {
        for resource in resources {
            let watchable = resource.namespaced && resource.verbs.iter().any(|verb| verb == "watch");
            // A subresource has its parent's name before it.
            if watchable && !resource.name.contains('/') {
                self.add(group, version, &resource.kind, &resource.name);
            }
        }
    }

    /// How to watch a kind: by the version that it is best read in, of those that are served.
    pub fn resource(&self, kind: &WorkloadKind) -> Option<ApiResource> {
        let served = self.kinds.get(&kind.name)?;
        let mut known = kind.versions.iter();
        let version = known.find_map(|known| served.iter().find(|served| served.version == known.version))?;
        Some(ApiResource {
            group: kind.name.group.clone(),
            version: version.version.clone(),
            api_version: format!("{}/{}", kind.name.group, version.version),
            kind: kind.name.kind.clone(),
            plural: version.plural.clone(),
        })
    }

    /// Whether the API server does not know for now what the group serves.
    pub fn is_uncertain(&self, group: &str) -> bool {
        self.stale.iter().any(|stale| stale == group)
    }

    fn add(&mut self, group: &str, version: &str, kind: &str, plural: &str) {
        let version = ServedVersion { version: version.to_owned(), plural: plural.to_owned() };
        self.kinds.entry(KindName::new(group, kind)).or_default().push(version);
    }
}

fn watchable(resource: &APIResourceDiscovery) -> Option<(&str, &str)> {
    let namespaced = resource.scope.as_deref() == Some("Namespaced");
    let watchable = namespaced && resource.verbs.iter().any(|verb| verb == "watch");
    let kind = resource.response_kind.as_ref()?.kind.as_deref()?;
    watchable.then_some((kind, resource.resource.as_deref()?))
}
