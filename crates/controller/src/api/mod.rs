//! The way to the API server: one client for everything, with a time limit on every call and a count of
//! every answer.

mod client;
mod limits;
mod telemetry;

pub use client::{ClientError, connect};
pub(crate) use limits::describe;
pub use limits::{CallError, LIST_LIMIT, call};
pub use telemetry::RequestCounter;
