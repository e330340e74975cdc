//! Ten thousand issues are no burden.

use std::time::{Duration, Instant};

use crate::fixture::many;
use crate::support::{get, open};

#[tokio::test]
async fn a_page_of_ten_thousand_issues_is_small_and_quick() {
    let console = open(many(10_000));
    for path in
        ["/", "/issues", "/issues?sort=-age&q=service&page=7", "/namespaces/team-01", "/rules", "/workloads"]
    {
        let begin = Instant::now();
        let page = get(&console, path).await;
        let took = begin.elapsed();
        println!("{path}: {} bytes, {took:?}", page.text.len());
        assert!(page.text.len() <= 150 * 1024, "{path}: {} bytes", page.text.len());
        // Without optimisation, on a machine that does other things besides.
        assert!(took < Duration::from_millis(500), "{path}: {took:?}");
    }
    assert_eq!(get(&console, "/api/v1/overview").await.json()["violations"], 10_000);
}
