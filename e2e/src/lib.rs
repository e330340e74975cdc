//! The harness of the tests, the demo and the benchmarks that need a cluster.
//!
//! [`ControlPlane`] starts a real etcd, kube-apiserver and controller manager; [`AuditLog`] counts
//! requests by client; [`Kubelet`] writes pod statuses as a kubelet would; [`Namespace`] gives each test a namespace
//! of its own; [`TagwatchProcess`] runs the real binary, a [`Prometheus`](monitoring::Prometheus) scrapes it, and
//! [`Browser`] looks at its console with a real Chromium; [`eventually`] waits on conditions. Nothing here sleeps to
//! synchronise, and every process that it starts is ended by its id.

mod audit;
mod browser;
mod certificate;
mod control_plane;
mod dump;
mod get;
mod helm;
mod image_volumes;
mod kubelet;
pub mod monitoring;
mod namespace;
mod process;
pub mod samples;
mod tagwatch;
mod wait;

use std::path::Path;

pub use audit::{AuditLog, Mark, Request, Requests};
pub use browser::{Browser, Checked};
pub use certificate::{CERTIFICATE_NAME, write_certificate};
pub use control_plane::{Component, ControlPlane, Identity, Options, kubeconfig_as};
pub use get::get;
pub use helm::{built, helm};
pub use image_volumes::stores_image_volumes;
pub use kubelet::{JobPods, Kubelet, KubeletTask, Scope};
pub use namespace::Namespace;
pub use tagwatch::{Memory, TagwatchProcess, binary as tagwatch_binary};
pub use wait::eventually;

/// The checkout that this was built from.
pub fn checkout() -> &'static Path {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().unwrap_or(folder)
}
