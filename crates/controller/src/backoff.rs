//! How long to wait before asking an API server again that just refused.

use std::time::Duration;

/// Exponential backoff that the caller resets when it has seen real progress.
///
/// kube's own `default_backoff` is reset by the `Init` event that precedes every first list, failed ones
/// included, and so never grows while a list is refused.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    next: Duration,
    /// The last try got no answer at all.
    silence: bool,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LAST: Duration = Duration::from_secs(5);

    pub(crate) fn new() -> Self {
        Self { next: Self::FIRST, silence: false }
    }

    /// The wait before the next try: 0.5 s, doubling up to 5 s: a server that is back is found within 5 s, and one that is away
    /// is asked at most 0.2 times a second.
    pub(crate) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(Self::LAST);
        now
    }

    /// The wait after a try that failed; `answered` tells a refusal from silence. The first refusal after silence
    /// begins anew: a server that speaks again is on its way up, and would else be found ready up to 5 s late.
    pub(crate) fn after(&mut self, answered: bool) -> Duration {
        if answered && self.silence {
            self.reset();
        }
        self.silence = !answered;
        self.next()
    }

    /// Called once the initial state has arrived in full.
    pub(crate) fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_anew_when_a_silent_server_speaks_again() {
        let mut backoff = Backoff::new();
        let answers = [false, false, false, true, true, true, false, false];
        let waits: Vec<u128> = answers.map(|answered| backoff.after(answered).as_millis()).into();
        assert_eq!(waits, [500, 1_000, 2_000, 500, 1_000, 2_000, 4_000, 5_000]);
    }

    #[test]
    fn doubles_up_to_its_limit_and_starts_again_after_a_reset() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..6).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        backoff.reset();
        assert_eq!(backoff.next().as_millis(), 500);
    }
}
