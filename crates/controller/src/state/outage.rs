//! What fails again and again is logged loudly once, and once more when it is over.

/// Whether something fails.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    is_known: bool,
}

impl Outage {
    /// It failed. Returns whether it worked before.
    pub(crate) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.is_known, true)
    }

    /// It works. Returns whether it failed before.
    pub(crate) fn end(&mut self) -> bool {
        std::mem::take(&mut self.is_known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_and_ends_once() {
        let mut outage = Outage::default();
        assert!(!outage.end());
        assert_eq!([outage.begin(), outage.begin(), outage.end(), outage.end()], [true, false, true, false]);
        assert!(outage.begin());
    }
}
