//! What every request shares: the console's state, cookies, headers, and the forms of an answer.

mod answer;
pub(crate) mod assets;
mod cookies;
mod headers;
mod same_site;
mod state;
mod theme;

pub(crate) use answer::{Problem, html, json};
pub(crate) use cookies::{cookie, set_cookie};
pub(crate) use headers::add_security_headers;
pub(crate) use same_site::{is_same_site, same_site_path};
pub use state::Options;
pub(crate) use state::{AuthError, Console};
pub(crate) use theme::{THEME_COOKIE, Theme};
