//! Which of several replicas leads, by a `Lease` of `coordination.k8s.io` with the semantics of client-go's
//! `tools/leaderelection`: the record is judged by when this replica saw it change, on the monotonic clock, and never by the
//! times in it, which come from another machine's clock.

mod elector;
mod options;
mod record;

pub(crate) use elector::Elector;
pub use options::{LeaseOptions, LeaseTiming};

#[cfg(test)]
mod tests;
