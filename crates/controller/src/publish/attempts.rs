//! The attempts of a task that writes one object, or what belongs together: how long it waits after a failure, and which
//! failures are logged loudly. The waits are those of reports ([`super::retries`]).

use std::time::Duration;

use super::retries::{Class, LONGEST_WAIT, UNAVAILABLE_WAIT, wait};
use super::writer::WriteError;

/// The failures since the last success.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failures: u32,
    class: Option<Class>,
    /// A failure was logged loudly, and no success since.
    is_logged: bool,
}

/// What follows from a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Retry {
    /// How long nothing is to be written.
    pub(super) wait: Duration,
    /// It fails for another reason than before: log it loudly, once for each reason.
    pub(super) is_news: bool,
}

impl Attempts {
    /// A write into a namespace failed; the namespace of what has none is empty.
    pub(super) fn failed(&mut self, error: &WriteError, namespace: &str) -> Retry {
        if matches!(error, WriteError::Outdated | WriteError::NotLeading) {
            // The next try decides anew, or the replica that leads.
            return Retry { wait: UNAVAILABLE_WAIT, is_news: false };
        }
        let class = Class::of(error, namespace);
        if class != self.class {
            // Such as a server that is back, and refuses.
            *self = Self { class, ..Self::default() };
        }
        self.failures = self.failures.saturating_add(1);
        let longest = self.class.as_ref().map_or(LONGEST_WAIT, Class::longest_wait);
        let asked = error.retry_after().unwrap_or_default().min(LONGEST_WAIT);
        let is_news = !std::mem::replace(&mut self.is_logged, true);
        Retry { wait: wait(self.failures, longest).max(asked), is_news }
    }

    /// A write succeeded. Returns whether a failure before it was logged loudly.
    pub(super) fn succeeded(&mut self) -> bool {
        std::mem::take(self).is_logged
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use tagwatch_client::CallError;

    use super::*;
    use crate::testing::put_off;

    /// An answer of the API server that asks to wait for so many seconds.
    fn answer(code: u16, retry_after: u32) -> WriteError {
        let status: Status = serde_json::from_value(put_off(code, retry_after)).unwrap();
        WriteError::Call(CallError::Api(kube::Error::Api(status.boxed())))
    }

    fn waits(attempts: &mut Attempts, error: &WriteError, count: usize) -> Vec<u128> {
        (0..count).map(|_| attempts.failed(error, "").wait.as_millis()).collect()
    }

    #[test]
    fn a_refusal_is_repeated_ever_more_rarely_and_an_outage_within_seconds() {
        let mut attempts = Attempts::default();
        let refused = waits(&mut attempts, &answer(403, 0), 10);
        assert_eq!(refused, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
        assert_eq!(waits(&mut attempts, &answer(503, 0), 6), [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        // What concerns this object alone.
        let alone = waits(&mut Attempts::default(), &answer(404, 0), 12);
        assert_eq!(alone[10..], [300_000, 300_000]);
        assert_eq!(waits(&mut attempts, &WriteError::Outdated, 2), [5_000, 5_000]);
    }

    #[test]
    fn a_server_that_asks_to_wait_is_left_alone_for_up_to_five_minutes() {
        let mut attempts = Attempts::default();
        assert_eq!(waits(&mut attempts, &answer(429, 40), 2), [40_000, 40_000]);
        assert_eq!(waits(&mut attempts, &answer(429, 40_000), 1), [300_000]);
    }

    #[test]
    fn each_reason_is_news_once_until_a_success() {
        let mut attempts = Attempts::default();
        let errors = [answer(403, 0), WriteError::Outdated, answer(503, 0), answer(429, 1), answer(403, 0)];
        let news = |attempts: &mut Attempts, error| attempts.failed(error, "").is_news;
        assert!(!attempts.succeeded());
        assert_eq!([0, 0, 0].map(|at| news(&mut attempts, &errors[at])), [true, false, false]);
        assert!(attempts.succeeded() && !attempts.succeeded());
        let all = errors.each_ref().map(|error| news(&mut attempts, error));
        assert_eq!(all, [true, false, true, false, true]);
        assert!(!news(&mut attempts, &WriteError::NotLeading));
    }
}
