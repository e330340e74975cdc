//! What an issue's page offers to copy, as files at stable addresses. Each is commented, and safe to give to a shell or a
//! YAML reader whatever the names of the objects are; so is a refusal.

mod exemption;
mod patch;
mod script;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use tagwatch_core::text::UntrustedText;

use crate::auth::AuthenticatedRequest;
use crate::http::Console;
use crate::remedy::{Remedy, remedies, why_none};
use crate::snapshot::{Workload, WorkloadIssue};
use crate::url::{address, field, pairs, with_query};

/// Longest line of a comment in bytes, without what escaping adds.
const MAX_COMMENT: usize = 1024;

pub(crate) use exemption::{DEFAULT_DAYS, MAX_DAYS, MAX_REASON};

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/issues/{id}/fix.sh", get(fix))
        .route("/issues/{id}/patch.yaml", get(patch))
        .route("/issues/{id}/exemption.yaml", get(exemption))
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileKind {
    /// Name of the file, and last segment of its address.
    name: &'static str,
    content_type: &'static str,
    /// The fields that its query may have, each once.
    fields: &'static [&'static str],
}

const FIX: FileKind = FileKind { name: "fix.sh", content_type: "text/plain; charset=utf-8", fields: &["by"] };
// RFC 9512.
const PATCH: FileKind = FileKind { name: "patch.yaml", content_type: "application/yaml", fields: &["by"] };
const EXEMPTION: FileKind =
    FileKind { name: "exemption.yaml", content_type: "application/yaml", fields: &["days", "reason"] };

impl FileKind {
    /// Programs ask for files, and want to find their mistakes.
    fn check(self, query: Option<&str>) -> Result<(), Refusal> {
        let mut seen = Vec::new();
        for (name, _) in pairs(query) {
            let Some(known) = self.fields.iter().find(|field| **field == name) else {
                let expected = self.fields.join(" or ");
                return Err(Refusal::Query(format!(
                    "{name}: no field of {}, expected {expected}",
                    self.name
                )));
            };
            if seen.contains(known) {
                return Err(Refusal::Query(format!("{known}: given more than once")));
            }
            seen.push(*known);
        }
        Ok(())
    }
}

/// A file, or the reason why there is none.
type Content = Result<String, Refusal>;

/// Why there is no file.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// A field of the query is invalid.
    Query(String),
    /// Nothing of the kind can be offered for this issue.
    Impossible(String),
}

type Id = Result<Path<String>, PathRejection>;

async fn fix(request: AuthenticatedRequest, id: Id, RawQuery(query): RawQuery) -> Response {
    answer(&request, FIX, id, query.as_deref(), |issue, query, _| {
        script::script(issue, &remedy(issue, query, |remedy| remedy.command.is_some())?)
    })
}

async fn patch(request: AuthenticatedRequest, id: Id, RawQuery(query): RawQuery) -> Response {
    answer(&request, PATCH, id, query.as_deref(), |issue, query, _| {
        Ok(patch::patch(issue, &remedy(issue, query, |_| true)?))
    })
}

async fn exemption(request: AuthenticatedRequest, id: Id, RawQuery(query): RawQuery) -> Response {
    answer(&request, EXEMPTION, id, query.as_deref(), exemption::exemption)
}

fn answer(
    request: &AuthenticatedRequest,
    kind: FileKind,
    id: Id,
    query: Option<&str>,
    content: impl FnOnce(WorkloadIssue<'_>, Option<&str>, Timestamp) -> Content,
) -> Response {
    let AuthenticatedRequest { view, .. } = request;
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let Some(issue) = view.issue(&id) else {
        // It continues under another key since its result changed.
        return match view.successor(&id) {
            Some(successor) => {
                let address = file_address(successor.issue.id, kind.name);
                Redirect::temporary(&with_query(&address, query.unwrap_or_default())).into_response()
            }
            None => file(
                kind,
                StatusCode::NOT_FOUND,
                comment("There is no such open issue, or you may not see it."),
            ),
        };
    };
    match kind.check(query).and_then(|()| content(issue, query, view.now)) {
        Ok(text) => file(kind, StatusCode::OK, text),
        Err(Refusal::Query(line)) => file(kind, StatusCode::BAD_REQUEST, comment(&line)),
        Err(Refusal::Impossible(line)) => file(kind, StatusCode::NOT_FOUND, comment(&line)),
    }
}

fn file(kind: FileKind, status: StatusCode, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind.content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{}\"", kind.name)),
    ];
    (status, headers, text).into_response()
}

/// The address of a file of an issue.
pub(crate) fn file_address(issue: impl std::fmt::Display, name: &str) -> String {
    address("/issues", &[&issue.to_string().into(), &name.into()])
}

/// The remedy that the query names, else the first one that serves.
fn remedy(
    WorkloadIssue { workload, issue }: WorkloadIssue<'_>,
    query: Option<&str>,
    serves: impl Fn(&Remedy) -> bool,
) -> Result<Remedy, Refusal> {
    let by = field(query, "by").filter(|by| !by.is_empty());
    if let Some(by) = &by
        && !Remedy::IDS.contains(&&**by)
    {
        return Err(Refusal::Query(format!("by: expected {}", Remedy::IDS.join(" or "))));
    }
    let remedies = remedies(workload, issue);
    let named = |remedy: &&Remedy| by.as_deref().is_none_or(|by| remedy.id == by);
    let note = remedies.iter().filter(named).find_map(|remedy| remedy.note.clone());
    let found = remedies.iter().filter(named).find(|remedy| serves(remedy)).cloned();
    found.ok_or_else(|| {
        let why = why_none(workload, issue).map(str::to_owned).or(note);
        let why =
            why.unwrap_or_else(|| "The resolution on the page of the issue says what to do.".to_owned());
        Refusal::Impossible(format!("There is none for this issue. {why}"))
    })
}

/// One line that a shell and a YAML reader skip, with its line break. What could end the line is escaped.
fn comment(text: &str) -> String {
    let head = &text[..text.floor_char_boundary(MAX_COMMENT)];
    format!("# {}\n", UntrustedText::from(head).terminal())
}

/// What the file is about: the first comment of each.
fn heading(WorkloadIssue { workload, issue }: WorkloadIssue<'_>) -> String {
    let Workload { namespace, kind, name, .. } = workload;
    let [kind, namespace, name, container] =
        [kind, namespace, name, &issue.container].map(|text| short(text.raw()));
    comment(&format!(
        "{} in {} {container} of {kind} {namespace}/{name}: {}",
        issue.rule.id,
        issue.container_type.words(),
        short(issue.image.raw())
    ))
}

/// The start of a name, so that a long one leaves room for the others.
fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(256)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_one_line() {
        assert_eq!(
            comment("a\nrm -rf /\r\u{2028}b\u{85}c\0"),
            "# a\\u{a}rm -rf /\\u{d}\\u{2028}b\\u{85}c\\u{0}\n"
        );
        assert_eq!(comment(&"é".repeat(MAX_COMMENT)).chars().count(), MAX_COMMENT / 2 + 3);
    }
}
