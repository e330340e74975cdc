//! Repeats requests that the API server puts off: kubectl does, and a script that reads a cluster once should not fail
//! where `kubectl get` would not.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use kube::client::Body;
use tokio::time::{Sleep, sleep};
use tower::retry::Policy;

/// How often a request is repeated at most, as by client-go (`rest/request.go`, `maxRetries`).
const MAX_RETRIES: u32 = 10;

/// The longest wait that is obeyed. A server that asks for more is not going to answer in time: its refusal is the
/// answer. The limit of the whole call is shorter than all waits together.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Reads are repeated where the answer is 429, or an error of the server, with a `Retry-After` in seconds: what client-go
/// repeats (`rest/with_retry.go`).
#[derive(Debug, Clone)]
pub(crate) struct RetryAfter {
    left: u32,
}

impl Default for RetryAfter {
    fn default() -> Self {
        Self { left: MAX_RETRIES }
    }
}

impl<R, E> Policy<Request<Body>, Response<R>, E> for RetryAfter {
    type Future = Sleep;

    fn retry(&mut self, _: &mut Request<Body>, answer: &mut Result<Response<R>, E>) -> Option<Sleep> {
        let wait = answer.as_ref().ok().and_then(wait)?;
        self.left = self.left.checked_sub(1)?;
        Some(sleep(wait))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        if request.method() != Method::GET {
            return None;
        }
        let mut again = Request::new(request.body().try_clone()?);
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.version_mut() = request.version();
        *again.headers_mut() = request.headers().clone();
        *again.extensions_mut() = request.extensions().clone();
        Some(again)
    }
}

/// How long the server asks to wait, if it asks for it and the wait is not too long.
fn wait<R>(answer: &Response<R>) -> Option<Duration> {
    asked_wait(answer.status(), answer.headers()).filter(|wait| *wait <= MAX_WAIT)
}

/// How long an answer asks to wait before the request is repeated, in the header `Retry-After`.
pub(crate) fn asked_wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tower::retry::RetryLayer;
    use tower::{Layer as _, ServiceExt as _, service_fn};

    use super::*;

    /// How often a server is asked that answers `refusals` times with a status and a header, and what comes in the end.
    async fn asked(method: Method, refusals: u32, status: u16, after: Option<&str>) -> (u32, u16) {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let after = after.map(str::to_owned);
        let server = service_fn(move |request: Request<Body>| {
            assert_eq!(request.headers()["accept"], "application/json");
            let is_refused = counted.fetch_add(1, Ordering::Relaxed) < refusals;
            let mut answer = Response::builder().status(if is_refused { status } else { 200 });
            if let Some(after) = after.as_ref().filter(|_| is_refused) {
                answer = answer.header(RETRY_AFTER, after);
            }
            async move { Ok::<_, Infallible>(answer.body(()).unwrap()) }
        });
        let request = Request::builder().method(method).header("accept", "application/json");
        let request = request.body(Body::empty()).unwrap();
        let answer = RetryLayer::new(RetryAfter::default()).layer(server).oneshot(request).await.unwrap();
        (count.load(Ordering::Relaxed), answer.status().as_u16())
    }

    #[tokio::test]
    async fn what_the_server_puts_off_is_asked_again() {
        assert_eq!(asked(Method::GET, 2, 429, Some("0")).await, (3, 200));
        assert_eq!(asked(Method::GET, 1, 503, Some("0")).await, (2, 200));
    }

    #[tokio::test]
    async fn a_server_that_refuses_for_good_is_not_asked_for_ever() {
        assert_eq!(asked(Method::GET, u32::MAX, 429, Some("0")).await, (MAX_RETRIES + 1, 429));
        let later = (MAX_WAIT.as_secs() + 1).to_string();
        assert_eq!(asked(Method::GET, 1, 429, Some(&later)).await, (1, 429));
    }

    #[tokio::test]
    async fn the_rest_is_answered_at_once() {
        assert_eq!(asked(Method::GET, 1, 403, Some("0")).await, (1, 403));
        assert_eq!(asked(Method::GET, 1, 429, None).await, (1, 429));
        assert_eq!(asked(Method::GET, 1, 429, Some("tomorrow")).await, (1, 429));
        assert_eq!(asked(Method::POST, 1, 429, Some("0")).await, (1, 429));
    }
}
