//! A policy from a file: a `TagPolicy` object as YAML or JSON, also as `kubectl get tagpolicy NAME -o yaml` prints it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tagwatch_core::policy::{
    API_VERSION, FieldPath, KIND, PathStep, Policy, PolicyError, Profile, TagPolicySpec,
};
use tagwatch_core::suggest;
use tagwatch_core::text::{UntrustedText, truncate_bytes};
use thiserror::Error;

use crate::input::{self, ReadError};
use crate::yaml::{Documents, Limits, Node, Position, Source, Value, to_json};

/// Name of the policy file, searched upward from the working directory.
pub const POLICY_FILE_NAME: &str = ".tagwatch.yaml";

/// Most mistakes that are printed, and the longest message in bytes.
const MAX_MISTAKES: usize = 50;
const MAX_MESSAGE: usize = 1000;

/// A common misspelling, which is reported but not read.
const OTHER_POLICY_FILE_NAME: &str = ".tagwatch.yml";

/// The policy file that applies to a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundPolicy {
    /// The file in the folder, or in the nearest one above that has one.
    pub path: Option<PathBuf>,
    /// Files on the way with the misspelled name.
    pub misnamed: Vec<PathBuf>,
}

/// The metadata of a policy object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PolicyMetadata {
    /// `metadata.name` of the file's TagPolicy.
    pub name: Option<String>,
    /// `metadata.labels` of the file's TagPolicy.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A policy, with the positions that a scan can refer to.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    pub(crate) name: String,
    /// Name and labels of the object.
    pub metadata: PolicyMetadata,
    /// The spec as written.
    pub spec: TagPolicySpec,
    /// The policy compiled from the spec.
    pub policy: Policy,
    /// Where each exemption of the spec is written: the file, and the place in it.
    pub(crate) exemptions: Vec<(Arc<str>, Position)>,
}

/// Why a file is not a valid policy: one line for each mistake, in the format of compilers. Safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{lines}")]
pub struct PolicyFileError {
    lines: String,
    is_empty: bool,
}

impl PolicyFileError {
    /// Lists mistakes in the order of the file.
    fn new(name: &str, errors: impl IntoIterator<Item = (Position, String)>) -> Self {
        let name = UntrustedText::from(name).terminal();
        let mut errors: Vec<(Position, String)> = errors.into_iter().collect();
        errors.sort_by_key(|(at, _)| *at);
        let mut lines = String::new();
        for (at, message) in errors.iter().take(MAX_MISTAKES) {
            let separator = if lines.is_empty() { "" } else { "\n" };
            let mut message = UntrustedText::from(message.as_str()).terminal();
            if message.len() > MAX_MESSAGE {
                message = truncate_bytes(message, MAX_MESSAGE);
                message.push('…');
            }
            // Writing to a String does not fail.
            let _ = write!(lines, "{separator}{name}:{}:{}: {message}", at.line, at.column);
        }
        if let Some((at, _)) = errors.get(MAX_MISTAKES) {
            let more = errors.len() - MAX_MISTAKES;
            let _ =
                write!(lines, "\n{name}:{}:{}: and more mistakes from here on: {more}", at.line, at.column);
        }
        Self { lines, is_empty: false }
    }

    /// For a file without readable text.
    fn unread(name: &str, error: &ReadError) -> Self {
        let name = UntrustedText::from(name).terminal();
        let message = match error {
            ReadError::Io(error) if error.kind() == io::ErrorKind::IsADirectory => {
                "is a folder; expected a file".to_owned()
            }
            other => UntrustedText::from(other.to_string()).terminal(),
        };
        Self { lines: format!("{name}: {message}"), is_empty: false }
    }

    /// Whether the file is empty: a shell creates the target of `>` before the command writes to it.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }
}

impl PolicyFile {
    /// Largest policy in bytes: a baseline of 10,000 findings takes about half of it.
    pub const MAX_BYTES: u64 = 4 << 20;

    /// Reads and compiles a policy; `-` reads standard input.
    ///
    /// # Errors
    /// Every mistake, with file, line and column.
    pub fn read(path: &Path, stdin: &mut dyn Read) -> Result<Self, PolicyFileError> {
        let name = input::name_of(path);
        let limits = Limits { bytes: Self::MAX_BYTES, ..Limits::default() };
        let mut buffer = Vec::new();
        let read = if path.as_os_str() == "-" {
            input::read(stdin, &mut buffer, limits)
        } else {
            File::open(path)
                .map_err(ReadError::Io)
                .and_then(|mut file| input::read(&mut file, &mut buffer, limits))
        };
        match read {
            Ok(source) => Self::parse(&name, &source, limits),
            Err(ReadError::NotUtf8 { at, byte }) => {
                let error = ReadError::NotUtf8 { at, byte };
                Err(PolicyFileError::new(&name, [(at, error.to_string())]))
            }
            Err(error) => Err(PolicyFileError::unread(&name, &error)),
        }
    }

