//! Authentication of a request.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use form_urlencoded::Serializer;
use percent_encoding::percent_decode_str;
use tagwatch_core::text::UntrustedText;

use crate::access::{Authorizer, Caller, Denied, Peer, Token, Visible, admit};
use crate::frame::Frame;
use crate::health::HealthContext;
use crate::http::{AuthError, Console, Problem, cookie};
use crate::text::HtmlText;
use crate::view::{self, View};

const INCOMPLETE: &str = "Namespaces may be missing here: there are too many to ask about each of them. Users who may list \
                          policyreports in all namespaces see all.";

/// A request of a known caller: what they may see, and the frame of the page.
#[derive(Debug, Clone)]
pub(crate) struct AuthenticatedRequest {
    pub(crate) view: View,
    pub(crate) frame: Frame,
}

impl AuthenticatedRequest {
    pub(crate) fn not_found(&self, line: &str) -> Response {
        self.frame.refuse(&Problem::new(StatusCode::NOT_FOUND, line))
    }
}

impl FromRequestParts<Arc<Console>> for AuthenticatedRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Response> {
        let mut frame = Frame::new(&parts.uri, &parts.headers);
        // The snapshot can be costly to build: only for requests with a credential.
        let (snapshot, caller) = if let Some(authorizer) = &console.authorizer {
            let Some(credential) = credential(&parts.headers, console) else {
                return Err(without_credential(&parts.headers, &frame));
            };
            let snapshot = console.source.snapshot();
            let peer = Peer::of_request(&parts.extensions);
            let mut namespaces = view::namespaces(&snapshot);
            // Whether nothing is known of it may be said to callers who may see it.
            namespaces.extend(named_namespace(parts.uri.path()));
            let answer = authorize(console, &**authorizer, credential, peer, &namespaces).await;
            let caller = answer.map_err(|error| refuse(error, &frame))?;
            admit(&parts.extensions, &caller);
            (snapshot, caller)
        } else {
            let caller = ensure_local_name(&parts.headers).map_err(|problem| frame.refuse(&problem))?;
            (console.source.snapshot(), caller)
        };
        let view = View::new(snapshot, caller, console.source.now());
        let facts = view.facts();
        let context =
            HealthContext { policy: facts.policy.as_ref(), evaluated: facts.evaluated, now: view.now };
        frame.health = console.source.health().lines(context, |namespace| view.sees(namespace));
        frame.cluster = facts.cluster.as_ref().map(HtmlText::short);
        frame.user = view.caller().name.as_ref().map(HtmlText::short);
        frame.can_leave = console.authorizer.is_some();
        frame.notices.extend(view.caller().may_see_more.then(|| INCOMPLETE.to_owned()));
        Ok(Self { view, frame })
    }
}

/// Longest name of a namespace (RFC 1123, section 2.1: one label).
const MAX_NAMESPACE: usize = 63;

/// The namespace that the path of a page or of the API names, if an API server could hold one of this name.
fn named_namespace(path: &str) -> Option<UntrustedText> {
    let mut segments = path.strip_prefix("/api/v1").unwrap_or(path).split('/').skip(1);
    let is_of_namespace = matches!(segments.next()?, "namespaces" | "workloads");
    let name = percent_decode_str(segments.next().filter(|_| is_of_namespace)?).decode_utf8().ok()?;
    let is_name = (1..=MAX_NAMESPACE).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_name.then(|| name.as_ref().into())
}

enum Credential {
    Session { key: String, token: Token },
    Bearer(Token),
}

async fn authorize(
    console: &Console,
    authorizer: &dyn Authorizer,
    credential: Credential,
    peer: Peer,
    namespaces: &BTreeSet<UntrustedText>,
) -> Result<Caller, AuthError> {
    match credential {
        Credential::Bearer(token) => console.try_token(authorizer, &token, peer, namespaces).await,
        Credential::Session { key, token } => {
            let answer = authorizer.authorize(&token, peer, namespaces).await;
            if answer == Err(Denied::Unauthenticated) {
                console.sessions.end(&key);
            }
            answer.map_err(AuthError::Denied)
        }
    }
}

fn credential(headers: &HeaderMap, console: &Console) -> Option<Credential> {
    if let Some(token) = Token::of_bearer(headers) {
        return Some(Credential::Bearer(token));
    }
    let key = cookie(headers, console.session_cookie())?;
    let token = console.sessions.token(key, Instant::now())?;
    Some(Credential::Session { key: key.to_owned(), token })
}

/// After a link on another site (a chat, a dashboard), the browser withholds the `SameSite=Strict` cookie. It then has
/// to request the page again from this site, and sends the cookie if it has one.
fn without_credential(headers: &HeaderMap, frame: &Frame) -> Response {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !frame.is_api() && matches!(site, Some(b"cross-site" | b"same-site")) {
        return frame.reload();
    }
    refuse(AuthError::Denied(Denied::Unauthenticated), frame)
}

fn refuse(error: AuthError, frame: &Frame) -> Response {
    if error == AuthError::Denied(Denied::Unauthenticated) && !frame.is_api() {
        return Redirect::to(&login_address(&frame.here)).into_response();
    }
    let mut response = frame.refuse(&error.into());
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The log-in form, which redirects to `next` afterwards.
fn login_address(next: &str) -> String {
    match next {
        "/" => "/login".to_owned(),
        next => format!("/login?{}", Serializer::new(String::new()).append_pair("next", next).finish()),
    }
}

/// An open console shows everything, but only under a loopback name or an IP address. A page of another site can point
/// a name of its own at this console (DNS rebinding), and must not read it that way.
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
