//! tagwatch-console: the issues as pages and as JSON. It reads a [`Snapshot`] that whoever judges keeps in memory, sees
//! neither cluster nor files, and lets in whom an [`Authorizer`] lets in.

mod access;
mod api;
mod draw;
mod export;
mod filter;
mod http;
mod pages;
mod record;
mod remedy;
mod snapshot;
mod source;
mod text;
mod view;

pub use access::{Answer, Authorizer, Caller, Denied, OpenToAll, Token, Visible};
pub use http::{Options, router};
pub use remedy::{Remedy, remedies};
pub use snapshot::{ContainerFacts, EditMode, Facts, RuleState, Snapshot, Workload, WorkloadInput};
pub use source::Source;
