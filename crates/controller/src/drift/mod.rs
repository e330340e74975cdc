//! What feeds the index beside pods for the rules of drift (verdict semantics, section 6): the watch of nodes, and
//! proofs that a tag moved, which outlive their pods and our process in a `ConfigMap`.

mod store;
mod tasks;

pub(crate) use tasks::{settle, spawn};
