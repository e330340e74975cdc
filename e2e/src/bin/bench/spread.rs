//! Summaries of repeated measurements.

use std::fmt;

/// Median, smallest and largest of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` of no values at all.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let sorted = sorted(values);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median, min, max })
    }
}

/// `median (min–max)`, with the precision that the format asks for.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self { median, min, max } = self;
        write!(f, "{median:.digits$} ({min:.digits$}–{max:.digits$})")
    }
}

/// Median, 99th percentile and largest of some values; a percentile is one of the values (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Percentiles {
    /// `None` of no values at all.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let sorted = sorted(values);
        let rank =
            |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Some(Self { p50: rank(50)?, p99: rank(99)?, max: rank(100)? })
    }
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_of_odd_and_even_counts() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([]), None);
        let shown = format!("{:.1}", Spread { median: 2.0, min: 1.25, max: 3.0 });
        assert_eq!(shown, "2.0 (1.2–3.0)");
    }

    #[test]
    fn percentiles_are_values_by_nearest_rank() {
        let hundred = (1..=100).map(f64::from);
        assert_eq!(Percentiles::of(hundred), Some(Percentiles { p50: 50.0, p99: 99.0, max: 100.0 }));
        let two_hundred = (1..=200).map(f64::from);
        assert_eq!(Percentiles::of(two_hundred), Some(Percentiles { p50: 100.0, p99: 198.0, max: 200.0 }));
        assert_eq!(Percentiles::of([7.0]), Some(Percentiles { p50: 7.0, p99: 7.0, max: 7.0 }));
        assert_eq!(Percentiles::of([]), None);
    }
}
