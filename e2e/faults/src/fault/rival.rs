//! Another client, which writes first.

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};
use tower::BoxError;

use super::upstream::Upstream;

const AGENT: HeaderValue = HeaderValue::from_static("other-client");

/// What another client makes of a report.
pub(crate) fn spoil(report: &mut Value) {
    report["summary"] = json!({ "pass": 99, "fail": 0, "warn": 0, "error": 0, "skip": 0 });
    report["results"] = json!([]);
}

/// Lets another client change the object of a write, remove it, or take its name. Returns the write, which is still to be
/// sent.
pub(super) async fn overtake(
    upstream: &Upstream,
    write: Request<Body>,
    removes: bool,
) -> Result<Request<Body>, BoxError> {
    let (head, body) = write.into_parts();
    let body = body.collect_bytes().await?;
    // Without its options.
    let place: Uri = head.uri.path().parse()?;
    if head.method == Method::POST {
        let mut object = serde_json::from_slice(&body)?;
        spoil(&mut object);
        send(upstream, Method::POST, &place, &object).await?;
    } else if removes {
        send(upstream, Method::DELETE, &place, &json!({})).await?;
    } else if let Some(mut object) = send(upstream, Method::GET, &place, &Value::Null).await? {
        spoil(&mut object);
        send(upstream, Method::PUT, &place, &object).await?;
    }
    Ok(Request::from_parts(head, Body::from(body)))
}

/// What is answered; `None` of a refusal.
async fn send(
    upstream: &Upstream,
    method: Method,
    place: &Uri,
    body: &Value,
) -> Result<Option<Value>, BoxError> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = place.clone();
    request.headers_mut().insert(USER_AGENT, AGENT);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let answer = upstream.answer(request).await?;
    if !answer.status().is_success() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?))
}
