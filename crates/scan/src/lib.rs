//! tagwatch-scan: manifests in, findings out. It reads YAML and JSON from files, folders and standard input, finds
//! the workloads in them together with the place of every value, lets tagwatch-core judge them, and writes the
//! result. It speaks to no cluster.

mod exit;
mod input;
mod manifest;
pub mod output;
mod policy_file;
pub mod report;
mod scan;
mod yaml;

pub use exit::{ExitStatus, FailOn};
pub use policy_file::{FoundPolicy, POLICY_FILE_NAME, PolicyFile, PolicyFileError, PolicyMetadata};
pub use scan::{PolicyExemptions, ScanOptions, scan};
