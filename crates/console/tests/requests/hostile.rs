//! Untrusted text on pages.

use axum::http::StatusCode;

use super::support::{get, links, open};
use crate::fixture::hostile;

#[tokio::test]
async fn no_page_contains_untrusted_markup_or_control_characters() {
    let console = open(hostile());
    let mut paths: Vec<String> =
        ["/", "/issues?exempt=all", "/issues?exempt=all&page=2", "/namespaces", "/workloads", "/rules"]
            .map(str::to_owned)
            .into();
    for path in paths.clone() {
        paths.extend(links(&get(&console, &path).await.text));
    }
    paths.extend(
        [
            "/issues?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
            "/rules/%3Cscript%3E",
            "/%22%3E%3Cscript%3E?%22%3E%3Cscript%3E",
        ]
        .map(str::to_owned),
    );
    paths.sort();
    paths.dedup();
    let mut issues = 0;
    for path in paths.iter().filter(|path| !path.contains("/assets/") && !path.contains("issues.")) {
        let page = get(&console, path).await;
        if path.starts_with("/issues/") {
            assert_eq!(page.status, StatusCode::OK, "{path}");
            issues += 1;
        }
        if !page.header("content-type").starts_with("text/html") {
            continue;
        }
        for markup in ["<script", "<img", "onerror=\"", "onmouseover='", "javascript:alert(1)\""] {
            assert_eq!(page.count(markup), 0, "{markup} on {path}");
        }
        let bad = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        assert_eq!(page.text.chars().find(bad), None, "{path}");
        assert!(page.text.len() < 400_000, "{} bytes: {path}", page.text.len());
    }
    assert!(issues > 10, "{issues}");
}

/// Templates print untrusted text only as `HtmlText`, which is escaped; a filter could bypass that.
#[test]
fn no_template_bypasses_escaping() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    for file in std::fs::read_dir(folder).expect("the templates") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("a template");
        for way in ["|safe", "| safe", "escape=", "style=", "onclick", "onload", "<script"] {
            assert!(!text.contains(way), "{way} in {}", path.display());
        }
    }
}