    /// The file name as in positions; safe for a terminal.
    pub fn shown_name(&self) -> String {
        UntrustedText::from(self.name.as_str()).terminal()
    }

    /// Position of an exemption as `file:line:column`; safe for a terminal.
    pub fn exemption_place(&self, index: usize) -> String {
        let (file, at) = self.exemption_at(index);
        format!("{}:{}:{}", UntrustedText::from(file).terminal(), at.line, at.column)
    }

    pub(crate) fn exemption_at(&self, index: usize) -> (&str, Position) {
        self.exemptions.get(index).map_or((&self.name, Position::START), |(file, at)| (file, *at))
    }

    /// The policy of a profile, for a scan without a file.
    pub fn of(profile: Profile) -> Self {
        Self {
            name: format!("profile {profile}"),
            metadata: PolicyMetadata::default(),
            spec: TagPolicySpec { profile: Some(profile.to_string()), ..TagPolicySpec::default() },
            policy: Policy::of(profile),
            exemptions: Vec::new(),
        }
    }

    /// A `TagPolicy` of a cluster, by its name.
    ///
    /// # Errors
    /// When the spec is not valid.
    pub fn of_cluster(
        name: &str,
        labels: BTreeMap<String, String>,
        spec: TagPolicySpec,
    ) -> Result<Self, PolicyFileError> {
        let place: Arc<str> = format!("{KIND} {name}").into();
        let mut file = Self {
            name: place.to_string(),
            metadata: PolicyMetadata { name: Some(name.to_owned()), labels },
            exemptions: vec![(place, Position::START); spec.exemptions.len()],
            policy: Policy::of(Profile::default()),
            spec,
        };
        file.compile()?;
        Ok(file)
    }

    /// Adds the exemptions of another policy: the baseline of a scan.
    ///
    /// # Errors
    /// When there are more than a policy may have.
    pub fn add_exemptions(&mut self, other: &Self) -> Result<(), PolicyFileError> {
        self.spec.exemptions.extend(other.spec.exemptions.iter().cloned());
        self.exemptions.extend(other.exemptions.iter().cloned());
        self.compile()
    }

    /// Switches these rules on, and all others off: for one scan.
    ///
    /// # Errors
    /// When what the file says of the other rules was needed.
    pub fn select_rules(&mut self, selected: &[String]) -> Result<(), PolicyFileError> {
        self.spec.select_rules(selected);
        self.compile()
    }

    /// After a change of the spec.
    fn compile(&mut self) -> Result<(), PolicyFileError> {
        self.policy = Policy::compile(&self.spec).map_err(|errors| {
            let placed = |error: PolicyError| (Position::START, error.to_string());
            PolicyFileError::new(&self.name, errors.into_iter().map(placed))
        })?;
        Ok(())
    }

    /// Whether an exemption or override selects namespaces. Manifests without a namespace cannot match it.
    pub(crate) fn selects_namespaces(&self) -> bool {
        let TagPolicySpec { overrides, exemptions, .. } = &self.spec;
        let overrides = overrides.iter().map(|spec| &spec.matches);
        let mut matches = overrides.chain(exemptions.iter().map(|spec| &spec.matches));
        matches.any(|spec| !spec.namespaces.is_empty())
    }

    fn parse(name: &str, source: &Source<'_>, limits: Limits) -> Result<Self, PolicyFileError> {
        let fail = |at: Position, message: String| PolicyFileError::new(name, [(at, message)]);
        let mut documents = Vec::new();
        for document in Documents::new(source, limits) {
            let document = document.map_err(|located| fail(located.at, located.error.to_string()))?;
            // Which value was meant? For a policy, the wrong one can pass everything.
            if let Some(located) = document.overwritten().first() {
                return Err(fail(located.at, located.error.to_string()));
            }
            documents.push(document);
        }
        let document = match documents.as_slice() {
            [] => {
                let error = fail(Position::START, format!("the file is empty; expected a {KIND}"));
                return Err(PolicyFileError { is_empty: true, ..error });
            }
            [document] => document,
            [_, second, ..] => {
                let message = format!("a second document; expected one {KIND}");
                return Err(fail(second.root().position(), message));
            }
        };
        let root = only_item(document.root()).map_err(|(at, message)| fail(at, message))?;
        check_head(root).map_err(|(at, message)| fail(at, message))?;
        let written = root.get("spec").filter(|spec| spec.value() != Value::Null);
        let written = written.map_or_else(|| Ok(serde_json::json!({})), to_json);
        let written = written.map_err(|(at, message)| fail(at, message))?;
        let (spec, policy) = Policy::read(&written).map_err(|errors| {
            let located =
                |error: PolicyError| (position(root, &error.path, error.of_name), error.to_string());
            PolicyFileError::new(name, errors.into_iter().map(located))
        })?;
        let file: Arc<str> = name.into();
        let exemption = |index| {
            let path = FieldPath::default().field("exemptions").index(index);
            (Arc::clone(&file), position(root, &path, false))
        };
        let exemptions = (0..spec.exemptions.len()).map(exemption).collect();
        Ok(Self { name: name.to_owned(), metadata: metadata(root), spec, policy, exemptions })
    }

