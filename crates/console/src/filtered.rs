//! Requests with a filter in the query.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;

use crate::auth::AuthenticatedRequest;
use crate::filter::{QueryFilter, UnknownFields};
use crate::frame::Frame;
use crate::http::{Console, Problem};
use crate::view::View;

/// An authenticated request, and the filter of its query. An invalid query is refused.
pub(crate) struct FilteredRequest<F> {
    pub(crate) view: View,
    pub(crate) frame: Frame,
    pub(crate) filter: F,
}

impl<F: QueryFilter> FromRequestParts<Arc<Console>> for FilteredRequest<F> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Response> {
        let AuthenticatedRequest { view, frame } =
            AuthenticatedRequest::from_request_parts(parts, console).await?;
        let unknown = if frame.is_api() { UnknownFields::Rejected } else { UnknownFields::Ignored };
        match F::parse(parts.uri.query(), unknown) {
            Ok(filter) => Ok(Self { view, frame, filter }),
            Err(problems) => Err(frame.refuse(&Problem::bad_request(problems))),
        }
    }
}
