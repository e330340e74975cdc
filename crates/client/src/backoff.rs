//! How long to wait before a failed request to the API server is repeated.

use std::time::Duration;

/// Exponential backoff that the caller resets after real progress.
///
/// kube's own `default_backoff` is reset by the `Init` event that precedes every first list, failed lists included,
/// and so never grows while a list is refused.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    /// The last attempt got no answer at all.
    was_silent: bool,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LAST: Duration = Duration::from_secs(5);
    const LAST_REFUSED: Duration = Duration::from_secs(45);

    /// The delay before the next attempt: 0.5 s, doubled up to 5 s. A server that recovers is found within 5 s, and a
    /// server that is down gets at most 0.2 requests a second.
    pub fn next_delay(&mut self) -> Duration {
        let now = self.next.min(Self::LAST);
        self.next = (now * 2).min(Self::LAST);
        now
    }

    /// The delay after the server refused what a right is missing for: 0.5 s, doubled up to 45 s. A server that is
    /// starting refuses everything until it knows the roles, and a right that is granted is used within a minute.
    pub fn delay_while_refused(&mut self) -> Duration {
        if std::mem::take(&mut self.was_silent) {
            self.reset();
        }
        let now = self.next;
        self.next = (now * 2).min(Self::LAST_REFUSED);
        now
    }

    /// The delay after a failed attempt; `answered` separates a refusal from silence. The first refusal after silence
    /// starts over: the server is coming up, and would otherwise be found ready up to 5 s late.
    pub fn delay_after(&mut self, answered: bool) -> Duration {
        if answered && self.was_silent {
            self.reset();
        }
        self.was_silent = !answered;
        self.next_delay()
    }

    /// The delay after a failure with this status code, if the server gave one.
    pub fn delay_of(&mut self, code: Option<u16>) -> Duration {
        if code == Some(403) { self.delay_while_refused() } else { self.delay_after(code.is_some()) }
    }

    /// Call this once the initial state has arrived in full.
    pub fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: Self::FIRST, was_silent: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_anew_when_a_silent_server_answers_again() {
        let mut backoff = Backoff::default();
        let answers = [false, false, false, true, true, true, false, false];
        let waits: Vec<u128> = answers.map(|answered| backoff.delay_after(answered).as_millis()).into();
        assert_eq!(waits, [500, 1_000, 2_000, 500, 1_000, 2_000, 4_000, 5_000]);
    }

    #[test]
    fn a_refusal_is_repeated_ever_more_rarely_and_at_least_once_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.delay_while_refused().as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 45_000, 45_000]);
        assert_eq!(backoff.delay_after(false).as_millis(), 5_000);
        assert_eq!(backoff.delay_while_refused().as_millis(), 500, "it answers again");
    }

    #[test]
    fn doubles_up_to_its_limit_and_starts_again_after_a_reset() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..6).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        backoff.reset();
        assert_eq!(backoff.next_delay().as_millis(), 500);
    }
}
