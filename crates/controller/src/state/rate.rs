//! The rate of requests to the API server.

use std::time::Duration;

use leaky_bucket::RateLimiter;

/// How often the bucket is filled: in small steps, so that requests do not come in bursts.
const STEP: Duration = Duration::from_millis(100);
const STEPS_PER_SECOND: usize = 10;

/// Lets `burst` requests through at once after a quiet time, and then so many a second, a multiple of ten.
pub(crate) fn rate_limiter(burst: usize, per_second: usize) -> RateLimiter {
    let refill = per_second / STEPS_PER_SECOND;
    RateLimiter::builder().initial(burst).max(burst).refill(refill).interval(STEP).build()
}
