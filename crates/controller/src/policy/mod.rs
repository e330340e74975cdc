//! The policy of the cluster: which `TagPolicy` counts, whether it is valid, and what its status says.

mod choice;
mod control;
mod follow;
mod status;
mod tally;
mod writer;

pub(crate) use choice::Choice;
pub(crate) use follow::follow;
pub(crate) use tally::Tally;
pub(crate) use writer::keep_status;
