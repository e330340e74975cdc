//! Paths of fields, and errors that name one.

use std::fmt;

use thiserror::Error;

/// A step from a field to one in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathStep {
    /// A key of a mapping.
    Field(String),
    /// An item of a list, from 0.
    Index(usize),
}

/// The way to a field from the root of a [`TagPolicySpec`](super::TagPolicySpec).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
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
                PathStep::Field(name) => write!(f, ".{name}")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What is wrong with a field of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {message}")]
pub struct PolicyError {
    /// The field.
    pub path: FieldPath,
    /// What is wrong, and what was expected; safe for a terminal.
    pub message: String,
}
