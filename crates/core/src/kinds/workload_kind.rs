//! A kind that is read, with its paths parsed.

use super::{ContainerSchema, KindEntry, KindName, KindTraits, TemplatePath};

/// A kind that is read, built-in or custom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadKind {
    /// Group and kind, which identify it in all its versions.
    pub name: KindName,
    /// Name of the resource in URLs; empty for a kind that a policy declares, where discovery says it.
    pub plural: &'static str,
    /// The versions that are read, the preferred one first.
    pub versions: Vec<KindVersion>,
    /// Where its containers are in all these versions, if they are not in pod templates.
    pub containers: Option<&'static ContainerSchema>,
    /// How its objects are read and reported.
    pub traits: KindTraits,
}

/// A version of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindVersion {
    /// The version, such as `v1alpha1`.
    pub version: String,
    /// Where its pod templates are; none for a link.
    pub templates: Vec<TemplatePath>,
}

impl WorkloadKind {
    /// The kind of a row of the table.
    pub(super) fn of(entry: &KindEntry) -> Self {
        let KindEntry { group, versions, kind, plural, templates, containers, traits } = *entry;
        // A test parses every path of the table.
        let parse = |path: &&str| {
            if path.is_empty() { Some(TemplatePath::ROOT) } else { path.parse().ok() }
        };
        let templates: Vec<TemplatePath> = templates.iter().filter_map(parse).collect();
        let version =
            |version: &&str| KindVersion { version: (*version).to_owned(), templates: templates.clone() };
        let versions = versions.iter().map(version).collect();
        Self { name: KindName::new(group, kind), plural, versions, containers, traits }
    }

    /// A kind that a policy declares, before its first version.
    pub(super) fn declared(name: KindName) -> Self {
        Self { name, plural: "", versions: Vec::new(), containers: None, traits: KindTraits::CUSTOM }
    }

    pub(super) fn declare(&mut self, version: &str, path: TemplatePath) {
        if let Some(known) = self.versions.iter_mut().find(|known| known.version == version) {
            known.templates.push(path);
        } else {
            self.versions.push(KindVersion { version: version.to_owned(), templates: vec![path] });
        }
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.name.group
    }

    /// The kind in `CamelCase`, such as `CronJob`.
    pub fn kind(&self) -> &str {
        &self.name.kind
    }

    /// `group/version` of the preferred version, or `version` alone for the core group.
    pub fn api_version(&self) -> String {
        let version = self.versions.first().map_or("", |known| known.version.as_str());
        if self.name.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.name.group) }
    }

    /// Where the pod templates of a version are, if that version is read.
    pub fn templates(&self, version: &str) -> Option<&[TemplatePath]> {
        self.versions.iter().find(|known| known.version == version).map(|known| known.templates.as_slice())
    }

    /// The paths of the pod specs in the preferred version, from the object's root.
    pub fn pod_spec_paths(&self) -> impl Iterator<Item = String> {
        self.versions.first().into_iter().flat_map(|version| &version.templates).map(TemplatePath::pod_spec)
    }

    /// Whether its object is itself a pod.
    pub fn is_pod(&self) -> bool {
        self.name.group.is_empty() && self.name.kind == "Pod"
    }
}
