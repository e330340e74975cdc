//! Faults between a client and an API server, whichever that is.

mod layer;
mod rule;
mod stream;
mod upstream;

pub use layer::{FaultLayer, FiredFault, Killed, RequestInfo};
pub use rule::{Fault, FaultRule, KillPoint, StreamFault, Trigger};
pub use upstream::{Answer, AnswerBody, Upstream};
