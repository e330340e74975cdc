//! The header, navigation and footer of every page.

mod refusal;

use axum::http::{HeaderMap, Uri};

use crate::health::HealthLine;
use crate::http::{Theme, same_site_path};
use crate::text::HtmlText;

#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Path and query of this page, for links and redirects back to it; `/` where a browser could read them as an
    /// address of another site.
    pub(crate) here: String,
    /// The path of the request. Only for comparisons: it is not safe to show or to link to.
    path: String,
    pub(crate) theme: Theme,
    pub(crate) cluster: Option<HtmlText>,
    pub(crate) user: Option<HtmlText>,
    /// Whether the caller can log out.
    pub(crate) can_leave: bool,
    /// What is wrong with tagwatch itself.
    pub(crate) health: Vec<HealthLine>,
    /// Warnings that the page may be incomplete.
    pub(crate) notices: Vec<String>,
}

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Clone, Copy)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) href: &'static str,
    pub(crate) is_here: bool,
}

const SECTIONS: [(&str, &str); 8] = [
    ("Overview", "/"),
    ("Changes", "/changes"),
    ("Issues", "/issues"),
    ("Images", "/images"),
    ("Namespaces", "/namespaces"),
    ("Workloads", "/workloads"),
    ("Rules", "/rules"),
    ("Exemptions", "/exemptions"),
];

impl Frame {
    pub(crate) fn new(uri: &Uri, headers: &HeaderMap) -> Self {
        let here = uri.path_and_query().and_then(|path| same_site_path(path.as_str())).unwrap_or("/");
        Self {
            here: here.to_owned(),
            path: uri.path().to_owned(),
            theme: Theme::of(headers),
            cluster: None,
            user: None,
            can_leave: false,
            health: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Whether the request is for the JSON API.
    pub(crate) fn is_api(&self) -> bool {
        self.path.starts_with("/api/")
    }

    pub(crate) fn sections(&self) -> impl Iterator<Item = Section> {
        SECTIONS.into_iter().map(move |(name, href)| {
            let path = self.path.as_str();
            let is_below = href != "/" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/'));
            Section { name, href, is_here: path == href || is_below }
        })
    }
}
