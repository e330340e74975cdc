//! tagwatch-core: what tagwatch judges, and how. It reads an image reference, decides how likely its tag is
//! to move, works out the pull policy that counts, and runs the rules over a workload's containers. It is
//! pure: no client, no runtime, no files, no environment, no clock; the controller and the scan command feed
//! it the same model and get the same findings.

pub mod drift;
pub mod engine;
pub mod evidence;
pub mod finding;
mod glob;
pub mod issue;
pub mod kinds;
pub mod policy;
pub mod pull_policy;
pub mod reference;
pub mod rules;
pub mod suggest;
pub mod tag;
pub mod text;
pub mod workload;
