//! Pages of a long list.

/// Rows of a page.
const ROWS: usize = 50;

/// One page of a list, with links to the pages before and after it.
pub(crate) struct Pagination {
    /// Number of the page, from 1.
    pub(crate) number: usize,
    pub(crate) count: usize,
    /// Position of the first row in the whole list, from 1; 0 when the list is empty.
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

impl Pagination {
    /// A number beyond the last page means the last page.
    pub(crate) fn new(number: usize, total: usize, address: impl Fn(usize) -> String) -> Self {
        let count = total.div_ceil(ROWS).max(1);
        let number = number.clamp(1, count);
        Self {
            number,
            count,
            first: (number - 1) * ROWS + usize::from(total > 0),
            last: (number * ROWS).min(total),
            previous: (number > 1).then(|| address(number - 1)),
            next: (number < count).then(|| address(number + 1)),
        }
    }

    /// The rows of this page.
    pub(crate) fn rows<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        all.get((self.number - 1) * ROWS..self.last).unwrap_or_default()
    }
}
