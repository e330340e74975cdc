//! The workloads of `config/samples` on a cluster, and the table of what the rules say of each.
//!
//! The demo and the test of that table load them in the same way.

mod expected;
mod kubectl;
mod load;

use std::path::PathBuf;

use crate::checkout;
pub use expected::{Row, Verdicts, Workload, compare, expected, reported};
pub use kubectl::Kubectl;
pub use load::Samples;

/// The namespaces of the samples.
pub const NAMESPACES: [&str; 4] = ["analytics", "payments", "platform", "shop"];

/// The Node of the mirror pod.
pub const NODE: &str = "worker-1";

/// `config/` of the checkout that this was built from.
pub fn config(path: &str) -> PathBuf {
    checkout().join("config").join(path)
}
