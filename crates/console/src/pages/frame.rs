//! What stands around every page.

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use tagwatch_core::text::UntrustedText;

use super::refusal::{OnwardPage, RefusalPage};
use crate::http::{ICON, Problem, STYLE, Theme, html, json};
use crate::record::ErrorRecord;
use crate::text::Shown;

/// Navigation, theme and who is there.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Path and query of this page.
    pub(crate) here: String,
    pub(crate) theme: Theme,
    pub(crate) cluster: Option<UntrustedText>,
    pub(crate) user: Option<UntrustedText>,
    /// Whether there is a session to end.
    pub(crate) can_leave: bool,
    /// What never changes, for the templates.
    pub(crate) fixed: Fixed,
}

/// The same on every page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed {
    pub(crate) stylesheet: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) version: &'static str,
    pub(crate) themes: [Theme; 3],
}

const FIXED: Fixed =
    Fixed { stylesheet: STYLE, icon: ICON, version: env!("CARGO_PKG_VERSION"), themes: Theme::ALL };

/// An entry of the navigation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) href: &'static str,
    pub(crate) is_here: bool,
}

const SECTIONS: [(&str, &str); 5] = [
    ("Overview", "/"),
    ("Issues", "/issues"),
    ("Namespaces", "/namespaces"),
    ("Workloads", "/workloads"),
    ("Rules", "/rules"),
];

impl Frame {
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let here = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Self { here, theme: Theme::of(headers), cluster: None, user: None, can_leave: false, fixed: FIXED }
    }

    /// Whether a program asks.
    pub(crate) fn is_api(&self) -> bool {
        self.here.starts_with("/api/")
    }

    /// Says why there is no page, to a program in its own way.
    pub(crate) fn refuse(&self, problem: &Problem) -> Response {
        if self.is_api() {
            let record = ErrorRecord { status: problem.status.as_u16(), messages: problem.lines.clone() };
            return json(problem.status, &record);
        }
        html(problem.status, &RefusalPage::new(self, problem))
    }

    /// Asks the browser to come again from a page of ours.
    pub(crate) fn onward(&self) -> Response {
        html(StatusCode::OK, &OnwardPage { here: &self.here })
    }

    /// The navigation.
    pub(crate) fn sections(&self) -> impl Iterator<Item = Section> {
        let path = self.here.split(['?', '#']).next().unwrap_or_default();
        SECTIONS.into_iter().map(move |(name, href)| {
            let is_below = href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/'));
            Section { name, href, is_here: path == href || is_below }
        })
    }

    pub(crate) fn cluster(&self) -> Option<Shown> {
        self.cluster.as_ref().map(Shown::short)
    }

    pub(crate) fn user(&self) -> Option<Shown> {
        self.user.as_ref().map(Shown::short)
    }
}
