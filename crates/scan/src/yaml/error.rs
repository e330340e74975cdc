//! Errors in a document, and remarks on it.

use tagwatch_core::text::UntrustedText;
use thiserror::Error;

use super::tree::Position;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<E> {
    pub(crate) at: Position,
    pub(crate) error: E,
}

/// Why a document was not read. The messages are safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum YamlError {
    #[error("this is no valid YAML: {0}")]
    Syntax(String),
    #[error("this is no valid JSON, and kubectl reads nothing else after two JSON objects")]
    Json,
    #[error("only blanks and a comment may follow `---` in its line: kubectl refuses the document before it")]
    Separator,
    #[error(
        "kubectl reads no further in this document: write a line `---` before what follows, or delete it"
    )]
    TextIgnored,
    #[error("a template action `{{{{ … }}}}` stands where YAML is expected")]
    TemplateAction,
    #[error("a key must be a text, found a {0}")]
    KeyNotScalar(&'static str),
    #[error("{0} cannot be sent to the API server, which reads JSON")]
    NotInJson(&'static str),
    #[error("no value is named by the alias *{0}")]
    UnknownAnchor(String),
    #[error("the alias stands inside the value that it names")]
    SelfReference,
    #[error("the value of the merge key `<<` must be a mapping or a list of mappings")]
    InvalidMerge,
    #[error("the tag !!{0} does not fit the value")]
    WrongTag(&'static str),
    #[error("over the budget of {limit} {what} for a file; the rest of the file was not read")]
    OverBudget { what: &'static str, limit: u64 },
    #[error("nested more than {0} levels deep")]
    TooDeep(usize),
}

impl YamlError {
    /// Escapes the message, which can quote its input.
    pub(crate) fn syntax(message: &str) -> Self {
        Self::Syntax(UntrustedText::from(message).terminal())
    }

    /// Whether the rest of the file is skipped.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::OverBudget { .. })
    }
}

/// A value that was written and does not apply. The messages are safe for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Overwritten {
    #[error("the key \"{key}\" is written twice, first in line {first}; kubectl keeps the last value")]
    ByKey { key: String, first: u32 },
    #[error(
        "the merge key `<<` replaces the key \"{key}\" of line {first}, as kubectl reads it, since it is written \
         after it"
    )]
    ByMerge { key: String, first: u32 },
    #[error("values of other keys of the document are replaced too; this is the last one that is named")]
    More,
}
