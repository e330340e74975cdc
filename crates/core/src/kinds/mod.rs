//! The kinds that tagwatch reads: one table of the built-in and the common custom kinds, and what a policy declares
//! beside it. The watches, the scan and the policy compiler all read it.

mod container_schema;
mod declared;
mod label;
mod resolve;
mod schemas;
mod table;
mod template_path;
mod traits;
mod unread;
mod without_pods;
mod workload_kind;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::text::UntrustedText;
pub use container_schema::{
    ContainerPlace, ContainerSchema, DefaultsFrom, FoundContainer, FoundContainers, NestedSchema,
    find_containers,
};
pub use declared::CustomWorkload;
pub use label::{full_kind, group_of, kind_label};
pub use resolve::{FoundTemplate, FoundTemplates, Mismatch, Tree, ValueType, find_templates};
pub use template_path::{TemplatePath, TemplatePathError, TemplateStep};
pub use traits::{Controls, KindRole, KindTraits, REVISION_ANNOTATIONS, RolloutStatus, Siblings};
pub use unread::{find_unread_template, holds_containers, is_flawed, template_path_of, unread_template};
pub use without_pods::is_without_pods;
pub use workload_kind::{KindVersion, WorkloadKind};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindEntry {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// The versions that are read, the preferred one first.
    pub versions: &'static [&'static str],
    /// The kind in `CamelCase`, such as `CronJob`.
    pub kind: &'static str,
    /// Name of the resource in URLs and in RBAC rules.
    pub plural: &'static str,
    /// Paths of its pod templates; the empty path is the object itself. None for a link.
    pub templates: &'static [&'static str],
    /// Where its containers are, if they are not in pod templates.
    pub containers: Option<&'static ContainerSchema>,
    /// How its objects are read and reported.
    pub traits: KindTraits,
}

/// Every kind that tagwatch knows, the built-in ones first.
pub fn table() -> &'static [KindEntry] {
    table::TABLE
}

/// The custom kinds of the table that the controller watches; a scan reads them too.
pub fn custom_table() -> impl Iterator<Item = &'static KindEntry> {
    table().iter().filter(|entry| !entry.traits.is_built_in && entry.traits.is_watched)
}

/// The custom kinds of the table that are read in manifests alone.
pub(crate) fn manifest_table() -> impl Iterator<Item = &'static KindEntry> {
    table().iter().filter(|entry| !entry.traits.is_built_in && !entry.traits.is_watched)
}

/// The kinds of Kubernetes itself; Pods last of those that are watched, since owners are looked up among the others.
pub fn built_in() -> &'static [Arc<WorkloadKind>] {
    static BUILT_IN: LazyLock<Vec<Arc<WorkloadKind>>> =
        LazyLock::new(|| rows(|entry| entry.traits.is_built_in).cloned().collect());
    &BUILT_IN
}

/// The kinds of the rows that are picked. Each is made when it is first asked for: to make all of them takes longer than to scan
/// a small file.
fn rows(is_picked: impl Fn(&KindEntry) -> bool) -> impl Iterator<Item = &'static Arc<WorkloadKind>> {
    static KINDS: [OnceLock<Arc<WorkloadKind>>; table::TABLE.len()] =
        [const { OnceLock::new() }; table::TABLE.len()];
    let picked = table().iter().zip(&KINDS).filter(move |(entry, _)| is_picked(entry));
    picked.map(|(entry, kind)| kind.get_or_init(|| Arc::new(WorkloadKind::of(entry))))
}

/// The built-in kinds that the controller watches.
pub fn watched() -> impl Iterator<Item = &'static Arc<WorkloadKind>> {
    built_in().iter().filter(|kind| kind.traits.is_watched)
}

/// The watched built-in kind that an owner reference or a report's scope names. The version is not compared: an old
/// reference may say `apps/v1beta2`, and the kind is the same.
pub fn find_watched(api_version: &str, kind: &str) -> Option<&'static Arc<WorkloadKind>> {
    let group = group_of(api_version);
    watched().find(|known| known.name.kind == kind && known.name.group == group)
}

/// The watched built-in kind that is meant where people or tools name one: as its label, or as kubectl takes and prints it,
/// with its group (`deployment.apps`) or in the plural (`deployments`), in whatever case.
pub fn meant_by(written: &str) -> Option<&'static Arc<WorkloadKind>> {
    let (named, group) =
        written.split_once('.').map_or((written, None), |(named, group)| (named, Some(group)));
    watched().find(|known| {
        let KindName { group: own, kind } = &known.name;
        let own = if own.is_empty() { "core" } else { own };
        [kind.as_str(), known.plural].iter().any(|name| name.eq_ignore_ascii_case(named))
            && group.is_none_or(|group| group.eq_ignore_ascii_case(own))
    })
}

