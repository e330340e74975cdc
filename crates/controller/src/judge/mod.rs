//! From the shared state to a report that is wanted: assembles a workload, judges it, and builds its report. Nothing here
//! waits or writes.

mod evaluation;
mod field_owner;

pub(crate) use evaluation::{Built, Evaluation, Judge, Judged, JudgedWorkload};
pub(crate) use field_owner::FieldOwner;
