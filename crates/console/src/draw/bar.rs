//! A bar of parts, 100 wide.

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) class: &'static str,
    pub(crate) x: String,
    pub(crate) width: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) parts: Vec<Part>,
}

impl Bar {
    /// Parts in proportion to `whole`, which is at least their sum.
    pub(crate) fn new(counts: impl IntoIterator<Item = (&'static str, usize)>, whole: usize) -> Self {
        let mut begin = 0;
        let mut parts = Vec::new();
        for (class, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            parts.push(Part { class, x: percent(begin, whole), width: percent(count, whole) });
            begin += count;
        }
        Self { parts }
    }
}

/// In percent, with two decimals.
fn percent(count: usize, whole: usize) -> String {
    let hundredths = (count * 10_000).checked_div(whole).unwrap_or_default();
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other() {
        let bar = Bar::new([("a", 1), ("b", 0), ("c", 2)], 4);
        let drawn: Vec<_> = bar.parts.iter().map(|part| (part.class, &*part.x, &*part.width)).collect();
        assert_eq!(drawn, [("a", "0.00", "25.00"), ("c", "25.00", "50.00")]);
        assert_eq!(Bar::new([("a", 1)], 0).parts[0].width, "0.00");
    }
}
