//! Mutability classes of image references.
//!
//! [`Classifier::classify`] walks the table of classes from the top; the first that matches wins. The row about what a
//! cluster proved is [`Classification::with_proof`], since the evidence of a container decides it. A file each
//! holds what makes a tag unique, what makes it a version and what makes it float; `words` is the data that
//! they share, `publishers` the data on who moves what, and `parts` how they cut a tag.

mod class;
mod classify;
mod declared_floating;
mod evidence;
mod floating;
mod parts;
mod publishers;
mod reference_globs;
mod unique;
mod version;
mod words;

pub use crate::glob::GlobError;
pub use class::{Classification, Confidence, TagClass};
pub use classify::Classifier;
pub(crate) use declared_floating::DeclaredFloating;
pub use publishers::ImmutablePreset;
pub use reference_globs::{InvalidGlob, InvalidGlobReason, ReferenceGlobs};
