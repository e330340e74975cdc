//! Our reports on the API server: whether the report API is there, and what it holds.

mod api;
mod follow;
mod index;
mod key;

pub(crate) use api::ReportApi;
pub(crate) use follow::{ReportEvents, follow};
pub(crate) use index::{Known, ReportIndex};
pub(crate) use key::ReportKey;
