//! From the shared state to a report that is wanted: assembles a workload, judges it, and builds its report. Nothing here
//! waits or writes.

mod build;
mod evaluation;
mod field_owner;
mod issues;

pub(crate) use build::{Built, build};
pub(crate) use evaluation::{Evaluation, Judge};
pub(crate) use field_owner::FieldOwner;
pub(crate) use issues::{Judged, JudgedWorkload, judge};
