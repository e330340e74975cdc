//! tagwatch-console: the issues as pages and as JSON. It reads a [`Snapshot`] that the controller keeps in memory, never
//! the cluster or files, and serves the namespaces that an [`Authorizer`] allows.

mod absence;
mod access;
mod api;
mod auth;
mod changes;
mod draw;
mod export;
mod files;
mod filter;
mod filtered;
mod frame;
mod health;
mod http;
mod images;
mod pages;
mod record;
mod remedy;
mod router;
mod snapshot;
mod source;
mod text;
mod url;
mod view;

pub use absence::Absence;
pub use access::{Admitted, Answer, Authorizer, Caller, Denied, Peer, Token, Visible};
pub use health::{FailingWatch, Health, InvalidPolicy, UnwrittenInNamespace};
pub use http::Options;
pub use remedy::{Remedy, remedies, remedy_of_container};
pub use router::router;
pub use snapshot::{
    ContainerFacts, ContainerFix, DepartedWorkload, Departures, Facts, RuleState, Snapshot, Workload,
    WorkloadInput,
};
pub use source::Source;
