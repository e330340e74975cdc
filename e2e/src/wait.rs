//! Waiting on a condition.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::time::{Instant, sleep_until, timeout_at};

const INTERVAL: Duration = Duration::from_millis(20);

/// Calls `probe` until it returns a value, and returns that.
///
/// The probe's error says what it saw instead (`ensure!(ready == 3, "{ready} replicas are ready")`); when
/// `limit` is over, the last one becomes the reason of the failure: "not within 5s: `what`".
///
/// # Errors
/// The condition did not come true in time. A probe that hangs is cut off at the limit.
pub async fn eventually<T, F>(limit: Duration, what: &str, mut probe: impl FnMut() -> F) -> Result<T>
where
    // Not AsyncFnMut: futures of such closures are not Send for the compiler (rust-lang/rust#110338), and
    // some of ours run in tasks of their own.
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + limit;
    let mut last = anyhow!("the first look at it has not ended");
    loop {
        match timeout_at(deadline, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(seen)) => last = seen,
            Err(_) => return Err(last).with_context(|| format!("not within {limit:?}: {what}")),
        }
        let next = Instant::now() + INTERVAL;
        if next > deadline {
            bail!(last.context(format!("not within {limit:?}: {what}")));
        }
        sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;

    use super::*;

    #[tokio::test]
    async fn gives_the_value_as_soon_as_there_is_one() {
        let mut looks = 0;
        let found = eventually(Duration::from_mins(1), "three looks", || {
            looks += 1;
            let look = looks;
            async move {
                ensure!(look == 3, "look {look}");
                Ok("found")
            }
        })
        .await;
        assert_eq!((found.unwrap(), looks), ("found", 3));
    }

    #[tokio::test]
    async fn says_what_it_saw_last() {
        let limit = Duration::from_millis(50);
        let failure: anyhow::Error =
            eventually::<(), _>(limit, "two replicas", || async { bail!("1 replica") }).await.unwrap_err();
        assert_eq!(format!("{failure:#}"), "not within 50ms: two replicas: 1 replica");
    }

    #[tokio::test]
    async fn cuts_off_a_probe_that_hangs() {
        let limit = Duration::from_millis(50);
        let failure = eventually(limit, "an answer", std::future::pending::<Result<()>>).await.unwrap_err();
        assert_eq!(format!("{failure:#}"), "not within 50ms: an answer: the first look at it has not ended");
    }
}
