//! Exports: complete, and safe to open in other programs.

use super::support::{get, open};
use crate::fixture::{demo, hostile, many};

#[tokio::test]
async fn every_format_contains_all_filtered_issues() {
    let console = open(many(230));
    let csv = get(&console, "/issues.csv?severity=critical,high").await;
    let json = get(&console, "/issues.json?severity=critical,high").await;
    let markdown = get(&console, "/issues.md?severity=critical,high").await;
    let total = usize::try_from(json.json()["total"].as_u64().expect("a number")).expect("small");
    assert!(total > 50, "more than a page: {total}");
    assert_eq!(csv.text.lines().count(), total + 1);
    assert_eq!(markdown.text.lines().count(), total + 2);
    assert_eq!(json.json()["issues"].as_array().map(Vec::len), Some(total));
    for (answer, extension) in [(csv, "csv"), (json, "json"), (markdown, "md")] {
        let expected = format!("attachment; filename=\"tagwatch-issues.{extension}\"");
        assert_eq!(answer.header("content-disposition"), expected);
    }
}

#[tokio::test]
async fn no_csv_cell_is_a_formula() {
    let csv = get(&open(hostile()), "/issues.csv?exempt=all").await.text;
    assert!(csv.contains("'=HYPERLINK("), "{}", &csv[..2000]);
    for line in csv.split("\r\n") {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        let mut cells = line.split(',').map(|cell| cell.trim_start_matches('"'));
        assert_eq!(cells.find(|cell| cell.starts_with(['=', '+', '@'])), None, "{line}");
    }
}

#[tokio::test]
async fn markdown_tables_have_the_same_columns_in_each_row() {
    for facts in [demo(), hostile()] {
        let table = get(&open(facts), "/issues.md?exempt=all").await.text;
        for line in table.lines() {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 8, "{line}");
            assert!(!line.contains('<'), "{line}");
        }
    }
}
