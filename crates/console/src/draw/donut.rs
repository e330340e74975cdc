//! A ring of slices, each of which is a link.

use std::f64::consts::TAU;

const OUTER: f64 = 80.0;
const INNER: f64 = 54.0;
/// Distance between slices, in radians.
const GAP: f64 = 0.03;
/// Smallest angle of a slice in radians, so that it can be clicked.
const LEAST: f64 = 0.12;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) label: String,
    /// Class of the style sheet that sets the colour.
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) count: usize,
    pub(crate) href: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) share: Share,
    pub(crate) path: String,
    pub(crate) percent: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Donut {
    pub(crate) slices: Vec<Slice>,
    pub(crate) total: usize,
}

impl Donut {
    /// Draws the shares above 0, clockwise from the top.
    pub(crate) fn new(shares: Vec<Share>) -> Self {
        let shares: Vec<Share> = shares.into_iter().filter(|share| share.count > 0).collect();
        let total: usize = shares.iter().map(|share| share.count).sum();
        let counts: Vec<usize> = shares.iter().map(|share| share.count).collect();
        let angles = angles(&counts);
        let mut begin = 0.0;
        let mut slices = Vec::with_capacity(shares.len());
        for (share, angle) in shares.into_iter().zip(angles) {
            let percent = (share.count * 200 + total) / (2 * total);
            slices.push(Slice { path: path(begin, angle), percent, share });
            begin += angle;
        }
        Self { slices, total }
    }
}

/// Angles in proportion to the counts, each at least [`LEAST`]. They add up to a full turn.
fn angles(counts: &[usize]) -> Vec<f64> {
    let least = LEAST.min(TAU / float(counts.len().max(1)));
    let total = float(counts.iter().sum());
    let is_small = |count: usize| float(count) / total * TAU < least;
    let small = counts.iter().filter(|&&count| is_small(count)).count();
    let large: usize = counts.iter().filter(|&&count| !is_small(count)).sum();
    let room = TAU - float(small) * least;
    counts
        .iter()
        .map(|&count| if is_small(count) { least } else { float(count) / float(large) * room })
        .collect()
}

/// Counts of a cluster are small enough for a float to hold exactly.
#[expect(clippy::cast_precision_loss, reason = "a drawing")]
fn float(count: usize) -> f64 {
    count as f64
}

fn path(begin: f64, angle: f64) -> String {
    if angle >= TAU - 1e-6 {
        return full();
    }
    let gap = GAP.min(angle / 4.0);
    let (from, to) = (begin + gap / 2.0, begin + angle - gap / 2.0);
    let large = u8::from(to - from > TAU / 2.0);
    let [outer_from, outer_to, inner_to, inner_from] =
        [(OUTER, from), (OUTER, to), (INNER, to), (INNER, from)].map(|(radius, angle)| point(radius, angle));
    format!(
        "M{outer_from}A{OUTER} {OUTER} 0 {large} 1 {outer_to}L{inner_to}A{INNER} {INNER} 0 {large} 0 {inner_from}Z"
    )
}

/// SVG does not draw an arc that ends at its start, so a full ring needs two.
fn full() -> String {
    let ring = |radius: f64, sweep: u8| {
        format!(
            "M0 -{radius}A{radius} {radius} 0 0 {sweep} 0 {radius}A{radius} {radius} 0 0 {sweep} 0 -{radius}Z"
        )
    };
    ring(OUTER, 1) + &ring(INNER, 0)
}

fn point(radius: f64, angle: f64) -> String {
    format!("{:.2} {:.2}", radius * angle.sin(), -radius * angle.cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(count: usize) -> Share {
        Share { label: count.to_string(), class: "", icon: "", count, href: String::new() }
    }

    #[test]
    fn angles_fill_the_turn_and_have_a_minimum() {
        for counts in [&[1][..], &[1, 1], &[9999, 1], &[1, 2, 3, 4, 5], &[1; 200]] {
            let angles = angles(counts);
            assert!((angles.iter().sum::<f64>() - TAU).abs() < 1e-9, "{counts:?}: {angles:?}");
            assert!(angles.iter().all(|angle| *angle > 0.01), "{angles:?}");
        }
        assert!((angles(&[9999, 1])[1] - LEAST).abs() < 1e-9);
    }

    #[test]
    fn a_share_of_0_has_no_slice() {
        let donut = Donut::new(vec![share(0), share(3), share(1)]);
        let drawn: Vec<(usize, usize)> =
            donut.slices.iter().map(|slice| (slice.share.count, slice.percent)).collect();
        assert_eq!((donut.total, drawn), (4, vec![(3, 75), (1, 25)]));
        assert_eq!(Donut::new(vec![share(0)]), Donut { slices: vec![], total: 0 });
    }

    #[test]
    fn a_single_slice_is_a_full_ring() {
        let donut = Donut::new(vec![share(7)]);
        assert_eq!(donut.slices[0].path.matches('Z').count(), 2);
        assert!(!donut.slices[0].path.contains("NaN"));
    }
}
