//! Logging in: a token for a session's cookie.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{Extensions, HeaderMap, StatusCode, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use form_urlencoded::Serializer;

use super::enter::peer;
use super::{Console, Problem};
use crate::access::{Token, cookie, is_from_here, same_site_path, set_cookie};
use crate::filter::pairs;
use crate::pages::{Frame, login_page};
use crate::view;

/// The log-in that leads on to a page.
pub(super) fn address(next: &str) -> String {
    match next {
        "/" => "/login".to_owned(),
        next => format!("/login?{}", Serializer::new(String::new()).append_pair("next", next).finish()),
    }
}

/// The form. Where nobody has to log in, it leads on.
pub(super) async fn form(
    State(console): State<Arc<Console>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let next = pairs(query.as_deref()).find(|(name, _)| name == "next").map(|(_, next)| next);
    let next = next.as_deref().and_then(same_site_path).unwrap_or("/");
    if console.authorizer.is_open() {
        return Redirect::to(next).into_response();
    }
    login_page(&Frame::of(&uri, &headers), StatusCode::OK, next, None)
}

/// Takes a token.
pub(super) async fn enter(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let frame = Frame::of(&uri, &headers);
    if !is_from_here(&headers) {
        return frame.refuse(&Problem::of_another_site());
    }
    let (mut token, mut next) = (None, "/".to_owned());
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "token" => token = Token::parse(&value),
            "next" => same_site_path(&value).unwrap_or("/").clone_into(&mut next),
            _ => {}
        }
    }
    let again =
        |problem: &Problem| problem.mark(login_page(&frame, problem.status, &next, problem.lines.first()));
    if console.authorizer.is_open() {
        return Redirect::to(&next).into_response();
    }
    let Some(token) = token else {
        return again(&Problem::new(
            StatusCode::BAD_REQUEST,
            "Expected a token: one word of letters, digits and signs.",
        ));
    };
    let namespaces = view::namespaces(&console.source.snapshot());
    match console.try_token(&token, peer(&extensions), &namespaces).await {
        Ok(_) => begin(&console, token, &next).unwrap_or_else(|problem| again(&problem)),
        Err(refused) => again(&Problem::refused(refused)),
    }
}

fn begin(console: &Console, token: Token, next: &str) -> Result<Response, Problem> {
    let no_session = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No session can be begun now.");
    let key = console.sessions.begin(token, Instant::now()).map_err(|_| no_session())?;
    let life = crate::access::SESSION_LIFE.as_secs();
    let cookie =
        set_cookie(console.session_cookie(), &key, life, console.options.tls).ok_or_else(no_session)?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to(next)).into_response())
}

/// Ends the session. Another site's form ends nothing: the browser keeps the cookie back from it, and would take the
/// one that removes it all the same.
pub(super) async fn leave(State(console): State<Arc<Console>>, headers: HeaderMap, uri: Uri) -> Response {
    if !is_from_here(&headers) {
        return Frame::of(&uri, &headers).refuse(&Problem::of_another_site());
    }
    let name = console.session_cookie();
    if let Some(key) = cookie(&headers, name) {
        console.sessions.end(key);
    }
    let gone = set_cookie(name, "", 0, console.options.tls);
    let gone = AppendHeaders(gone.map(|cookie| (header::SET_COOKIE, cookie)));
    (gone, Redirect::to("/login")).into_response()
}
