//! Answers that put a request off without a `Status`.
//!
//! Priority and Fairness refuses with plain text, and says how long to wait in the header `Retry-After` alone
//! (`tooManyRequests` in `k8s.io/apiserver/pkg/server/filters`). kube makes its error of the body and drops the header, so
//! the wait is written to where a `Status` has it.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body_util::{Either, Full};
use hyper::body::Bytes;
use kube::core::Status;
use kube::core::response::StatusDetails;

use crate::retry_after::asked_wait;

/// The answer, with a `Status` for a body where it asks to wait and has none.
pub(crate) fn with_status<B>(answer: Response<B>) -> Response<Either<B, Full<Bytes>>> {
    let (head, body) = answer.into_parts();
    let Some(wait) = asked_wait(head.status, &head.headers).filter(|_| !is_json(&head.headers)) else {
        return Response::from_parts(head, Either::Left(body));
    };
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
    let message = format!("the API server asks to wait {seconds} s");
    let reason = head.status.canonical_reason().unwrap_or_default();
    let details = StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: seconds,
    };
    let status = Status::failure(&message, reason).with_code(head.status.as_u16()).with_details(details);
    // A status of numbers and texts has a JSON form.
    let text = serde_json::to_vec(&status).unwrap_or_default();
    Response::from_parts(head, Either::Right(Full::from(text)))
}

/// A `Status` says itself how long to wait.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.starts_with("application/json")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::client::{Body, ClientBuilder};
    use kube::{Api, Client};
    use tower::service_fn;
    use tower::util::MapResponseLayer;

    use super::*;
    use crate::call::{CALL_LIMIT, CallError, call};

    /// The error that a caller gets of an answer.
    async fn error(code: u16, headers: &'static [(&str, &str)], body: &'static str) -> CallError {
        let server = service_fn(move |_: http::Request<Body>| async move {
            let answer = Response::builder().status(code);
            let answer = headers.iter().fold(answer, |answer, (name, value)| answer.header(*name, *value));
            answer.body(Body::from(body.as_bytes().to_vec()))
        });
        let layer = MapResponseLayer::new(with_status);
        let client: Client = ClientBuilder::new(server, "default").with_layer(&layer).build();
        call(CALL_LIMIT, Api::<ConfigMap>::default_namespaced(client).get("a")).await.unwrap_err()
    }

    #[tokio::test]
    async fn plain_text_keeps_the_wait_of_its_header() {
        let headers = &[("retry-after", "7"), ("content-type", "text/plain; charset=utf-8")];
        let error = error(429, headers, "Too many requests, please try again later.").await;
        assert_eq!((error.code(), error.retry_after()), (Some(429), Some(Duration::from_secs(7))));
        assert_eq!(error.category(), "throttled");
        assert_eq!(error.to_string(), "the API server asks to wait 7 s (429 Too Many Requests)");
    }

    #[tokio::test]
    async fn a_status_and_an_answer_without_a_wait_stay_as_they_are() {
        let status = r#"{ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "slow down",
            "reason": "TooManyRequests", "code": 429, "details": { "retryAfterSeconds": 3 } }"#;
        let refused = error(429, &[("retry-after", "9"), ("content-type", "application/json")], status).await;
        assert_eq!(refused.to_string(), "slow down (429 TooManyRequests)");
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(3)));
        let refused = error(503, &[], "upstream connect error").await;
        assert_eq!((refused.code(), refused.retry_after()), (Some(503), None));
        let refused = error(403, &[("retry-after", "9")], "no").await;
        assert_eq!((refused.code(), refused.retry_after()), (Some(403), None));
    }
}
