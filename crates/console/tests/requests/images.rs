//! Findings grouped by image and by registry, and the exact filters that they lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use serde_json::Value;

use super::support::{get, get_with, guarded, links, open};
use crate::fixture::{Tokens, crowded, demo, hostile, many};

async fn all_issues(console: &Router, query: &str) -> Vec<Value> {
    let file = get(console, &format!("/issues.json?{query}")).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.text);
    file.json()["issues"].as_array().expect("issues").clone()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

async fn groups(console: &Router, query: &str) -> Vec<Value> {
    let mut groups = Vec::new();
    for page in 1.. {
        let found = get(console, &format!("/api/v1/images?{query}&page={page}")).await;
        assert_eq!(found.status, StatusCode::OK, "{}", found.text);
        let found = found.json();
        groups.extend(found["groups"].as_array().expect("groups").iter().cloned());
        if found["pages"].as_u64() <= Some(page) {
            assert_eq!(found["total"].as_u64(), u64::try_from(groups.len()).ok());
            return groups;
        }
    }
    unreachable!("pages end");
}

#[tokio::test]
async fn groups_count_what_the_issues_say() {
    for facts in [demo(), crowded(), many(230)] {
        let console = open(facts);
        let mut expected: BTreeMap<String, (BTreeSet<String>, u64)> = BTreeMap::new();
        for issue in all_issues(&console, "").await {
            let group = expected.entry(text(&issue, "image").to_owned()).or_default();
            group.0.insert(["namespace", "kind", "name"].map(|field| text(&issue, field)).join("/"));
            group.1 += 1;
        }
        let images = groups(&console, "").await;
        assert_eq!(images.len(), expected.len());
        for group in &images {
            let (workloads, issues) = &expected[text(group, "image")];
            assert_eq!(group["workloads"].as_u64(), u64::try_from(workloads.len()).ok(), "{group}");
            assert_eq!(group["findings"].as_u64(), Some(*issues), "{group}");
        }
        let workloads: Vec<u64> = images.iter().filter_map(|group| group["workloads"].as_u64()).collect();
        assert!(workloads.is_sorted_by(|one, other| one >= other), "{workloads:?}");
        let registries = groups(&console, "by=registry").await;
        let sum = |groups: &[Value], field: &str| -> u64 {
            groups.iter().filter_map(|group| group[field].as_u64()).sum()
        };
        assert_eq!(sum(&registries, "findings"), sum(&images, "findings"));
        assert_eq!(sum(&registries, "images"), sum(&images, "images"));
    }
}

#[tokio::test]
async fn an_image_in_many_workloads_is_first_and_leads_to_its_issues() {
    let console = open(crowded());
    let page = get(&console, "/images").await;
    let (_, rows) = page.text.split_once("<tbody").expect("a table");
    let (first, _) = rows.split_once("</tr>").expect("a row");
    for part in ["<code><bdi>nginx:latest</bdi></code>", "href=\"/issues?image=nginx%3Alatest\"", ">300<"] {
        assert!(first.contains(part), "{part} in {first}");
    }
    let found = get(&console, "/api/v1/issues?image=nginx%3Alatest").await.json();
    assert_eq!(found["total"], 600);
    let registries = get(&console, "/images?by=registry").await;
    registries.assert_holds("href=\"/issues?registry=docker.io\"");
    registries.assert_holds("href=\"/images?registry=registry.example.com\">1000 images</a>");
    let of_one = get(&console, "/images?registry=docker.io").await;
    of_one.assert_holds("1–1 of <strong>1</strong>");
}

#[tokio::test]
async fn every_row_leads_to_the_issues_that_it_counts() {
    for facts in [demo(), hostile()] {
        let console = open(facts);
        for path in [
            "/images",
            "/images?by=registry",
            "/images?q=a",
            "/images?by=registry&q=latest",
            "/images?team=(none)",
            "/images?by=registry&team=(none)&per_page=5",
        ] {
            let page = get(&console, path).await;
            assert_eq!(page.status, StatusCode::OK);
            let rows: Vec<&str> = page.text.split("<tr role=\"row\">").skip(2).collect();
            assert!(!rows.is_empty(), "{path}");
            for row in rows {
                let href = links(row).into_iter().find(|href| href.starts_with("/issues?")).expect("a link");
                let counted: usize = row
                    .split("<span class=\"count sev ")
                    .skip(1)
                    .filter_map(|count| {
                        count.split("</svg>").nth(1)?.split('<').next()?.parse::<usize>().ok()
                    })
                    .sum();
                let query = href.trim_start_matches("/issues?");
                let found = all_issues(&console, query).await;
                assert_eq!(found.len(), counted, "{href}");
            }
        }
    }
}

