//! The filter of workloads.

use std::cmp::Ordering;

use form_urlencoded::Serializer;
use jiff::Timestamp;
use tagwatch_core::issue::Status;
use tagwatch_core::text::UntrustedText;

use super::parse::{add, number, one_of, quoted, search_text, text};
use super::query::{append_page, append_sort};
use super::teams::{admits_team, append_teams};
use super::{PerPage, QueryFilter, Sort, SortColumn, UnknownFields, contains};
use crate::snapshot::Workload;
use crate::url::{key, with_query};

/// A column that the table of workloads can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum WorkloadColumn {
    /// The worst first, then by namespace, kind and name: the order of the snapshot.
    #[default]
    Status,
    Namespace,
    Kind,
    Name,
    /// The most first.
    Findings,
    /// The most first.
    Containers,
    /// By the oldest open issue, the oldest first; last, what has none.
    Age,
}

impl SortColumn for WorkloadColumn {
    const ALL: &'static [Self] =
        &[Self::Status, Self::Namespace, Self::Kind, Self::Name, Self::Findings, Self::Containers, Self::Age];

    fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Namespace => "namespace",
            Self::Kind => "kind",
            Self::Name => "name",
            Self::Findings => "findings",
            Self::Containers => "containers",
            Self::Age => "age",
        }
    }

    fn is_ascending(self) -> bool {
        matches!(self, Self::Namespace | Self::Kind | Self::Name)
    }
}

/// A selection of workloads, and their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WorkloadFilter {
    pub(crate) namespace: Option<UntrustedText>,
    pub(crate) status: Option<Status>,
    pub(crate) teams: Vec<UntrustedText>,
    /// Part of a name or an image. The case of ASCII letters does not matter.
    pub(crate) text: String,
    pub(crate) sort: Sort<WorkloadColumn>,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
    pub(crate) per_page: PerPage,
}

impl QueryFilter for WorkloadFilter {
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            _ if value.is_empty() => {}
            "namespace" => self.namespace = Some(value.into()),
            "status" => self.status = Some(one_of(name, value, &Status::ALL, |status| status.as_str())?),
            "team" => add(&mut self.teams, name, value, text)?,
            "q" => self.text = search_text(value)?,
            "sort" => self.sort = Sort::parse(value)?,
            "page" => self.page = number(name, value)?,
            "per_page" => self.per_page = PerPage::parse(value)?,
            _ if unknown == UnknownFields::Ignored => {}
            _ => {
                return Err(format!(
                    "{} is no field: expected namespace, status, team, q, sort, page or per_page",
                    quoted(name)
                ));
            }
        }
        Ok(())
    }
}

impl WorkloadFilter {
    pub(crate) fn of_namespace(namespace: &UntrustedText) -> Self {
        Self { namespace: Some(key(namespace)), ..Self::default() }
    }

    /// The workloads that the filter admits, in its order. `workloads` must be in the order of the snapshot.
    pub(crate) fn select<'a>(&self, workloads: impl Iterator<Item = &'a Workload>) -> Vec<&'a Workload> {
        let has_status = |workload: &&Workload| self.status.is_none_or(|status| workload.status == status);
        let mut selected: Vec<_> = self.select_unordered(workloads).filter(has_status).collect();
        self.sort.apply_by(&mut selected, |column, one, other| compare(column, one, other));
        selected
    }

    /// The workloads of every status.
    pub(crate) fn select_unordered<'a>(
        &self,
        workloads: impl Iterator<Item = &'a Workload>,
    ) -> impl Iterator<Item = &'a Workload> {
        workloads.filter(|workload| {
            self.namespace.as_ref().is_none_or(|admitted| key(&workload.namespace) == *admitted)
                && admits_team(&self.teams, workload.team.as_ref())
                && self.admits_text(workload)
        })
    }

    fn admits_text(&self, workload: &Workload) -> bool {
        let Workload { namespace, kind, name, containers, .. } = workload;
        let of_containers = containers.iter().flat_map(|container| [&container.name, &container.image]);
        let mut texts = [namespace, kind, name].into_iter().chain(of_containers);
        self.text.is_empty() || texts.any(|text| contains(text.raw(), &self.text))
    }

    /// The address of the table of workloads with this filter.
    pub(crate) fn address(&self) -> String {
        let Self { namespace, status, teams, text, sort, page, per_page } = self;
        let mut query = Serializer::new(String::new());
        if let Some(namespace) = namespace {
            query.append_pair("namespace", namespace.raw());
        }
        if let Some(status) = status {
            query.append_pair("status", status.as_str());
        }
        append_teams(&mut query, teams);
        if !text.is_empty() {
            query.append_pair("q", text);
        }
        append_sort(&mut query, *sort);
        append_page(&mut query, *page, *per_page);
        with_query("/workloads", &query.finish())
    }

    /// The first page of another status, or of all.
    pub(crate) fn with_status(&self, status: Option<Status>) -> Self {
        Self { status, page: 0, ..self.clone() }
    }

    /// The first page in another order.
    pub(crate) fn sorted(&self, sort: Sort<WorkloadColumn>) -> Self {
        Self { sort, page: 0, ..self.clone() }
    }

    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }
}

fn compare(column: WorkloadColumn, one: &Workload, other: &Workload) -> Ordering {
    // Behind every time that an issue can have.
    let since =
        |workload: &Workload| workload.open().map(|issue| issue.first_seen).min().unwrap_or(Timestamp::MAX);
    match column {
        WorkloadColumn::Status => one.status.cmp(&other.status),
        WorkloadColumn::Namespace => one.namespace.cmp(&other.namespace),
        WorkloadColumn::Kind => one.kind.cmp(&other.kind),
        WorkloadColumn::Name => one.name.cmp(&other.name),
        WorkloadColumn::Findings => other.open().count().cmp(&one.open().count()),
        WorkloadColumn::Containers => other.containers.len().cmp(&one.containers.len()),
        WorkloadColumn::Age => since(one).cmp(&since(other)),
    }
}
