//! From the shared state to a report that is wanted: assembles a workload, judges it, and builds its report. Nothing here
//! waits or writes.

mod assemble;
mod build;
mod field_owner;
mod issues;

pub(crate) use assemble::{Assembler, Evaluation};
pub(crate) use build::WantedReport;
pub(crate) use field_owner::FieldOwner;
pub(crate) use issues::{JudgeOutcome, JudgedWorkload};
