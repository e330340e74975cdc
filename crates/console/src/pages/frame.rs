//! What stands around every page.

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use tagwatch_core::text::UntrustedText;

use super::refusal::{OnwardPage, RefusalPage};
use crate::access::same_site_path;
use crate::http::{ICON, Problem, STYLE, Theme, html, json};
use crate::record::ErrorRecord;
use crate::text::Shown;

/// Navigation, theme and who is there.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Path and query of this page, to lead back to; `/` where browsers could take them for another site's.
    pub(crate) here: String,
    /// The path as it was asked for: never to be shown nor led to.
    path: String,
    pub(crate) theme: Theme,
    pub(crate) cluster: Option<UntrustedText>,
    pub(crate) user: Option<UntrustedText>,
    /// Whether there is a session to end.
    pub(crate) can_leave: bool,
    /// What makes the page less than it looks, to be said on it.
    pub(crate) notices: Vec<String>,
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
        let here =
            uri.path_and_query().and_then(|path| same_site_path(path.as_str())).unwrap_or("/").to_owned();
        let (path, theme) = (uri.path().to_owned(), Theme::of(headers));
        Self {
            here,
            path,
            theme,
            cluster: None,
            user: None,
            can_leave: false,
            notices: Vec::new(),
            fixed: FIXED,
        }
    }

    /// Whether a program asks.
    pub(crate) fn is_api(&self) -> bool {
        self.path.starts_with("/api/")
    }

    /// Says why there is no page, to a program in its own way.
    pub(crate) fn refuse(&self, problem: &Problem) -> Response {
        if self.is_api() {
            let record = ErrorRecord { status: problem.status.as_u16(), messages: problem.lines.clone() };
            return problem.mark(json(problem.status, &record));
        }
        problem.mark(html(problem.status, &RefusalPage::new(self, problem)))
    }

    /// Asks the browser to come again from a page of ours.
    pub(crate) fn onward(&self) -> Response {
        html(StatusCode::OK, &OnwardPage { here: &self.here })
    }

    /// The navigation.
    pub(crate) fn sections(&self) -> impl Iterator<Item = Section> {
        SECTIONS.into_iter().map(move |(name, href)| {
            let path = self.path.as_str();
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
