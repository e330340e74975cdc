//! Everything that leaves the process by a write: reports, events, the status of the policy and proofs, all through one
//! writer; and the published states of workloads, which follow the stored reports.

mod attempts;
mod cleanup;
mod console;
pub(crate) mod events;
mod policy_status;
mod proofs;
mod report_writer;
mod results;
mod retries;
mod strays;
mod writer;

pub(crate) use events::{EventPublisher, PendingEvent};
pub(crate) use policy_status::PolicyStatusWriter;
pub(crate) use proofs::ProofKeeper;
pub(crate) use report_writer::{ReportWriter, WriteOutcome};
pub(crate) use results::ResultPublisher;
pub(crate) use retries::Failure;
pub(crate) use writer::{ClusterWriter, WriteError};
