//! Requests to a console without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use tagwatch_console::{Admitted, Authorizer, Facts, Options, router};
use tower::ServiceExt;

use crate::fixture::Fixed;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Whether the answer has the mark of an allowed token.
    pub(crate) is_admitted: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Occurrences of a text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.text.matches(text).count()
    }

    #[track_caller]
    pub(crate) fn assert_holds(&self, text: &str) {
        assert!(self.text.contains(text), "no {text:?} in\n{}", self.text);
    }
}

/// A console without log-in.
pub(crate) fn open(facts: Facts) -> Router {
    router(Fixed::new(facts), None, Options::default())
}

/// A console that requires a token.
pub(crate) fn guarded(facts: Facts, authorizer: Arc<dyn Authorizer>) -> Router {
    router(Fixed::new(facts), Some(authorizer), Options { audience: "tagwatch".to_owned(), tls: true })
}

pub(crate) async fn get(router: &Router, path: &str) -> Answer {
    get_with(router, path, &[]).await
}

pub(crate) async fn get_with(router: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(router, "GET", path, headers, String::new()).await
}

pub(crate) async fn post(router: &Router, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    send(router, "POST", path, headers, body.to_owned()).await
}

async fn send(router: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(header::HOST, "localhost:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response =
        router.clone().oneshot(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.into()).expect("UTF-8"),
        is_admitted: parts.extensions.get::<Admitted>().is_some(),
    }
}

/// The addresses that a page links to, decoded.
pub(crate) fn links(page: &str) -> Vec<String> {
    let hrefs = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs
        .filter(|href| href.starts_with('/'))
        .map(|href| href.replace("&amp;", "&").replace("&#38;", "&"))
        .collect()
}