#[tokio::test]
async fn exact_filters_narrow_pages_and_exports() {
    let console = open(demo());
    let all = all_issues(&console, "exempt=all").await;
    for (field, of) in
        [("image", "image"), ("name", "name"), ("container", "container"), ("class", "tagClass")]
    {
        let values: BTreeSet<&str> = all.iter().map(|issue| text(issue, of)).collect();
        assert!(values.len() > 3, "{field}");
        for value in values {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair(field, value).finish();
            let expected = all.iter().filter(|issue| text(issue, of) == value).count();
            let found = all_issues(&console, &format!("exempt=all&{query}")).await;
            assert_eq!(found.len(), expected, "{query}");
            let csv = get(&console, &format!("/issues.csv?exempt=all&{query}")).await;
            assert_eq!(csv.text.lines().count(), expected + 1, "{query}");
            let page = get(&console, &format!("/issues?exempt=all&{query}")).await;
            page.assert_holds(&format!("of <strong>{expected}</strong>"));
            page.assert_holds("<details class=\"exact\" open>");
        }
    }
    // Part of a name is another name.
    assert_eq!(all_issues(&console, "name=car").await.len(), 0);
    assert!(!all_issues(&console, "q=car").await.is_empty());
    let of_hub = all_issues(&console, "registry=docker.io").await;
    assert!(!of_hub.is_empty());
    for issue in &of_hub {
        assert!(!text(issue, "image").starts_with("registry.example.com/"), "{issue}");
    }
    let bad = get(&console, "/api/v1/issues?class=lates").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let message = bad.json()["messages"][0].as_str().expect("a message").to_owned();
    assert!(message.starts_with("class: `lates` is none of invalid, digest"), "{message}");
    for query in ["by=tag", "page=x"] {
        assert_eq!(
            get(&console, &format!("/images?{query}")).await.status,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_form_keeps_every_value_of_a_link_and_a_chip_removes_one() {
    let console = open(demo());
    let page = get(&console, "/issues?image=a,b&image=c&name=cart&since=7d&registry=docker.io").await;
    for part in [
        "name=\"image\" value=\"a,b\"",
        "<input type=\"hidden\" name=\"image\" value=\"c\">",
        "name=\"name\" value=\"cart\"",
        "name=\"since\" value=\"7d\"",
        "name=\"registry\" value=\"docker.io\"",
        "href=\"/issues?image=c&#38;registry=docker.io&#38;name=cart&#38;since=7d\"",
        "href=\"/issues?image=a%2Cb&#38;image=c&#38;registry=docker.io&#38;name=cart\"",
    ] {
        page.assert_holds(part);
    }
}

#[tokio::test]
async fn images_of_hidden_namespaces_are_neither_shown_nor_counted() {
    let console = guarded(demo(), Arc::new(Tokens::new()));
    let shop = [("authorization", "Bearer shopkeeper-token")];
    let admin = [("authorization", "Bearer admin-token")];
    for path in ["/images", "/images?by=registry", "/api/v1/images", "/api/v1/images?by=registry"] {
        let (seen, all) = (get_with(&console, path, &shop).await, get_with(&console, path, &admin).await);
        assert_eq!((seen.status, all.status), (StatusCode::OK, StatusCode::OK));
        for name in ["payments", "analytics", "clickhouse", "grafana"] {
            assert!(!seen.text.contains(name), "{path} shows {name}");
        }
        assert_ne!(seen.text, all.text, "{path}");
    }
    let total = async |headers: &[(&str, &str)]| {
        let groups = get_with(&console, "/api/v1/images?by=registry", headers).await.json();
        let groups = groups["groups"].as_array().expect("groups").clone();
        groups.iter().filter_map(|group| group["findings"].as_u64()).sum::<u64>()
    };
    let issues = get_with(&console, "/api/v1/issues", &shop).await.json();
    assert_eq!(Some(total(&shop).await), issues["total"].as_u64());
    assert!(total(&admin).await > total(&shop).await);
}

#[tokio::test]
async fn images_are_narrowed_by_team_and_text() {
    let console = open(demo());
    for query in ["team=storefront", "team=money,(none)", "q=CART", "team=storefront&q=latest"] {
        let issues = all_issues(&console, query).await;
        let images: BTreeSet<&str> = issues.iter().map(|issue| text(issue, "image")).collect();
        let found = groups(&console, query).await;
        assert!(!found.is_empty(), "{query}");
        assert_eq!(
            found.iter().map(|group| text(group, "image")).collect::<BTreeSet<_>>(),
            images,
            "{query}"
        );
        let findings: u64 = found.iter().filter_map(|group| group["findings"].as_u64()).sum();
        assert_eq!(usize::try_from(findings).ok(), Some(issues.len()), "{query}");
    }
    let page = get(&console, "/images?team=storefront&q=s&per_page=20").await;
    for part in [
        "<option selected>storefront</option>",
        "<option selected>20</option>",
        "name=\"q\" value=\"s\"",
        "href=\"/images?by=registry&#38;team=storefront&#38;q=s&#38;per_page=20\"",
    ] {
        page.assert_holds(part);
    }
}
