//! The fault bench: what tagwatch does while its API server, the way to it and its own processes fail.
//!
//! An [`ApiDouble`] is an API server inside this process. [`check_api`] is a script of checks that it and the real
//! kube-apiserver pass alike. [`FaultLayer`] sits before either and numbers every request; [`FaultPlan`]s, made from a
//! seed, say what goes wrong. [`simulate`] runs the controller through one under paused time, and compares what it leaves
//! behind with a run without faults.

mod clock;
mod conformance;
mod double;
mod fault;
mod oracle;
mod plans;
mod random;
mod record;
mod scenario;
mod served;
mod simulation;

pub use clock::{ClockError, SimulatedClock};
pub use conformance::check_api;
pub use double::{
    ApiDouble, Caller, Change, ChangeKind, Part, Preconditions, Resource, Store, Verb, resource_named,
};
pub use fault::{
    Answer, AnswerBody, Fault, FaultLayer, FaultRule, FiredFault, KillPoint, Killed, RequestInfo,
    StreamFault, Trigger, Upstream,
};
pub use oracle::{
    EndState, Oracle, TAKEOVER_AFTER_KILL, TAKEOVER_AFTER_STOP, Violation, drop_fields, hurried, safety,
    takeover,
};
pub use plans::{Action, Family, FaultPlan, sample, sample_of, sample_real};
pub use record::{Record, RecordedWrite};
pub use scenario::{GARBAGE_COLLECTOR, SCENARIO, Step, collect_garbage, holder, meddle, prepare, steps};
pub use served::{CONSOLE_PATHS, Served, compare};
pub use simulation::{Simulated, simulate};
