//! Answers of the double, in the form of the API server's (`apimachinery/pkg/api/errors`).

use http::Response;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::resource::Resource;
use crate::fault::AnswerBody;

/// A refusal.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: String, details: Value) -> Self {
        Self { code, reason, message, details }
    }

    fn about(resource: &Resource, name: &str) -> Value {
        json!({ "name": name, "group": resource.group, "kind": resource.plural })
    }

    fn full_name(resource: &Resource) -> String {
        if resource.group.is_empty() {
            resource.plural.to_owned()
        } else {
            format!("{}.{}", resource.plural, resource.group)
        }
    }

    pub(super) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", Self::full_name(resource));
        Self::new(404, "NotFound", message, Self::about(resource, name))
    }

    pub(super) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", Self::full_name(resource));
        Self::new(409, "AlreadyExists", message, Self::about(resource, name))
    }

    pub(super) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", Self::full_name(resource));
        Self::new(409, "Conflict", message, Self::about(resource, name))
    }

    pub(super) fn invalid(resource: &Resource, name: &str, field: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is invalid: {field}: {why}", resource.kind);
        Self::new(
            422,
            "Invalid",
            message,
            json!({ "name": name, "group": resource.group, "kind": resource.kind }),
        )
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(400, "BadRequest", message.to_owned(), Value::Null)
    }

    pub(super) fn unsupported(message: &str) -> Self {
        Self::new(415, "UnsupportedMediaType", message.to_owned(), Value::Null)
    }

    /// An older state than the history reaches back to.
    pub(crate) fn expired(message: String) -> Self {
        Self::new(410, "Expired", message, Value::Null)
    }

    /// What is asked for is newer than the state.
    pub(super) fn too_large_version() -> Self {
        let details = json!({ "retryAfterSeconds": 1, "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }] });
        Self::new(504, "Timeout", "Too large resource version".to_owned(), details)
    }

    pub(super) fn namespace_terminating(resource: &Resource, name: &str, namespace: &str) -> Self {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut details = Self::about(resource, name);
        details["causes"] =
            json!([{ "reason": "NamespaceTerminating", "message": why, "field": "metadata.namespace" }]);
        let message = format!("{} \"{name}\" is forbidden: {why}", Self::full_name(resource));
        Self::new(403, "Forbidden", message, details)
    }

    /// Injected, with what the API server calls this code.
    pub(crate) fn injected(code: u16, retry_after: Option<u32>) -> Self {
        let reason = match code {
            400 => "BadRequest",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "NotFound",
            405 => "MethodNotAllowed",
            409 => "Conflict",
            410 => "Expired",
            413 => "RequestEntityTooLarge",
            422 => "Invalid",
            429 => "TooManyRequests",
            500 => "InternalError",
            503 => "ServiceUnavailable",
            504 => "Timeout",
            _ => "",
        };
        let details = retry_after.map_or(Value::Null, |seconds| json!({ "retryAfterSeconds": seconds }));
        Self::new(code, reason, format!("injected {code}"), details)
    }

    /// The body.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": self.code, "reason": self.reason, "message": self.message,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    pub(crate) fn into_response(self) -> Response<AnswerBody> {
        json_response(self.code, &self.status())
    }
}

/// A complete body.
pub(crate) fn body(bytes: impl Into<Bytes>) -> AnswerBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn response(code: u16, content_type: &'static str, bytes: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(bytes);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    let content_type = http::HeaderValue::from_static(content_type);
    response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    response
}

pub(crate) fn json_response(code: u16, value: &Value) -> Response<AnswerBody> {
    response(code, "application/json", body(format!("{value}\n").into_bytes()))
}

/// What the router answers where nothing is served: no `Status`.
pub(super) fn page_not_found() -> Response<AnswerBody> {
    response(404, "text/plain; charset=utf-8", body("404 page not found\n".as_bytes()))
}
