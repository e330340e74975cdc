//! The clock of the API server. The cluster dates every object by it, and the clock of a node may be minutes off.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use http::HeaderMap;
use http::header::DATE;
use k8s_openapi::jiff::civil::Date;
use k8s_openapi::jiff::fmt::rfc2822::DateTimeParser;
use k8s_openapi::jiff::tz::TimeZone;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// A `Date` header has whole seconds: the answer was made within one second after it.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// The day in UTC of a point in time.
pub fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// The clock of the API server, read off its answers. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ServerClock {
    local: LocalClock,
    /// Milliseconds from our clock to the server's; 0 before the first answer.
    offset: Arc<AtomicI64>,
}

/// The clock of this machine, or of a simulation.
#[derive(Clone)]
struct LocalClock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Default for LocalClock {
    fn default() -> Self {
        Self(Arc::new(Timestamp::now))
    }
}

impl fmt::Debug for LocalClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalClock").field(&(self.0)()).finish()
    }
}

impl ServerClock {
    /// With another clock than that of this machine, for runs whose time is simulated.
    pub fn with_local(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { local: LocalClock(Arc::new(now)), offset: Arc::default() }
    }

    /// The time of this machine.
    pub(crate) fn local_now(&self) -> Timestamp {
        (self.local.0)()
    }

    /// The time of the API server; our own time before its first answer.
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.offset.load(Ordering::Relaxed));
        let local = self.local_now();
        local.saturating_add(offset).unwrap_or(local)
    }

    /// The day on which exemptions are compared.
    pub fn today(&self) -> Date {
        day_of(self.now())
    }

    /// Corrects the offset by an answer that was made between `sent` and `received` by our clock, and at its `Date`
    /// by the server's. An offset that agrees stays as it is, so that time does not jitter with every answer.
    pub fn observe(&self, headers: &HeaderMap, sent: Timestamp, received: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()) else {
            return;
        };
        let at_least = date.duration_since(received).as_millis();
        let at_most = (date.duration_since(sent) + RESOLUTION).as_millis();
        // Our own clock was set back in between: the answer says nothing.
        let (Ok(at_least), Ok(at_most)) = (i64::try_from(at_least), i64::try_from(at_most)) else { return };
        if at_least > at_most {
            return;
        }
        // The order in which several answers arrive does not matter.
        let _ = self.offset.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |offset| {
            Some(offset.clamp(at_least, at_most))
        });
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The offset after an answer with this date, in milliseconds.
    fn offset_after(clock: &ServerClock, date: &'static str, sent: &str, received: &str) -> i64 {
        let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
        clock.observe(&headers, sent.parse().unwrap(), received.parse().unwrap());
        clock.offset.load(Ordering::Relaxed)
    }

    #[test]
    fn clocks_that_agree_are_left_alone() {
        let clock = ServerClock::default();
        let date = "Fri, 27 Nov 2026 12:00:00 GMT";
        assert_eq!(offset_after(&clock, date, "2026-11-27T12:00:00.2Z", "2026-11-27T12:00:00.3Z"), 0);
        assert_eq!(offset_after(&clock, date, "2026-11-27T12:00:00.9Z", "2026-11-27T12:00:02Z"), 0);
    }

    #[test]
    fn a_clock_that_is_behind_is_corrected_and_corrected_again_after_it_was_set() {
        let clock = ServerClock::default();
        let date = "Fri, 27 Nov 2026 12:05:00 GMT";
        let first = offset_after(&clock, date, "2026-11-27T12:00:00.2Z", "2026-11-27T12:00:00.3Z");
        assert_eq!(first, 299_700, "the least that explains it");
        assert_eq!(offset_after(&clock, date, "2026-11-27T12:00:00.5Z", "2026-11-27T12:00:00.6Z"), first);
        assert_eq!(offset_after(&clock, date, "2026-11-27T12:05:00.5Z", "2026-11-27T12:05:00.6Z"), 500);
        assert_eq!(offset_after(&clock, date, "2026-11-27T13:00:00Z", "2026-11-27T13:00:00Z"), -3_299_000);
        let ahead = Timestamp::now().duration_since(clock.now());
        assert!((3_298..3_301).contains(&ahead.as_secs()), "{ahead}");
    }

    #[test]
    fn an_answer_without_a_usable_date_changes_nothing() {
        let clock = ServerClock::default();
        for date in ["", "soon", "Fri, 27 Nov 2026 25:00:00 GMT", "\u{7f}"] {
            let Ok(date) = HeaderValue::from_str(date) else { continue };
            let headers = HeaderMap::from_iter([(DATE, date)]);
            clock.observe(&headers, Timestamp::now(), Timestamp::now());
        }
        clock.observe(&HeaderMap::new(), Timestamp::now(), Timestamp::now());
        let (sent, received) = ("2026-11-27T12:00:05Z", "2026-11-27T12:00:00Z");
        assert_eq!(offset_after(&clock, "Fri, 27 Nov 2026 14:00:00 GMT", sent, received), 0);
    }
}
