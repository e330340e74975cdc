//! Who a request comes from.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use tagwatch_core::text::UntrustedText;

use super::console::Refused;
use super::{Console, Problem, login};
use crate::access::{Caller, Denied, Token, Visible, cookie};
use crate::pages::Frame;
use crate::view::{self, View};

/// Somebody who was let in, with what they see and how they want to see it.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) view: View,
    pub(crate) frame: Frame,
}

impl FromRequestParts<Arc<Console>> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Response> {
        let mut frame = Frame::of(&parts.uri, &parts.headers);
        let is_open = console.authorizer.is_open();
        // Strangers are turned away before anything is put together for them.
        let (snapshot, caller) = if is_open {
            let caller = ensure_local_name(&parts.headers).map_err(|problem| frame.refuse(&problem))?;
            (console.source.snapshot(), caller)
        } else {
            let Some(credential) = credential(&parts.headers, console) else {
                return Err(stranger(&parts.headers, &frame));
            };
            let snapshot = console.source.snapshot();
            let peer = peer(&parts.extensions);
            let answer = authorize(console, credential, peer, &view::namespaces(&snapshot)).await;
            (snapshot, answer.map_err(|refused| refuse(refused, &frame))?)
        };
        frame.cluster.clone_from(&snapshot.facts().cluster);
        frame.user.clone_from(&caller.name);
        frame.can_leave = !is_open;
        frame.notices.extend(caller.may_see_more.then(|| LEFT_OUT.to_owned()));
        Ok(Self { view: View::new(snapshot, caller, console.source.now()), frame })
    }
}

/// Said where a page may hold less than its caller may see.
const LEFT_OUT: &str = "Namespaces may be missing here: there are too many to ask about each of them. Whoever may list \
                        policyreports in all namespaces sees all.";

/// What somebody brings.
enum Credential {
    /// A session's key, and the token behind it.
    Session(String, Token),
    Bearer(Token),
}

async fn authorize(
    console: &Console,
    credential: Credential,
    peer: Option<IpAddr>,
    namespaces: &BTreeSet<UntrustedText>,
) -> Result<Caller, Refused> {
    match credential {
        Credential::Bearer(token) => console.try_token(&token, peer, namespaces).await,
        Credential::Session(key, token) => {
            let answer = console.authorizer.authorize(&token, namespaces).await;
            if answer == Err(Denied::Unauthenticated) {
                console.sessions.end(&key);
            }
            answer.map_err(Refused::Denied)
        }
    }
}

fn credential(headers: &HeaderMap, console: &Console) -> Option<Credential> {
    if let Some(token) = bearer(headers) {
        return Some(Credential::Bearer(token));
    }
    let key = cookie(headers, console.session_cookie())?;
    Some(Credential::Session(key.to_owned(), console.sessions.token(key, Instant::now())?))
}

fn bearer(headers: &HeaderMap) -> Option<Token> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Token::parse(token).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}

pub(super) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// Somebody without a token. A browser keeps the session's cookie back when another site's page has led here (a
/// chat, a dashboard), so it is asked to come again from a page of ours: then it either has the cookie, or logs in.
fn stranger(headers: &HeaderMap, frame: &Frame) -> Response {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !frame.is_api() && matches!(site, Some(b"cross-site" | b"same-site")) {
        return frame.onward();
    }
    refuse(Refused::Denied(Denied::Unauthenticated), frame)
}

fn refuse(refused: Refused, frame: &Frame) -> Response {
    if refused == Refused::Denied(Denied::Unauthenticated) && !frame.is_api() {
        return Redirect::to(&login::address(&frame.here)).into_response();
    }
    let mut response = frame.refuse(&Problem::refused(refused));
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Everybody may see everything, by a loopback name or an address. A name that somebody else's DNS leads to this
/// machine is neither, so no page of theirs can read what is here (DNS rebinding).
fn ensure_local_name(headers: &HeaderMap) -> Result<Caller, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let with_port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = with_port.map_or(host, |(name, _)| name);
    let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    if is_address || name == "localhost" || name.ends_with(".localhost") {
        return Ok(Caller { name: None, visible: Visible::All, may_see_more: false });
    }
    let line =
        "A console without log-in answers to localhost and to addresses alone, and this is another name.";
    Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, line))
}
