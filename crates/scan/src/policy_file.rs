//! A policy from a file: a `TagPolicy` object as YAML or JSON, also as `kubectl get tagpolicy NAME -o yaml` prints it.

use crate::input::{self, Input};
use crate::yaml::{Document, Documents, Limits, Node, Position, Value};
use serde::Deserialize;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use tagwatch_core::policy::{API_VERSION, FieldPath, KIND, PathStep, Policy, TagPolicySpec};
use tagwatch_core::suggest;
use tagwatch_core::text::UntrustedText;
use thiserror::Error;

/// Name of the file that is found upward from where a scan runs.
pub const POLICY_FILE_NAME: &str = ".tagwatch.yaml";

/// A policy with the places of what a scan may have to name.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    pub(crate) name: String,
    /// What is written.
    pub spec: TagPolicySpec,
    /// What it means.
    pub policy: Policy,
    /// One for each exemption.
    pub(crate) exemptions: Vec<Position>,
}

/// Why a file is no policy: one line for each thing that is wrong, as compilers write them. Safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PolicyFileError(String);

impl PolicyFileError {
    fn new(name: &str, errors: impl IntoIterator<Item = (Position, String)>) -> Self {
        let name = UntrustedText::from(name).terminal();
        let mut lines = String::new();
        for (at, message) in errors {
            let separator = if lines.is_empty() { "" } else { "\n" };
            let message = UntrustedText::from(message).terminal();
            // Writing to a String cannot fail.
            let _ = write!(lines, "{separator}{name}:{}:{}: {message}", at.line, at.column);
        }
        Self(lines)
    }
}

impl PolicyFile {
    /// Reads and compiles a policy; `-` reads standard input.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with file, line and column.
    pub fn read(path: &Path, stdin: &mut dyn Read) -> Result<Self, PolicyFileError> {
        let source = if path.as_os_str() == "-" { Input::Stdin } else { Input::File(path.to_path_buf()) };
        let name = source.name();
        let limits = Limits { bytes: 1 << 20, ..Limits::default() };
        match input::read(&source, stdin, limits) {
            Ok(text) => Self::parse(&name, &text, limits),
            Err(error) => Err(PolicyFileError::new(&name, [(Position::START, error.to_string())])),
        }
    }

    fn parse(name: &str, text: &str, limits: Limits) -> Result<Self, PolicyFileError> {
        let fail = |at: Position, message: String| PolicyFileError::new(name, [(at, message)]);
        let mut documents = Vec::new();
        for document in Documents::new(text, limits) {
            documents.push(document.map_err(|located| fail(located.at, located.error.to_string()))?);
        }
        let document = match documents.as_slice() {
            [] => return Err(fail(Position::START, format!("the file is empty; expected a {KIND}"))),
            [document] => document,
            [_, second, ..] => {
                let message = format!("a second document; expected one {KIND}");
                return Err(fail(second.root().position(), message));
            }
        };
        let root = document.root();
        check_head(root).map_err(|(at, message)| fail(at, message))?;
        let spec = match root.get("spec").filter(|spec| spec.value() != Value::Null) {
            Some(spec) => TagPolicySpec::deserialize(spec)
                .map_err(|error| fail(error.at.unwrap_or(Position::START), error.message))?,
            None => TagPolicySpec::default(),
        };
        let policy = Policy::compile(&spec).map_err(|errors| {
            PolicyFileError::new(
                name,
                errors.into_iter().map(|error| (place(document, &error.path), error.to_string())),
            )
        })?;
        let exemption = |index| place(document, &FieldPath::default().field("exemptions").index(index));
        let exemptions = (0..spec.exemptions.len()).map(exemption).collect();
        Ok(Self { name: name.to_owned(), spec, policy, exemptions })
    }

    /// The file that counts in a folder: the one in it, or in the nearest folder above.
    pub fn find_upward(folder: &Path) -> Option<PathBuf> {
        folder.ancestors().map(|folder| folder.join(POLICY_FILE_NAME)).find(|path| path.is_file())
    }
}

/// What stands around the spec. The cluster adds metadata and a status.
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

/// Where a field is written; where it is not, the nearest one around it that is.
fn place(document: &Document<'_>, path: &FieldPath) -> Position {
    let Some(mut node) = document.root().get("spec") else { return Position::START };
    for step in path.steps() {
        let next = match step {
            PathStep::Field(name) => node.get(name),
            PathStep::Index(index) => node.items().nth(*index),
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node.position()
}
