//! Names a workload across everything the controller keeps.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tagwatch_k8s::kind::kind_label;

/// A workload that may have a report. Cloning is cheap.
///
/// Two keys are equal when group, kind, namespace, name and UID are: an object that was deleted and created
/// again under its name is another workload, and an owner reference that names an older version of the same
/// API is not.
#[derive(Clone)]
pub(crate) struct WorkloadKey(Arc<Identity>);

struct Identity {
    // The names of the kinds that we watch are part of the program.
    api_version: Cow<'static, str>,
    kind: Cow<'static, str>,
    namespace: Box<str>,
    name: Box<str>,
    uid: Box<str>,
}

impl WorkloadKey {
    /// Names an object.
    pub(crate) fn new(
        api_version: impl Into<Cow<'static, str>>,
        kind: impl Into<Cow<'static, str>>,
        namespace: impl Into<Box<str>>,
        name: impl Into<Box<str>>,
        uid: impl Into<Box<str>>,
    ) -> Self {
        Self(Arc::new(Identity {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.into(),
        }))
    }

    /// `group/version`, or `version` alone for the core group.
    pub(crate) fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// The API group; empty for the core group.
    pub(crate) fn group(&self) -> &str {
        group_of(&self.0.api_version)
    }

    /// Kind.
    pub(crate) fn kind(&self) -> &str {
        &self.0.kind
    }

    /// `Kind`, or `Kind.group` of kinds that are not built in (see [`kind_label`]); safe for a terminal and for a label.
    pub(crate) fn kind_and_group(&self) -> String {
        kind_label(self.api_version(), self.kind())
    }

    /// Namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Name.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// UID.
    pub(crate) fn uid(&self) -> &str {
        &self.0.uid
    }

    /// Whether it is of this kind, in whatever version.
    pub(crate) fn is_of(&self, group: &str, kind: &str) -> bool {
        self.kind() == kind && self.group() == group
    }

    fn parts(&self) -> [&str; 5] {
        [self.uid(), self.name(), self.namespace(), self.kind(), self.group()]
    }
}

/// The group of an `apiVersion`; empty for the core group.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _version)| group)
}

impl PartialEq for WorkloadKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for WorkloadKey {}

impl PartialOrd for WorkloadKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for WorkloadKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl Hash for WorkloadKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.uid.hash(state);
    }
}

/// `Kind namespace/name`, escaped, for logs.
impl fmt::Debug for WorkloadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}/{}",
            self.kind().escape_debug(),
            self.namespace().escape_debug(),
            self.name().escape_debug()
        )
    }
}