    /// The policy file of a folder, or of the nearest folder above. A broken link with that name is found too, so that
    /// reading it reports the error.
    pub fn find_upward(folder: &Path) -> FoundPolicy {
        let mut found = FoundPolicy::default();
        for folder in folder.ancestors() {
            let path = folder.join(POLICY_FILE_NAME);
            if path.symlink_metadata().is_ok() {
                found.path = Some(path);
                break;
            }
            let other = folder.join(OTHER_POLICY_FILE_NAME);
            if other.symlink_metadata().is_ok() {
                found.misnamed.push(other);
            }
        }
        found
    }
}

/// The object itself, or the only item of a list, as `kubectl get tagpolicy -o yaml` prints it.
fn only_item<'d, 't>(root: Node<'d, 't>) -> Result<Node<'d, 't>, (Position, String)> {
    let is_list = root
        .get("kind")
        .and_then(Node::text)
        .is_some_and(|kind| kind == "List" || kind.strip_suffix("List") == Some(KIND));
    let Some(items) = root.get("items").filter(|_| is_list) else { return Ok(root) };
    let mut items_of = items.items();
    match (items_of.next(), items_of.len()) {
        (Some(item), 0) => Ok(item),
        (first, more) => {
            let count = usize::from(first.is_some()) + more;
            let message = format!(
                "a list of {count} objects; expected one {KIND}, as `kubectl get tagpolicy NAME -o yaml` prints it"
            );
            Err((items.position(), message))
        }
    }
}

/// Without values that are no text, which the API server rejects.
fn metadata(root: Node<'_, '_>) -> PolicyMetadata {
    let Some(metadata) = root.get("metadata") else { return PolicyMetadata::default() };
    let name = metadata.get("name").and_then(Node::text).filter(|name| !name.is_empty());
    let text =
        |(key, value): (Node<'_, '_>, Node<'_, '_>)| Some((key.text()?.to_owned(), value.text()?.to_owned()));
    let labels = metadata.get("labels").map(|labels| labels.entries().filter_map(text).collect());
    PolicyMetadata { name: name.map(str::to_owned), labels: labels.unwrap_or_default() }
}

/// Checks the fields around the spec. The cluster adds metadata and a status.
fn check_head(root: Node<'_, '_>) -> Result<(), (Position, String)> {
    const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
    if root.value() != Value::Mapping {
        let found = root.value().type_name();
        return Err((root.position(), format!("expected a {KIND} object, found a {found}")));
    }
    for (field, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        match root.get(field) {
            Some(value) if value.text() == Some(expected) => {}
            Some(value) => return Err((value.position(), format!("{field} must be {expected}"))),
            None => {
                return Err((root.position(), format!("{field} is missing; expected {field}: {expected}")));
            }
        }
    }
    for (key, _) in root.entries() {
        let name = key.text().unwrap_or_default();
        if !FIELDS.contains(&name) {
            return Err((key.position(), suggest::unknown("field", name, &FIELDS)));
        }
    }
    Ok(())
}

/// Position of a field's value or of its name. If the field is missing, that of the nearest enclosing value.
fn position(root: Node<'_, '_>, path: &FieldPath, of_name: bool) -> Position {
    let Some(mut node) = root.get("spec") else { return Position::START };
    let mut at = node.position();
    for step in path.steps() {
        let next = match step {
            PathStep::Field(name) => node.entry(name).map(|(key, value)| (key.position(), value)),
            PathStep::Index(index) => node.item(*index).map(|item| (item.position(), item)),
        };
        let Some((name, next)) = next else { return node.position() };
        node = next;
        at = if of_name { name } else { node.position() };
    }
    at
}
