//! Ten thousand issues are no burden. How long a page of them takes, `make bench` says.

use crate::fixture::many;
use crate::support::{get, open};

#[tokio::test]
async fn a_page_of_ten_thousand_issues_is_small() {
    let console = open(many(10_000));
    for path in
        ["/", "/issues", "/issues?sort=-age&q=service&page=7", "/namespaces/team-01", "/rules", "/workloads"]
    {
        let page = get(&console, path).await;
        assert!(page.text.len() <= 150 * 1024, "{path}: {} bytes", page.text.len());
    }
    assert_eq!(get(&console, "/api/v1/overview").await.json()["violations"], 10_000);
}
