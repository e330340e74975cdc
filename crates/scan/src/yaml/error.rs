//! Errors in a document.

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
    #[error("nothing after this place was read: {0}")]
    NotRecovered(String),
    #[error("a template action `{{{{ … }}}}` stands where YAML is expected")]
    TemplateAction,
    #[error("the key \"{key}\" is written twice, first in line {first}; the API server refuses it")]
    DuplicateKey { key: String, first: u32 },
    #[error("a key must be a text, found a {0}")]
    KeyNotScalar(&'static str),
    #[error("the alias stands inside the value that it names")]
    SelfReference,
    #[error("the value of the merge key `<<` must be a mapping or a list of mappings")]
    InvalidMerge,
    #[error("over the budget of {limit} {what} for a file; the rest of the file was not read")]
    OverBudget { what: &'static str, limit: u64 },
    #[error("nested more than {0} levels deep")]
    TooDeep(usize),
}

impl YamlError {
    /// Escapes the parser's message, which can quote its input.
    pub(crate) fn syntax(message: &str) -> Self {
        Self::Syntax(UntrustedText::from(message).terminal())
    }

    /// Whether the rest of the file is skipped.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::NotRecovered(_) | Self::OverBudget { .. })
    }
}
