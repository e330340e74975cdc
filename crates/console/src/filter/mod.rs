//! Which issues or workloads a page shows, and in which order. The whole filter is part of the address.

mod changes;
mod images;
mod issues;
mod pagination;
mod parse;
mod query;
mod since;
mod sort;
mod workloads;

pub(crate) use changes::ChangeFilter;
pub(crate) use images::{Grouping, ImageFilter};
pub(crate) use issues::{Exempt, Filter};
pub(crate) use pagination::Pagination;
pub(crate) use parse::{QueryFilter, UnknownFields};
pub(crate) use since::Since;
pub(crate) use sort::{Column, Sort};
pub(crate) use workloads::WorkloadFilter;
