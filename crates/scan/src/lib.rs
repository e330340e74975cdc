//! tagwatch-scan: manifests in, findings out. It reads YAML and JSON from files, folders and standard input, finds the
//! workloads and the position of every value, evaluates them with tagwatch-core, and writes the results. It does not
//! connect to a cluster.

mod baseline;
mod charts;
mod cluster;
mod compose;
mod exit;
mod file;
mod input;
mod kustomize;
mod manifest;
mod note;
pub mod output;
mod parallel;
mod pieces;
mod policy_file;
mod render;
pub mod report;
mod scan;
mod serialize;
mod yaml;

pub use baseline::{Baseline, BaselineError, KnownFindings};
pub use cluster::ClusterReport;
pub use exit::{ExitStatus, FailOn};
pub use input::{Exclude, InvalidGlob};
pub use policy_file::{FoundPolicy, POLICY_FILE_NAME, PolicyFile, PolicyFileError, PolicyMetadata};
pub use render::Render;
pub use scan::{ScanOptions, scan};
