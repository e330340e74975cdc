//! Headings of tables that can be sorted.

use crate::filter::{Sort, SortColumn};

/// A column heading, with a link that sorts by it.
pub(super) struct Heading {
    pub(super) label: &'static str,
    pub(super) class: &'static str,
    pub(super) href: String,
    /// `ascending` or `descending` for the column of the order, as `aria-sort` of the header.
    pub(super) order: Option<&'static str>,
}

impl Heading {
    /// The heading of a column; another click on the column of the order reverses it.
    pub(super) fn new<C: SortColumn>(
        current: Sort<C>,
        (column, label, class): (C, &'static str, &'static str),
        address: impl Fn(Sort<C>) -> String,
    ) -> Self {
        let is_current = current.column == column;
        let reversed = is_current && !current.reversed;
        let order = is_current.then(|| {
            let is_ascending = column.is_ascending() != current.reversed;
            if is_ascending { "ascending" } else { "descending" }
        });
        Self { label, class, href: address(Sort { column, reversed }), order }
    }
}
