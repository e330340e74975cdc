//! Custom kinds that hold pod templates, and the kinds that stand between such an object and its pods: a table of
//! those that are common, and what a policy declares beside it.

mod declared;
mod resolve;
mod table;
mod template_path;
mod unread;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::text::UntrustedText;

pub use declared::CustomWorkload;
pub use resolve::{Found, FoundTemplate, Mismatch, Shape, Tree, find_templates};
pub use template_path::{TemplatePath, TemplatePathError, TemplateStep};
pub use unread::{find_unread_template, holds_containers, is_flawed, template_path_of, unread_template};

/// A kind of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindEntry {
    /// API group.
    pub group: &'static str,
    /// The versions that are read, the preferred one first.
    pub versions: &'static [&'static str],
    /// Kind, in `CamelCase`.
    pub kind: &'static str,
    /// Name of the resource in URLs and in RBAC rules.
    pub plural: &'static str,
    /// Paths of its pod templates; none for a kind that only links its owner and what it owns.
    pub templates: &'static [&'static str],
    /// The conditions of which one is `True` when an object has ended, and nothing will be pulled for it again.
    pub ends_by: &'static [&'static str],
    /// Of the objects that one owner controls, the newest takes the place of those before.
    pub supersedes: bool,
}

/// The kinds that tagwatch knows without being told.
pub fn table() -> &'static [KindEntry] {
    table::TABLE
}

/// Names a kind, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind, in `CamelCase`.
    pub kind: String,
}

impl KindName {
    /// Names a kind.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }
}

/// `Kind.group`, as the `kind` of a metric has it, escaped for a terminal.
impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) };
        f.write_str(&UntrustedText::from(name).terminal())
    }
}

/// A custom kind that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomKind {
    /// Its name.
    pub name: KindName,
    /// The versions that are read, the preferred one first.
    pub versions: Vec<KindVersion>,
    /// As in [`KindEntry`].
    pub ends_by: &'static [&'static str],
    /// As in [`KindEntry`].
    pub supersedes: bool,
}

/// A version of a custom kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindVersion {
    /// The version, such as `v1alpha1`.
    pub version: String,
    /// Where its pod templates are; none for a kind that only links its owner and what it owns.
    pub templates: Vec<TemplatePath>,
}

impl CustomKind {
    /// Where the pod templates of a version are, if that version is read.
    pub fn templates(&self, version: &str) -> Option<&[TemplatePath]> {
        self.versions.iter().find(|known| known.version == version).map(|known| known.templates.as_slice())
    }

    /// Whether its objects hold no template of their own.
    pub fn is_link(&self) -> bool {
        self.versions.iter().all(|version| version.templates.is_empty())
    }

    fn of(entry: &KindEntry) -> Self {
        let KindEntry { group, versions, kind, plural: _, templates, ends_by, supersedes } = *entry;
        // Every path of the table parses: a test sees to it.
        let templates: Vec<TemplatePath> = templates.iter().filter_map(|path| path.parse().ok()).collect();
        let version =
            |version: &&str| KindVersion { version: (*version).to_owned(), templates: templates.clone() };
        let versions = versions.iter().map(version).collect();
        Self { name: KindName::new(group, kind), versions, ends_by, supersedes }
    }

    fn declare(&mut self, version: &str, path: TemplatePath) {
        if let Some(known) = self.versions.iter_mut().find(|known| known.version == version) {
            known.templates.push(path);
        } else {
            self.versions.push(KindVersion { version: version.to_owned(), templates: vec![path] });
        }
    }
}

/// Every custom kind that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomKinds(BTreeMap<KindName, Arc<CustomKind>>);

impl Default for CustomKinds {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl CustomKinds {
    /// The table and what a policy declares, which takes the place of an entry of the table for the same group and
    /// kind. Several declarations of one kind add up. A path that does not parse is left out: [`Policy::compile`]
    /// has refused it.
    ///
    /// [`Policy::compile`]: crate::policy::Policy::compile
    pub fn new(declared: &[CustomWorkload]) -> Self {
        let known = table().iter().map(CustomKind::of);
        let mut kinds: BTreeMap<_, _> = known.map(|kind| (kind.name.clone(), kind)).collect();
        let mut ours: BTreeMap<KindName, CustomKind> = BTreeMap::new();
        for CustomWorkload { group, version, kind, template_path } in declared {
            let Ok(path) = template_path.parse() else { continue };
            let name = KindName::new(group.as_str(), kind.as_str());
            let empty =
                CustomKind { name: name.clone(), versions: Vec::new(), ends_by: &[], supersedes: false };
            ours.entry(name).or_insert(empty).declare(version, path);
        }
        kinds.extend(ours);
        Self(kinds.into_iter().map(|(name, kind)| (name, Arc::new(kind))).collect())
    }

    /// A kind by its name.
    pub fn get(&self, name: &KindName) -> Option<&Arc<CustomKind>> {
        self.0.get(name)
    }

    /// Every kind, in the order of group and name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<CustomKind>> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests;
