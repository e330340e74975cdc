//! Judging as a whole: the literate fixtures, the rules' documentation, and hostile input.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows them in test functions, not in the helpers of an integration test"
)]

mod drift;
mod fixture;
mod hostile;
mod matching_kinds;
mod policies;
mod profiles;
mod rule_docs;
mod support;
mod verdicts;
