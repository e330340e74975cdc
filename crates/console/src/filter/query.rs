//! From a filter to an address.

use form_urlencoded::Serializer;

use super::teams::append_teams;
use super::{Filter, PerPage, Sort, SortColumn};
use crate::url::with_query;

/// The field `sort`, where the order is not the usual one.
pub(super) fn append_sort<C: SortColumn>(query: &mut Serializer<'_, String>, sort: Sort<C>) {
    if sort != Sort::default() {
        query.append_pair("sort", &sort.to_query());
    }
}

/// The fields that choose a page, where it is not the first one of the usual size.
pub(super) fn append_page(query: &mut Serializer<'_, String>, page: usize, per_page: PerPage) {
    if let Some(rows) = per_page.to_query() {
        query.append_pair("per_page", &rows);
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
}

impl Filter {
    /// The address of the table of issues with this filter.
    pub(crate) fn address(&self) -> String {
        self.address_at("/issues")
    }

    /// The same for another path, such as an export.
    pub(crate) fn address_at(&self, path: &str) -> String {
        with_query(path, &self.query())
    }

    /// The query alone; empty for a filter that admits everything in the usual order.
    pub(crate) fn query(&self) -> String {
        let Self {
            namespaces,
            kinds,
            severities,
            outcomes,
            rules,
            images,
            registries,
            classes,
            names,
            containers,
            since,
            teams,
            text,
            exempt,
            sort,
            page,
            per_page,
        } = self;
        let mut query = Serializer::new(String::new());
        query.extend_pairs(namespaces.iter().map(|namespace| ("namespace", namespace.raw())));
        query.extend_pairs(kinds.iter().map(|kind| ("kind", kind.raw())));
        query.extend_pairs(severities.iter().map(|severity| ("severity", severity.as_str())));
        query.extend_pairs(outcomes.iter().map(|outcome| ("result", outcome.as_str())));
        query.extend_pairs(rules.iter().map(|rule| ("rule", rule)));
        for (field, values) in
            [("image", images), ("registry", registries), ("name", names), ("container", containers)]
        {
            query.extend_pairs(values.iter().map(|value| (field, value.raw())));
        }
        query.extend_pairs(classes.iter().map(|class| ("class", class.as_str())));
        if let Some(since) = since {
            query.append_pair("since", &since.to_query());
        }
        append_teams(&mut query, teams);
        if !text.is_empty() {
            query.append_pair("q", text);
        }
        if let Some(exempt) = exempt {
            query.append_pair("exempt", exempt.as_str());
        }
        append_sort(&mut query, *sort);
        append_page(&mut query, *page, *per_page);
        query.finish()
    }

    /// The first page in another order.
    pub(crate) fn sorted(&self, sort: Sort) -> Self {
        Self { sort, page: 0, ..self.clone() }
    }

    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }
}
