//! How many rows a page has.

use super::parse::quoted;

/// Rows of a page, where the filter does not say.
const DEFAULT: usize = 50;
/// Most rows: a page of so many stays below 150 KiB.
const MAX: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PerPage(usize);

impl Default for PerPage {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl PerPage {
    /// The choices of a form.
    pub(crate) const CHOICES: [Self; 3] = [Self(20), Self(DEFAULT), Self(MAX)];

    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let rows = value.parse().ok().filter(|rows| (1..=MAX).contains(rows));
        rows.map(Self).ok_or_else(|| format!("per_page: {} is no number from 1 to {MAX}", quoted(value)))
    }

    pub(crate) fn rows(self) -> usize {
        self.0
    }

    /// The value in an address; `None` for the default.
    pub(crate) fn to_query(self) -> Option<String> {
        (self != Self::default()).then(|| self.0.to_string())
    }
}
