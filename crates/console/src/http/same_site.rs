//! Requests and paths of this console, as opposed to those of another site.

use axum::http::{HeaderMap, HeaderValue};

/// Whether to accept a form. Browsers mark one that another site's page sends (Fetch Metadata). A client that does not
/// is no browser, or one that does not send `SameSite=Strict` cookies with it either.
pub(crate) fn is_same_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, None | Some(b"same-origin" | b"none"))
}

/// The path to redirect to, if it is one of this console: not `//host`, nor `/\host`, which browsers treat the same.
pub(crate) fn same_site_path(next: &str) -> Option<&str> {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.len() <= 2048 && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_other_sites_are_rejected() {
        assert_eq!(same_site_path("/issues/1?a=b%20c"), Some("/issues/1?a=b%20c"));
        for elsewhere in
            ["", "issues", "//example.com", "/\\example.com", "https://example.com", "/\n/x", "/\t/x", "/é"]
        {
            assert_eq!(same_site_path(elsewhere), None, "{elsewhere:?}");
        }
    }
}
