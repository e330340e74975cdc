//! Faults between a client and an API server, whichever that is.

mod layer;
mod rival;
mod rule;
mod stream;
mod upstream;

pub use layer::{FaultLayer, FiredFault, Killed, RequestInfo};
pub(crate) use rival::spoil;
pub use rule::{Fault, FaultRule, KillPoint, StreamFault, Trigger};
pub use upstream::{Answer, AnswerBody, Upstream};
