//! Scans manifests through the public interface.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in tests, but not in their helpers"
)]

mod baseline;
mod broken;
mod cluster;
mod compose;
mod contract;
mod coverage;

mod documentation;
mod formats;
mod hidden_images;
mod inputs;
mod kubectl;
mod kustomize;
mod literate;
mod misplaced;
mod policy;
mod policy_documentation;
mod policy_errors;
#[cfg(unix)]
mod render;
mod support;
mod table;
mod transformers;
mod values;
