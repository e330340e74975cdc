//! Paths of fields, and errors that name one.

use std::fmt;

use thiserror::Error;

/// A step from a field to one in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathStep {
    /// A key of a mapping.
    Field(String),
    /// An item of a list, from 0.
    Index(usize),
}

/// The way to a field from the root of a [`TagPolicySpec`](super::TagPolicySpec).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct FieldPath(Vec<PathStep>);

impl FieldPath {
    /// The path of a field in this one.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.step(PathStep::Field(name.to_owned()))
    }

    /// The path of an item of this list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.step(PathStep::Index(index))
    }

    /// Whether one of the two contains the other, or both are the same.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }

    /// Whether the step `from_end` steps before the last one is this field; 0 is the last step.
    pub(super) fn ends_with(&self, from_end: usize, name: &str) -> bool {
        let at = self.0.len().checked_sub(from_end + 1);
        matches!(at.and_then(|at| self.0.get(at)), Some(PathStep::Field(field)) if field == name)
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    fn step(&self, step: PathStep) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spec")?;
        for step in &self.0 {
            match step {
                PathStep::Field(name) => write!(f, ".{}", shortened(name))?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A field's name comes from the user, and has no limit.
fn shortened(name: &str) -> &str {
    name.get(..name.floor_char_boundary(64)).unwrap_or_default()
}

/// What is wrong with a field of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {message}")]
pub struct PolicyError {
    /// Path of the field with the mistake.
    pub path: FieldPath,
    /// What is wrong, and what was expected; safe for a terminal.
    pub message: String,
    /// Whether the field's name is wrong, rather than its value.
    pub of_name: bool,
}

impl PolicyError {
    pub(super) fn at(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), of_name: false }
    }
}
