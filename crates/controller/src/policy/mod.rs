//! The policy of the cluster: which `TagPolicy` counts, whether it is valid, and what its status says.

mod active;
mod control;
mod exemptions;
mod follow;
mod status;
mod writer;

pub(crate) use active::ActivePolicy;
pub(crate) use exemptions::exemption_counts;
pub(crate) use follow::follow;
pub(crate) use writer::keep_status;
