//! Team, search, order and size of the lists; owners; and the way through the issues of a filter.

use axum::http::StatusCode;
use serde_json::Value;

use super::support::{get, links, open};
use crate::fixture::{demo, hostile, long, long_image, longest_tag, many, with_failed};

/// The texts of a field, in the order of the answer.
fn texts(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| item[field].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn a_team_narrows_issues_workloads_and_namespaces() {
    let console = open(demo());
    let issues = get(&console, "/api/v1/issues?team=storefront&per_page=100").await.json();
    assert_eq!(issues["total"], get(&console, "/api/v1/issues?namespace=shop").await.json()["total"]);
    assert!(texts(&issues["issues"], "team").iter().all(|team| team == "storefront"));
    let both = get(&console, "/api/v1/issues?team=storefront,(none)").await.json();
    let none = get(&console, "/api/v1/issues?team=(none)&per_page=100").await.json();
    assert!(none["total"].as_u64() > Some(0), "{none}");
    assert_eq!(
        both["total"].as_u64(),
        issues["total"].as_u64().zip(none["total"].as_u64()).map(|(a, b)| a + b)
    );
    assert!(texts(&none["issues"], "namespace").iter().all(|name| name == "platform" || name == "docs"));
    let workloads = get(&console, "/api/v1/workloads?team=money").await.json();
    assert!(texts(&workloads["workloads"], "namespace").iter().all(|name| name == "payments"));
    let page = get(&console, "/namespaces?team=data").await;
    page.assert_holds("1–1 of <strong>1</strong>");
    page.assert_holds("<option selected>data</option>");
    for path in ["/issues", "/workloads", "/namespaces", "/changes", "/images"] {
        get(&console, path).await.assert_holds("<select name=\"team\">");
    }
    // Without a label of teams there is nothing to choose.
    let mut facts = demo();
    facts.engine = None;
    assert_eq!(get(&open(facts), "/issues").await.count("<select name=\"team\">"), 0);
}

#[tokio::test]
async fn owners_are_shown_and_only_web_addresses_are_links() {
    let console = open(demo());
    let issue = get(&console, "/api/v1/issues?q=shop/cart").await.json()["issues"][0]["path"].clone();
    for path in ["/namespaces/shop", "/workloads/shop/Deployment/cart", issue.as_str().expect("a path")] {
        let page = get(&console, path).await;
        page.assert_holds("<dt>team</dt><dd><a href=\"/issues?team=storefront\"><bdi>storefront</bdi></a>");
        page.assert_holds(
            "<a href=\"https://wiki.example.com/teams/storefront\" rel=\"noreferrer noopener\">",
        );
        page.assert_holds("<dt>chat</dt><dd><bdi>#storefront</bdi>");
    }
    let page = get(&open(hostile()), "/namespaces/hostile").await;
    page.assert_holds("<dt>owner</dt><dd><bdi>javascript:alert(1)</bdi>");
    page.assert_holds("https://a&quot;&gt;&lt;script&gt;");
    assert_eq!(page.count("href=\"javascript"), 0);
}

#[tokio::test]
async fn workloads_can_be_searched_and_sorted() {
    let console = open(demo());
    let found = async |query: &str| get(&console, &format!("/api/v1/workloads?{query}")).await.json();
    let by_image = found("q=CLICKHOUSE").await;
    assert_eq!(texts(&by_image["workloads"], "name"), ["warehouse"]);
    let names = texts(&found("sort=name").await["workloads"], "name");
    assert!(names.is_sorted() && names.len() > 10, "{names:?}");
    let reversed = texts(&found("sort=-name").await["workloads"], "name");
    assert!(reversed.iter().rev().is_sorted(), "{reversed:?}");
    let counts = found("sort=findings").await;
    let counts: Vec<u64> = counts["workloads"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["findings"].as_u64())
        .collect();
    assert!(counts.iter().rev().is_sorted() && counts[0] > counts[counts.len() - 1], "{counts:?}");
    for sort in ["status", "namespace", "kind", "containers", "age"] {
        assert_eq!(found(&format!("sort={sort}")).await["total"], found("").await["total"], "{sort}");
    }
    let page = get(&console, "/workloads?sort=-name&q=s&status=violating").await;
    page.assert_holds(
        "aria-sort=\"descending\"><a href=\"/workloads?status=violating&#38;q=s&#38;sort=name\">Workload</a>",
    );
    page.assert_holds("<input type=\"hidden\" name=\"sort\" value=\"-name\">");
    assert_eq!(get(&console, "/workloads?sort=colour").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_tabs_count_what_the_filter_admits() {
    let console = open(demo());
    let page = get(&console, "/workloads?team=money").await;
    let total = get(&console, "/api/v1/workloads?team=money").await.json()["total"].clone();
    page.assert_holds(&format!(
        "<a href=\"/workloads?team=money\" aria-current=\"true\">all <span class=\"muted\">{total}</span>"
    ));
}

/// The names in the order of the table.
async fn namespaces(console: &axum::Router, query: &str) -> Vec<String> {
    let page = get(console, &format!("/namespaces?{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{query}");
    let names = page.text.split("<bdi class=\"strong\">").skip(1);
    names.filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn namespaces_can_be_searched_and_sorted() {
    let console = open(demo());
    assert_eq!(
        namespaces(&console, "sort=name").await,
        ["analytics", "docs", "payments", "platform", "shop"]
    );
    assert_eq!(namespaces(&console, "sort=-name&q=P").await, ["shop", "platform", "payments"]);
    assert_eq!(namespaces(&console, "sort=score").await.len(), 5);
    assert_eq!(namespaces(&console, "sort=-workloads&per_page=1").await, ["docs"]);
    get(&console, "/namespaces?q=zebra").await.assert_holds("None matches the filter.");
}

#[tokio::test]
async fn a_page_has_as_many_rows_as_it_is_asked_for() {
    let console = open(many(230));
    let rows = async |query: &str| {
        let found = get(&console, &format!("/api/v1/issues?{query}")).await;
        assert_eq!(found.status, StatusCode::OK, "{query}");
        let found = found.json();
        (found["issues"].as_array().map(Vec::len), found["pages"].as_u64())
    };
    assert_eq!(rows("").await, (Some(50), Some(5)));
    assert_eq!(rows("per_page=100&page=3").await, (Some(30), Some(3)));
    assert_eq!(rows("per_page=1&page=230").await, (Some(1), Some(230)));
    for wrong in ["per_page=0", "per_page=101", "per_page=many", "per_page=-1"] {
        for path in [
            "/issues",
            "/workloads",
            "/namespaces",
            "/exemptions",
            "/changes",
            "/images",
            "/api/v1/issues",
            "/api/v1/workloads",
            "/api/v1/changes",
            "/api/v1/images",
        ] {
            assert_eq!(
                get(&console, &format!("{path}?{wrong}")).await.status,
                StatusCode::BAD_REQUEST,
                "{path}"
            );
        }
    }
    let page = get(&console, "/issues?per_page=20").await;
    page.assert_holds("<option selected>20</option>");
    page.assert_holds("/issues?per_page=20&#38;page=2");
}

#[tokio::test]
async fn an_issue_leads_to_the_next_one_of_its_filter() {
    let console = open(demo());
    let query = "namespace=shop&sort=-age";
    let listed = get(&console, &format!("/api/v1/issues?{query}")).await.json();
    let paths = texts(&listed["issues"], "path");
    let mut path = format!("{}?{query}", paths[0]);
    let table = get(&console, &format!("/issues?{query}")).await;
    assert!(links(&table.text).contains(&path), "rows of the table keep the filter");
    for (at, expected) in paths.iter().enumerate() {
        assert_eq!(path, format!("{expected}?{query}"));
        let page = get(&console, &path).await;
        page.assert_holds(&format!(">{} of {} in this filter</a>", at + 1, paths.len()));
        let next = page.text.split(" rel=\"next\"").next().and_then(|head| head.rsplit("href=\"").next());
        let has_next = page.count("rel=\"next\"") == 1;
        assert_eq!((has_next, page.count("rel=\"prev\"") == 1), (at + 1 < paths.len(), at > 0), "{path}");
        path = next.unwrap_or_default().trim_end_matches('"').replace("&#38;", "&");
    }
    // A filter that does not admit the issue, or is none, hides nothing of it.
    for query in ["namespace=docs", "severity=urgent"] {
        let page = get(&console, &format!("{}?{query}", paths[0])).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
    }
}

#[tokio::test]
async fn a_long_filter_does_not_swell_the_table() {
    let console = open(many(10_000));
    let teams: Vec<String> =
        (0..40).map(|number| format!("team=a-team-with-a-long-name-{number:02}")).collect();
    let page = get(&console, &format!("/issues?team=(none)&{}", teams.join("&"))).await;
    assert!(page.text.len() <= 250 * 1024, "{} bytes", page.text.len());
}

#[tokio::test]
async fn titles_of_pages_differ() {
    let console = open(demo());
    let issues = get(&console, "/api/v1/issues?exempt=all&per_page=100").await.json();
    let workloads = get(&console, "/api/v1/workloads?per_page=100").await.json();
    let mut paths = texts(&issues["issues"], "path");
    paths.extend(texts(&workloads["workloads"], "path"));
    let more = [
        "/",
        "/issues",
        "/issues?namespace=shop",
        "/issues?severity=high",
        "/issues?per_page=20&page=2",
        "/issues?exempt=yes",
        "/issues?exempt=all",
        "/issues?result=fail",
        "/issues?rule=latest-tag",
        "/issues?kind=Deployment",
        "/issues?team=money",
        "/issues?q=cart",
        "/issues?since=7d",
        "/issues?since=24h",
        "/issues?image=busybox",
        "/issues?registry=docker.io",
        "/issues?class=latest",
        "/issues?name=checkout",
        "/issues?container=api",
        "/changes",
        "/changes?since=7d",
        "/changes?since=2026-11-01T00:00:00Z",
        "/changes?since=60d&change=resolved",
        "/changes?since=60d&change=opened",
        "/changes?since=60d&change=image",
        "/changes?since=60d&namespace=shop",
        "/changes?since=60d&team=money",
        "/changes?since=60d&severity=high",
        "/changes?since=60d&rule=latest-tag",
        "/changes?since=60d&q=cart",
        "/changes?since=60d&per_page=10&page=2",
        "/images",
        "/images?namespace=shop",
        "/images?registry=docker.io",
        "/images?team=money",
        "/images?q=cart",
        "/images?per_page=5&page=2",
        "/images?by=registry",
        "/images?by=registry&namespace=shop",
        "/images?by=registry&registry=docker.io",
        "/images?by=registry&team=money",
        "/images?by=registry&per_page=1&page=2",
        "/namespaces",
        "/namespaces?q=s",
        "/namespaces?team=money",
        "/namespaces?per_page=1&page=2",
        "/namespaces/shop",
        "/workloads",
        "/workloads?status=error",
        "/workloads?namespace=shop",
        "/workloads?team=money",
        "/workloads?q=cart",
        "/workloads?sort=name&per_page=10&page=2",
        "/rules",
        "/rules?state=violated",
        "/rules?state=clean",
        "/rules?state=off",
        "/rules/latest-tag",
        "/exemptions",
        "/exemptions?state=unused",
        "/exemptions?state=expired",
        "/exemptions?state=active",
        "/exemptions?per_page=1&page=2",
        "/issues/d0000000000000000001",
    ];
    paths.extend(more.map(str::to_owned));
    let mut titles = std::collections::BTreeMap::new();
    for path in paths {
        let page = get(&console, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let title = page.text.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
        let title = title.expect("a title").to_owned();
        assert!(title.ends_with(" · tagwatch"), "{title}");
        if let Some(before) = titles.insert(title.clone(), path.clone()) {
            panic!("{before} and {path} are both called {title}");
        }
    }
    let cart = titles
        .keys()
        .find(|title| title.starts_with("shop/cart · api · latest with IfNotPresent · stale-pull-policy"));
    assert!(cart.is_some(), "{titles:?}");
    assert!(titles.contains_key("Issues: shop · tagwatch"), "{titles:?}");
}

#[tokio::test]
async fn a_long_image_is_whole_for_readers_and_on_hover() {
    let console = open(long());
    let page = get(&console, "/workloads/platform/DaemonSet/edge").await;
    let image = long_image();
    page.assert_holds(&format!("<span class=\"ref\" title=\"{image}\">"));
    let digest = &image[image.find('@').expect("a digest")..];
    page.assert_holds(&format!(
        "<bdi class=\"head\">registry.eu-west-1.example.com/platform/observability/collectors/edge</bdi>\
         <bdi class=\"ver\">:2.4.1</bdi><bdi class=\"dig\">{digest}</bdi>"
    ));
    get(&console, "/issues").await.assert_holds("<bdi class=\"ver\">:latest</bdi><bdi class=\"dig\"></bdi>");
    // Everywhere, in each row that names one: open and resolved issues, both sides of a change, groups.
    let tag = longest_tag();
    let tag = &tag[tag.find(":2").expect("a tag")..tag.find('@').expect("a digest")];
    for path in ["/changes?since=60d", "/workloads/platform/DaemonSet/edge", "/"] {
        let page = get(&console, path).await;
        page.assert_holds(&format!("<span class=\"ref\" title=\"{}\">", longest_tag()));
        page.assert_holds(&format!("<bdi class=\"ver\">{tag}</bdi><bdi class=\"dig\">{digest}</bdi>"));
        assert_eq!(page.count("characters in all"), 0, "{path}");
    }
    let images = get(&console, "/images").await;
    images.assert_holds("<code><span class=\"ref\" title=\"registry.eu-west-1.example.com/platform/observability/collectors/edge:latest\">");
    let filtered = get(&console, &format!("/issues?image={image}")).await;
    filtered
        .assert_holds(&format!("<span class=\"kind\">image</span> <span class=\"ref\" title=\"{image}\">"));
    let changes = get(&console, "/changes?since=60d&change=opened,resolved").await;
    changes.assert_holds(
        "<span class=\"image\"><span class=\"ref\" title=\"registry.example.com/platform/edge:2.4.1",
    );
}

#[tokio::test]
async fn a_workload_whose_check_failed_is_listed_and_has_a_page() {
    let console = open(with_failed());
    let list = get(&console, "/workloads?status=error").await;
    list.assert_holds("/workloads/platform/Deployment/metrics-adapter");
    let page = get(&console, "/workloads/platform/Deployment/metrics-adapter").await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_holds("tagwatch could not check this workload");
    let record = get(&console, "/api/v1/workloads/platform/Deployment/metrics-adapter").await.json();
    assert_eq!(
        (record["status"].as_str(), record["issues"].as_array().map(Vec::len)),
        (Some("error"), Some(0))
    );
    assert!(record["reason"].as_str().is_some_and(|reason| reason.contains("panic")), "{record}");
}
