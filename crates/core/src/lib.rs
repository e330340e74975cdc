//! tagwatch-core: what tagwatch checks, and how. It parses an image reference, decides how likely its tag is to move,
//! finds the pull policy that the kubelet applies, and runs the rules over a workload's containers. It is pure: no
//! client, no runtime, no files, no environment, no clock. The controller and the scan command build the same model and
//! get the same findings.

pub mod docs;
pub mod drift;
pub mod engine;
pub mod evidence;
pub mod exemption;
pub mod fair;
pub mod finding;
mod glob;
pub mod issue;
pub mod kinds;
mod named;
pub mod outcome;
pub mod policy;
pub mod pull_policy;
pub mod reference;
pub mod rules;
pub mod structured;
pub mod suggest;
pub mod tag;
pub mod text;
pub mod workload;
