//! From verdicts to a report, from two reports to a write, and what the API server says of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in tests, but not in their helpers"
)]

mod carried;
mod changes;
mod history;
mod limits;
mod plan;
mod schema;
mod shape;
mod support;
