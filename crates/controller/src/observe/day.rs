//! The day in UTC, on which exemptions depend: when it changes, everything is judged anew, whatever else happens.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::civil::Date;
use k8s_openapi::jiff::tz::TimeZone;
use k8s_openapi::jiff::{Timestamp, ToSpan};
use tagwatch_client::{ServerClock, day_of};
use tokio::time::sleep;

use crate::state::{EngineHandle, Queue, StatusTracker};

/// How long the clock is trusted: a machine that slept, or whose clock was set, is on another day all at once.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Sets each new day in the engine, and requests an evaluation of everything then. Never returns.
pub(crate) async fn follow(
    clock: ServerClock,
    engine: Arc<EngineHandle>,
    queue: Arc<Queue>,
    status: Arc<StatusTracker>,
) {
    let set_day = |today| {
        if engine.set_today(today) {
            tracing::info!(%today, "a new day: exemptions may have expired");
            queue.request_all();
            status.notify();
        }
    };
    follow_clock(|| clock.now(), set_day).await;
}

async fn follow_clock(now: impl Fn() -> Timestamp, mut set_day: impl FnMut(Date)) {
    loop {
        set_day(day_of(now()));
        sleep(until_tomorrow(now()).min(LOOK_AGAIN)).await;
    }
}

/// From a point in time to the beginning of the next day, and not a moment less.
fn until_tomorrow(now: Timestamp) -> Duration {
    let tomorrow = day_of(now).saturating_add(1.day()).to_zoned(TimeZone::UTC);
    let left = tomorrow.map(|tomorrow| tomorrow.timestamp().duration_since(now));
    let left = left.ok().and_then(|left| Duration::try_from(left).ok());
    left.map_or(LOOK_AGAIN, |left| left + Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_new_day_is_set_when_it_begins() {
        let start: Timestamp = "2027-01-31T23:59:12.5Z".parse().unwrap();
        let began = Instant::now();
        let now = || start + began.elapsed();
        let days: Mutex<Vec<(Date, Timestamp)>> = Mutex::default();
        let _ = tokio::time::timeout(
            Duration::from_mins(1),
            follow_clock(now, |today| days.lock().push((today, now()))),
        )
        .await;
        let days = days.into_inner();
        let first = days.iter().find(|(day, _)| day.to_string() == "2027-02-01").unwrap();
        let late = first.1.duration_since("2027-02-01T00:00:00Z".parse().unwrap());
        assert!(late.is_positive() && late.as_millis() < 10, "{late}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_is_noticed() {
        let began = Instant::now();
        let now = || {
            let jump = if began.elapsed() > Duration::from_secs(5) { 72 } else { 0 };
            "2027-01-01T12:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(jump * 3600)
        };
        let days: Mutex<Vec<Date>> = Mutex::default();
        let following = follow_clock(now, |today| days.lock().push(today));
        let _ = tokio::time::timeout(Duration::from_secs(31), following).await;
        assert_eq!(days.into_inner().last().unwrap().to_string(), "2027-01-04");
    }
}
