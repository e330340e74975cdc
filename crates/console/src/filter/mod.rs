//! Which issues or workloads a page shows, and in which order. The whole filter is part of the address.

mod changes;
mod exemptions;
mod images;
mod issues;
mod namespaces;
mod pagination;
mod parse;
mod per_page;
mod query;
mod since;
mod sort;
mod teams;
mod workloads;

pub(crate) use changes::ChangeFilter;
pub(crate) use exemptions::{ExemptionFilter, ExemptionState};
pub(crate) use images::{Grouping, ImageFilter};
use issues::contains;
pub(crate) use issues::{Exempt, Filter};
pub(crate) use namespaces::{ListedNamespace, NamespaceColumn, NamespaceFilter};
pub(crate) use pagination::Pagination;
pub(crate) use parse::{OTHER, QueryFilter, UnknownFields};
pub(crate) use per_page::PerPage;
pub(crate) use since::Since;
pub(crate) use sort::{Column, Sort, SortColumn};
pub(crate) use teams::NO_TEAM;
pub(crate) use workloads::{WorkloadColumn, WorkloadFilter};
