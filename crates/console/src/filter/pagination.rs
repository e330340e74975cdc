//! Pages of a long list.

use super::PerPage;
use crate::text::HtmlText;

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
    /// Position of the first row in the whole list, from 0.
    begin: usize,
}

impl Pagination {
    /// A number beyond the last page means the last page.
    pub(crate) fn new(
        number: usize,
        per_page: PerPage,
        total: usize,
        address: impl Fn(usize) -> String,
    ) -> Self {
        let rows = per_page.rows();
        let count = total.div_ceil(rows).max(1);
        let number = number.clamp(1, count);
        let begin = (number - 1) * rows;
        Self {
            number,
            count,
            first: begin + usize::from(total > 0),
            last: (number * rows).min(total),
            begin,
            previous: (number > 1).then(|| address(number - 1)),
            next: (number < count).then(|| address(number + 1)),
        }
    }

    /// The title of the browser's window: the section, what the list is narrowed to, and the number of the page.
    pub(crate) fn title<'a>(&self, section: &str, narrowed: impl Iterator<Item = &'a str>) -> HtmlText {
        let narrowed = narrowed.collect::<Vec<_>>().join(", ");
        let filter = if narrowed.is_empty() { String::new() } else { format!(": {narrowed}") };
        let page = if self.number > 1 { format!(" · page {}", self.number) } else { String::new() };
        HtmlText::line(&format!("{section}{}{page}", head(&filter)))
    }

    /// The rows of this page.
    pub(crate) fn rows<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        all.get(self.begin..self.last).unwrap_or_default()
    }
}

/// Longest filter in a title, in characters.
const MAX_TITLE: usize = 120;

fn head(text: &str) -> String {
    match text.char_indices().nth(MAX_TITLE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