/// Whether a kind has the name of a watched built-in one in another group in which no custom kind can be, such as
/// `Deployment` in `extensions` or `batch`. The group of a custom kind has a dot (`ValidateCustomResourceDefinitionSpec` of
/// `k8s.io/apiextensions-apiserver`), and no group of Kubernetes serves these kinds any more.
pub fn is_misplaced(api_version: &str, kind: &str) -> bool {
    let group = group_of(api_version);
    !group.contains('.')
        && find_watched(api_version, kind).is_none()
        && watched().any(|known| known.name.kind == kind)
}

/// The annotation in which the controller of a kind of the table numbers its rollouts.
pub fn revision_annotation(api_version: &str, kind: &str) -> Option<&'static str> {
    let group = group_of(api_version);
    let entry = table().iter().find(|entry| entry.kind == kind && entry.group == group);
    entry.and_then(|entry| entry.traits.revision_annotation)
}

/// Whether a kind is one of Kubernetes itself that is always read.
pub fn is_built_in(group: &str, kind: &str) -> bool {
    built_in().iter().any(|known| known.name.kind == kind && known.name.group == group)
}

/// Names a kind, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName {
    /// API group; empty for the core group.
    pub group: String,
    /// The kind in `CamelCase`, such as `CronJob`.
    pub kind: String,
}

impl KindName {
    /// The name of a kind in a group, which is empty for the core group.
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

/// Every kind that is read: the table, and what a policy declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinds {
    /// What a policy declares, in place of the table's custom kinds of the same names.
    declared: BTreeMap<KindName, Arc<WorkloadKind>>,
}

impl Kinds {
    /// The table and what a policy declares, which replaces the table's entry of a custom kind. Several declarations of
    /// one kind add up. A path that does not parse is left out: [`Policy::compile`] has refused it.
    ///
    /// [`Policy::compile`]: crate::policy::Policy::compile
    pub fn new(declared: &[CustomWorkload]) -> Self {
        let mut ours: BTreeMap<KindName, WorkloadKind> = BTreeMap::new();
        for CustomWorkload { group, version, kind, template_path } in declared {
            let Ok(path) = template_path.parse() else { continue };
            if is_built_in(group, kind) {
                continue;
            }
            let name = KindName::new(group.as_str(), kind.as_str());
            let empty = WorkloadKind::declared(name.clone());
            ours.entry(name).or_insert(empty).declare(version, path);
        }
        Self { declared: ours.into_iter().map(|(name, kind)| (name, Arc::new(kind))).collect() }
    }

    /// A kind by its name.
    pub fn get(&self, name: &KindName) -> Option<&Arc<WorkloadKind>> {
        let of_table = || rows(|entry| entry.kind == name.kind && entry.group == name.group).next();
        self.declared.get(name).or_else(of_table)
    }

    /// A kind by its group, which is empty for the core group, and its name in that.
    pub fn find(&self, group: &str, kind: &str) -> Option<&Arc<WorkloadKind>> {
        if self.declared.is_empty() {
            return rows(|entry| entry.kind == kind && entry.group == group).next();
        }
        self.get(&KindName::new(group, kind))
    }

    /// The groups of the kinds that a plain name means in a policy: of the kind of Kubernetes itself, else of each custom kind
    /// of that name. None where no known kind bears it.
    pub fn groups_of(&self, kind: &str) -> Vec<&str> {
        let rows = || table().iter().filter(|entry| entry.kind == kind);
        if let Some(built_in) = rows().find(|entry| entry.traits.is_built_in) {
            return vec![built_in.group];
        }
        let declared = self.declared.keys().filter(|name| name.kind == kind).map(|name| name.group.as_str());
        rows().map(|entry| entry.group).chain(declared).collect()
    }

    /// Whether a plain name means a kind in a policy. A name that no known kind bears means kinds of that name in every
    /// group, since no other known kind has it. What is not of Kubernetes, such as a service of Compose, has no API version.
    pub fn is_meant_by_plain_name(&self, api_version: &str, kind: &str) -> bool {
        // No real kind holds a dot: it would look like one with its group.
        if api_version.is_empty() || kind.contains('.') {
            return api_version.is_empty();
        }
        let groups = self.groups_of(kind);
        groups.is_empty() || groups.contains(&group_of(api_version))
    }

    /// A kind as a policy names it: by its plain name where that means this kind alone, else with its group.
    pub fn name_in_policy(&self, api_version: &str, kind: &str) -> String {
        let is_plain = api_version.is_empty() || self.groups_of(kind) == [group_of(api_version)];
        if is_plain { kind.to_owned() } else { full_kind(api_version, kind) }
    }

    /// The custom kinds, in the order of group and name.
    pub fn custom(&self) -> impl Iterator<Item = &Arc<WorkloadKind>> {
        let custom = rows(|entry| !entry.traits.is_built_in).map(|kind| (&kind.name, kind));
        custom.chain(&self.declared).collect::<BTreeMap<_, _>>().into_values()
    }

    /// The custom kinds that the controller watches, in the same order.
    pub fn watched_custom(&self) -> impl Iterator<Item = &Arc<WorkloadKind>> {
        self.custom().filter(|kind| kind.traits.is_watched)
    }
}

#[cfg(test)]
mod tests;
