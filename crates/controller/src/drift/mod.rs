//! What really runs (`rules.md`, section 6): which digest each reference resolved to, on which pods and nodes.
//!
//! The index is fed by the watches of pods and nodes and says which workloads a change matters to; [`attach`] hangs
//! what is known of a workload on its containers, for the rules to judge. Proofs that a tag moved outlive their pods
//! and our process in a `ConfigMap`.

mod attach;
mod failing;
mod feed;
mod frozen;
mod index;
mod nodes;
mod pods;
mod proofs;
mod references;
mod restarts;
mod runs;
mod scene;
mod states;
mod store;
mod tasks;

pub(crate) use attach::{attach, forget};
pub(crate) use index::DriftIndex;
pub(crate) use pods::seconds;
pub(crate) use tasks::{settle, spawn};
