//! Which answers went to a caller with a token: their connections, and those of their address, come before others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::Request;
use axum::http::Extensions;
use axum::middleware::Next;
use axum::response::Response;

use super::Caller;

/// Marks the answer to a request whose token was allowed, as an extension of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Admitted;

/// An extension of a request: whether its answer gets the mark.
#[derive(Debug, Clone, Default)]
struct Admission(Arc<AtomicBool>);

/// Marks the answer if the request was [admitted](admit).
pub(crate) async fn mark_admitted(mut request: Request, next: Next) -> Response {
    let admission = Admission::default();
    request.extensions_mut().insert(admission.clone());
    let mut answer = next.run(request).await;
    if admission.0.load(Ordering::Relaxed) {
        answer.extensions_mut().insert(Admitted);
    }
    answer
}

/// Admits a request of this caller. Every pod has a valid token: a caller that may see nothing gets no preference.
pub(crate) fn admit(extensions: &Extensions, caller: &Caller) {
    if caller.visible.is_empty() {
        return;
    }
    if let Some(Admission(is_admitted)) = extensions.get() {
        is_admitted.store(true, Ordering::Relaxed);
    }
}
