//! A policy from a file: a `TagPolicy` object as YAML or JSON, also as `kubectl get tagpolicy NAME -o yaml` prints it.

use crate::input::{self, Input};
use crate::yaml::{Document, Documents, Limits, Node, Position, Value, to_json};
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use tagwatch_core::policy::{API_VERSION, FieldPath, KIND, PathStep, Policy, PolicyError, TagPolicySpec};
use tagwatch_core::suggest;
use tagwatch_core::text::UntrustedText;
use thiserror::Error;

/// Name of the file that is found upward from where a scan runs.
pub const POLICY_FILE_NAME: &str = ".tagwatch.yaml";

/// Most bytes of a policy: a baseline of ten thousand findings takes about half of it.
const MAX_BYTES: u64 = 4 << 20;

/// Most mistakes that are printed, and the most characters of each.
const MAX_MISTAKES: usize = 50;
const MAX_MESSAGE: usize = 1000;

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
    /// Tells of mistakes in the order in which they stand in the file.
    fn new(name: &str, errors: impl IntoIterator<Item = (Position, String)>) -> Self {
        let name = UntrustedText::from(name).terminal();
        let mut errors: Vec<(Position, String)> = errors.into_iter().collect();
        errors.sort_by_key(|(at, _)| *at);
        let mut lines = String::new();
        for (at, message) in errors.iter().take(MAX_MISTAKES) {
            let separator = if lines.is_empty() { "" } else { "\n" };
            let mut message = UntrustedText::from(message.as_str()).terminal();
            if message.len() > MAX_MESSAGE {
                message.truncate(message.floor_char_boundary(MAX_MESSAGE));
                message.push('…');
            }
            // Writing to a String cannot fail.
            let _ = write!(lines, "{separator}{name}:{}:{}: {message}", at.line, at.column);
        }
        if let Some((at, _)) = errors.get(MAX_MISTAKES) {
            let more = errors.len() - MAX_MISTAKES;
            let _ =
                write!(lines, "\n{name}:{}:{}: and more mistakes from here on: {more}", at.line, at.column);
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
        let limits = Limits { bytes: MAX_BYTES, ..Limits::default() };
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
        let written = root.get("spec").filter(|spec| spec.value() != Value::Null);
        let written = written.map_or_else(|| Ok(serde_json::json!({})), to_json);
        let written = written.map_err(|(at, message)| fail(at, message))?;
        let (spec, policy) = Policy::read(&written).map_err(|errors| {
            let located =
                |error: PolicyError| (place(document, &error.path, error.of_name), error.to_string());
            PolicyFileError::new(name, errors.into_iter().map(located))
        })?;
        let exemption =
            |index| place(document, &FieldPath::default().field("exemptions").index(index), false);
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

/// Where the value of a field is written, or its name; where it is not, the nearest one around it that is.
fn place(document: &Document<'_>, path: &FieldPath, of_name: bool) -> Position {
    let Some(mut node) = document.root().get("spec") else { return Position::START };
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
