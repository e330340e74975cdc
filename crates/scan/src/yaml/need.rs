//! How much of a document is needed.

/// What is needed of a document. All of it is checked, whatever is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    Nothing,
    /// Of each mapping, the entries whose keys the function picks, wherever the mapping is among what is needed.
    Keys(fn(&str) -> bool),
    Everything,
}
