//! The real binary, as a person or a script would run it.
#![allow(clippy::unwrap_used)] // helpers of tests are no tests to clippy

mod cases;
mod cluster;
mod completions;
mod generate;
mod narrow;
mod outputs;
mod pipes;
mod rules;
mod scan;
mod support;
mod usage;
