//! The table of exemptions.

use std::sync::Arc;

use axum::http::StatusCode;
use tagwatch_console::Facts;

use super::support::{get, get_with, guarded, open};
use crate::fixture::{Tokens, demo};

/// The rows of the table, each in words.
fn rows(page: &str) -> Vec<&str> {
    let body = page.split("<tbody").nth(1).unwrap_or_default();
    body.split("<tr role=\"row\">").skip(1).collect()
}

#[tokio::test]
async fn every_exemption_has_a_row_with_its_state() {
    let console = open(demo());
    let page = get(&console, "/exemptions").await;
    let rows = rows(&page.text);
    for (state, texts) in [
        (
            "active",
            &["spec.exemptions[0] of the policy", "PLAT-2291", "floating-tag", "2027-01-31", "65 days left"]
                [..],
        ),
        ("active", &["spec.exemptions[1] of the policy", "People choose", "never"]),
        ("unused", &["spec.exemptions[2] of the policy", "PAY-118", "There is no finding"]),
        ("expired", &["spec.exemptions[3] of the policy", "new builder", "2026-10-31", "over", "all"]),
        (
            "unused",
            &["annotation of Deployment docs/handbook", "/workloads/docs/Deployment/handbook", "latest-tag"],
        ),
        ("not honoured", &["annotation of Pod platform/debug-shell", "tagwatch.dev/ignore-reason"]),
    ] {
        let row = rows.iter().find(|row| row.contains(texts[0])).unwrap_or_else(|| panic!("{}", page.text));
        assert!(row.contains(&format!("\">{state}</span>")), "{row}");
        for text in texts {
            assert!(row.contains(text), "{text}: {row}");
        }
    }
    assert_eq!(rows.len(), 6);
    assert!(rows[0].contains("not honoured") && rows[5].contains("active"), "what needs a hand is first");
}

#[tokio::test]
async fn of_a_new_policy_no_exemption_is_unused_before_every_workload_is_checked_by_it() {
    let page = get(&open(Facts { is_policy_unchecked: true, ..demo() }), "/exemptions").await;
    let rows = rows(&page.text);
    assert_eq!(rows.len(), 5);
    assert!(!page.text.contains("PAY-118") && page.text.contains("People choose"), "{}", page.text);
}

#[tokio::test]
async fn a_state_can_be_chosen() {
    let console = open(demo());
    for (state, count) in [("active", 2), ("unused", 2), ("expired", 1), ("not-honoured", 1)] {
        let page = get(&console, &format!("/exemptions?state={state}")).await;
        assert_eq!(rows(&page.text).len(), count, "{state}");
    }
    assert_eq!(get(&console, "/exemptions?state=old").await.status, StatusCode::BAD_REQUEST);
    let first = get(&console, "/exemptions?per_page=4").await;
    first.assert_holds("1–4 of <strong>6</strong>");
    first.assert_holds("<a href=\"/exemptions?per_page=4&#38;page=2\" rel=\"next\">");
}

#[tokio::test]
async fn callers_of_some_namespaces_see_nothing_of_others() {
    let console = guarded(demo(), Arc::new(Tokens::new()));
    let page = get_with(&console, "/exemptions", &[("authorization", "Bearer shopkeeper-token")]).await;
    page.assert_holds("You see some namespaces only");
    for theirs in ["PLAT-2291", "PAY-118", "handbook", "debug-shell", "spec.exemptions["] {
        assert_eq!(page.count(theirs), 0, "{theirs}");
    }
}
