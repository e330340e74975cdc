//! Which issues or workloads a page shows, and in which order. The whole filter is part of the address.

mod issues;
mod pagination;
mod parse;
mod query;
mod sort;
mod workloads;

pub(crate) use issues::{Exempt, Filter};
pub(crate) use pagination::Pagination;
pub(crate) use parse::{QueryFilter, UnknownFields};
pub(crate) use sort::{Column, Sort};
pub(crate) use workloads::WorkloadFilter;
