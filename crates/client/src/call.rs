//! Time limits. kube's ordinary calls have none, and a connection that drops packets would block a worker forever.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use thiserror::Error;

/// Time limit of a call on one object.
pub const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Time limit of a list, and of the initial state of a watch.
pub const LIST_LIMIT: Duration = Duration::from_mins(1);

/// Why a call to the API server failed.
#[derive(Debug, Error)]
pub enum CallError {
    /// The API server refused, or the connection failed.
    #[error("{}", describe(.0))]
    Api(#[from] kube::Error),
    /// No complete answer within the limit.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
}

impl CallError {
    /// The HTTP status of the answer; `None` without an answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Api(kube::Error::Api(status)) => Some(status.code),
            Self::Api(_) | Self::Timeout(_) => None,
        }
    }

    /// For how long the API server asks to wait before the request is repeated.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => retry_after(error),
            Self::Timeout(_) => None,
        }
    }

    /// The label for metrics, from a small fixed set.
    pub fn category(&self) -> &'static str {
        match (self.code(), self) {
            (Some(403), _) => "forbidden",
            (Some(404), _) => "not_found",
            (Some(409), _) => "conflict",
            (Some(400 | 413 | 422), _) => "invalid",
            (Some(429), _) => "throttled",
            (Some(_), _) => "server_error",
            (None, Self::Timeout(_)) => "timeout",
            (None, Self::Api(_)) => "unreachable",
        }
    }
}

/// For how long the API server asks to wait before a request is repeated.
pub fn retry_after(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

/// The error with its causes. kube's own text of a refusal is the debug form of the whole status, and that of a lost
/// connection leaves the cause out.
pub fn describe(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return format!("{} ({} {})", status.message, status.code, status.reason);
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Runs one call to the API server; the time limit covers the whole answer.
pub async fn call<T>(
    limit: Duration,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(limit, request).await {
        Ok(answer) => answer.map_err(CallError::Api),
        Err(_elapsed) => Err(CallError::Timeout(limit)),
    }
}
