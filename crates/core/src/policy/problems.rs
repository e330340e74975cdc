//! Collects the mistakes of a policy.

use super::path::{FieldPath, PolicyError};
use crate::glob::Globs;
use crate::tag::ReferenceGlobs;

#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) errors: Vec<PolicyError>,
    /// Globs compiled so far: equal ones are compiled once.
    globs: Globs,
}

impl Problems {
    pub(super) fn add(&mut self, path: &FieldPath, message: impl Into<String>) {
        self.errors.push(PolicyError::at(path.clone(), message));
    }

    pub(super) fn globs(&mut self) -> &mut Globs {
        &mut self.globs
    }

    /// Compiles globs of references; each bad one is a problem of its own.
    pub(super) fn reference_globs(&mut self, globs: &[String], path: &FieldPath) -> ReferenceGlobs {
        let mut compiled = ReferenceGlobs::default();
        for (index, glob) in globs.iter().enumerate() {
            if let Err(error) = compiled.add(glob.as_str(), &mut self.globs) {
                self.add(&path.index(index), error.to_string());
            }
        }
        compiled
    }

    pub(super) fn non_empty(&mut self, text: &str, path: &FieldPath, expected: &str) {
        if text.trim().is_empty() {
            self.add(path, format!("this is empty; expected {expected}"));
        }
    }
}
