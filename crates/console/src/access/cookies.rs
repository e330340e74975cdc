//! Cookies, and whether a request comes from a page of ours.

use axum::http::{HeaderMap, HeaderValue, header};

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// A cookie that no script reads and no other site's page sends. `value` is of our own making; `max_age` in seconds,
/// of which 0 removes the cookie.
pub(crate) fn set_cookie(name: &str, value: &str, max_age: u64, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&line).ok()
}

/// Whether a form may be taken: a browser says so when another site's page sends it (Fetch Metadata); what says
/// nothing is no browser, or one that sends no `SameSite=Strict` cookie either.
pub(crate) fn is_from_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, None | Some(b"same-origin" | b"none"))
}

/// A path to go on to, where it is one of this console: not `//host`, nor `/\host`, which browsers take for it.
pub(crate) fn same_site_path(next: &str) -> Option<&str> {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.len() <= 2048 && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; theme=dark"));
        headers.append(header::COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!([cookie(&headers, "theme"), cookie(&headers, "b")], [Some("dark"), Some("2")]);
        assert_eq!(cookie(&headers, "eme"), None);
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(same_site_path("/issues/1?a=b%20c"), Some("/issues/1?a=b%20c"));
        for elsewhere in
            ["", "issues", "//example.com", "/\\example.com", "https://example.com", "/\n/x", "/\t/x", "/é"]
        {
            assert_eq!(same_site_path(elsewhere), None, "{elsewhere:?}");
        }
    }
}
