//! The filter of namespaces.

use form_urlencoded::Serializer;
use tagwatch_core::issue::Tally;
use tagwatch_core::text::UntrustedText;

use super::parse::{add, number, quoted, search_text, text};
use super::query::{append_page, append_sort};
use super::teams::{admits_team, append_teams};
use super::{PerPage, QueryFilter, Sort, SortColumn, UnknownFields, contains};
use crate::url::with_query;

/// A column that the table of namespaces can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum NamespaceColumn {
    /// The most first.
    #[default]
    Findings,
    Name,
    /// The most first.
    Workloads,
    /// The lowest first; last, what has none.
    Score,
}

impl SortColumn for NamespaceColumn {
    const ALL: &'static [Self] = &[Self::Findings, Self::Name, Self::Workloads, Self::Score];

    fn as_str(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Name => "name",
            Self::Workloads => "workloads",
            Self::Score => "score",
        }
    }

    fn is_ascending(self) -> bool {
        matches!(self, Self::Name | Self::Score)
    }
}

/// A selection of namespaces, and their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NamespaceFilter {
    /// Part of a name. The case of ASCII letters does not matter.
    pub(crate) text: String,
    pub(crate) teams: Vec<UntrustedText>,
    pub(crate) sort: Sort<NamespaceColumn>,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
    pub(crate) per_page: PerPage,
}

/// A namespace of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedNamespace<'a> {
    pub(crate) name: &'a UntrustedText,
    pub(crate) tally: &'a Tally,
    pub(crate) team: Option<&'a UntrustedText>,
}

impl QueryFilter for NamespaceFilter {
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            _ if value.is_empty() => {}
            "q" => self.text = search_text(value)?,
            "team" => add(&mut self.teams, name, value, text)?,
            "sort" => self.sort = Sort::parse(value)?,
            "page" => self.page = number(name, value)?,
            "per_page" => self.per_page = PerPage::parse(value)?,
            _ if unknown == UnknownFields::Ignored => {}
            _ => {
                return Err(format!(
                    "{} is no field: expected q, team, sort, page or per_page",
                    quoted(name)
                ));
            }
        }
        Ok(())
    }
}

impl NamespaceFilter {
    /// Whether the filter excludes anything.
    pub(crate) fn is_narrow(&self) -> bool {
        !self.text.is_empty() || !self.teams.is_empty()
    }

    /// The namespaces that the filter admits, in its order. `namespaces` must be in the order of their names.
    pub(crate) fn select<'a>(
        &self,
        namespaces: impl Iterator<Item = ListedNamespace<'a>>,
    ) -> Vec<ListedNamespace<'a>> {
        let admits = |namespace: &ListedNamespace<'_>| {
            (self.text.is_empty() || contains(namespace.name.raw(), &self.text))
                && admits_team(&self.teams, namespace.team)
        };
        let mut selected: Vec<_> = namespaces.filter(admits).collect();
        self.sort.apply_by(&mut selected, |column, one, other| match column {
            NamespaceColumn::Findings => other.tally.findings().cmp(&one.tally.findings()),
            NamespaceColumn::Name => one.name.cmp(other.name),
            NamespaceColumn::Workloads => other.tally.workloads().cmp(&one.tally.workloads()),
            NamespaceColumn::Score => {
                let score = |of: &ListedNamespace<'_>| of.tally.score().unwrap_or(usize::MAX);
                score(one).cmp(&score(other))
            }
        });
        selected
    }

    /// The address of the table of namespaces with this filter.
    pub(crate) fn address(&self) -> String {
        let Self { text, teams, sort, page, per_page } = self;
        let mut query = Serializer::new(String::new());
        if !text.is_empty() {
            query.append_pair("q", text);
        }
        append_teams(&mut query, teams);
        append_sort(&mut query, *sort);
        append_page(&mut query, *page, *per_page);
        with_query("/namespaces", &query.finish())
    }

    /// The first page in another order.
    pub(crate) fn sorted(&self, sort: Sort<NamespaceColumn>) -> Self {
        Self { sort, page: 0, ..self.clone() }
    }

    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }
}
