//! The way to the API server: one client for everything, with a time limit on every call and a count of
//! every answer, which also tells the time over there.

mod client;
mod clock;
mod limits;
mod served;
mod telemetry;

pub use client::{ClientError, connect};
pub use clock::ServerClock;
pub use kube::Client;
pub(crate) use limits::{CALL_LIMIT, describe};
pub use limits::{CallError, LIST_LIMIT, call};
pub(crate) use served::is_served;
pub use telemetry::RequestCounter;
