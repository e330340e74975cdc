//! Our reports on the API server: whether the report API is there, what it holds, and the one way to write it.

mod follow;
mod index;
mod writer;

pub(crate) use follow::{ReportEvents, follow};
pub(crate) use index::{Known, ReportIndex, ReportKey};
pub(crate) use writer::{Refusal, Writer};
