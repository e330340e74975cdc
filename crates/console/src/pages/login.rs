//! Logging in and out: a token for a session cookie.

use std::sync::Arc;
use std::time::Instant;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{Extensions, HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use tagwatch_core::text::UntrustedText;

use super::form::{self, FormRequest, redirect};
use crate::access::{Caller, Peer, SESSION_LIFE, Token, admit};
use crate::frame::Frame;
use crate::http::{Console, Problem, cookie, html, same_site_path, set_cookie};
use crate::{url, view};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: &'a Frame,
    /// The audience of a token that opens nothing but tagwatch.
    audience: &'a str,
    next: &'a str,
    problem: Option<&'a String>,
}

/// The log-in form. An open console redirects instead.
pub(super) async fn form(
    State(console): State<Arc<Console>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let next = url::field(query.as_deref(), "next");
    let next = next.as_deref().and_then(same_site_path).unwrap_or("/");
    if console.authorizer.is_none() {
        return Redirect::to(next).into_response();
    }
    html(
        StatusCode::OK,
        &LoginPage {
            frame: &Frame::new(&uri, &headers),
            audience: &console.options.audience,
            next,
            problem: None,
        },
    )
}

pub(super) async fn log_in(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    FormRequest { frame, .. }: FormRequest,
    body: Bytes,
) -> Response {
    let next = &form::next(&body);
    let refuse = |problem: &Problem| {
        let audience = &console.options.audience;
        let page = LoginPage { frame: &frame, audience, next, problem: problem.lines.first() };
        problem.add_headers(html(problem.status, &page))
    };
    let Some(authorizer) = &console.authorizer else {
        return Redirect::to(next).into_response();
    };
    let Some(token) = form::field(&body, "token").as_deref().and_then(Token::parse) else {
        return refuse(&Problem::new(
            StatusCode::BAD_REQUEST,
            "Expected a token: one word of letters, digits and signs.",
        ));
    };
    let namespaces = view::namespaces(&console.source.snapshot());
    match console.try_token(&**authorizer, &token, Peer::of_request(&extensions), &namespaces).await {
        Ok(caller) => {
            admit(&extensions, &caller);
            begin_session(&console, token, &caller, next).unwrap_or_else(|problem| refuse(&problem))
        }
        Err(error) => refuse(&error.into()),
    }
}

fn begin_session(console: &Console, token: Token, caller: &Caller, next: &str) -> Result<Response, Problem> {
    let no_session = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "No session can be begun now.");
    let account = caller.name.as_ref().map_or("", UntrustedText::raw);
    let key = console.sessions.begin(token, account, Instant::now()).map_err(|_| no_session())?;
    let life = SESSION_LIFE.as_secs();
    let cookie =
        set_cookie(console.session_cookie(), &key, life, console.options.tls).ok_or_else(no_session)?;
    Ok(redirect(next, Some(cookie)))
}

/// Ends the session. The check for other sites matters here too: their forms come without the cookie, but the browser
/// would accept its removal.
pub(super) async fn log_out(
    State(console): State<Arc<Console>>,
    FormRequest { headers, .. }: FormRequest,
) -> Response {
    let name = console.session_cookie();
    if let Some(key) = cookie(&headers, name) {
        console.sessions.end(key);
    }
    redirect("/login", set_cookie(name, "", 0, console.options.tls))
}
