//! From the shared state to a report that is wanted: assembles a workload, judges it, and builds its report. Nothing here
//! waits or writes.

mod assemble;
mod build;
mod field_owner;
mod verdicts;

pub(crate) use assemble::{Evaluation, Judge};
pub(crate) use build::Built;
pub(crate) use field_owner::FieldOwner;
pub(crate) use verdicts::{JudgeOutcome, JudgedWorkload};
