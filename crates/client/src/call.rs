//! Time limits. kube's ordinary calls have none, and a connection that drops packets would block a worker forever.

use std::error::Error;
use std::future::Future;
use std::iter;
use std::time::Duration;

use hyper_util::client::legacy;
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

    /// Why there is no connection to the API server: the innermost cause, such as that of the resolver or of TLS. `None`
    /// where there was one.
    pub fn unconnected(&self) -> Option<String> {
        let Self::Api(error) = self else { return None };
        let is_connect = |cause: &(dyn Error + 'static)| {
            cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect)
        };
        if causes(error).any(is_connect) { causes(error).last().map(ToString::to_string) } else { None }
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
    let mut text = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if !text.contains(&cause) {
            let between = if text.is_empty() { "" } else { ": " };
            text = text + between + &cause;
        }
    }
    text
}

/// The error and its causes, without kube's name of the layer that failed, which says nothing to a user.
fn causes(error: &kube::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let outermost: &(dyn Error + 'static) = match error {
        kube::Error::Service(error) => &**error,
        error => error,
    };
    iter::successors(Some(outermost), |cause| (*cause).source())
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
