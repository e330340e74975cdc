//! What pint, the linter of Prometheus rules, reports without a Prometheus, by the names of its checks
//! (<https://cloudflare.github.io/pint/checks>). Conventions of our own, `alerts/comparison`, `promql/fragile` and `rule/name`
//! are in `alerts.rs`; promtool checks syntax and templates, and each alert fires in a test (`promql/vector_matching`).

use std::collections::BTreeSet;

use tagwatch_monitoring::{alerts, recordings, rule_group_yaml};

/// Every query, by the name of its rule.
fn queries() -> Vec<(&'static str, String)> {
    let alerts = alerts().into_iter().map(|alert| (alert.name, alert.expression));
    alerts.chain(recordings().into_iter().map(|rule| (rule.name, rule.expression))).collect()
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Minutes of a duration as Prometheus writes it, with one unit.
fn minutes(duration: &str) -> Option<u64> {
    let units = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60), ('w', 7 * 24 * 60 * 60)];
    let (number, seconds) =
        units.into_iter().find_map(|(unit, seconds)| Some((duration.strip_suffix(unit)?, seconds)))?;
    Some(number.parse::<u64>().ok()? * seconds / 60)
}

/// The metrics of a query, each with the text before and behind its name.
fn metrics(query: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    query.match_indices("tagwatch_").filter_map(move |(at, _)| {
        let (before, rest) = query.split_at(at);
        let name = rest.split(|c: char| !is_of_name(c)).next().unwrap_or_default();
        // Not the level in front of a recorded metric.
        (!before.ends_with(is_of_name)).then_some((before, name, &rest[name.len()..]))
    })
}

/// `promql/counter` and `promql/rate`: a counter is used by its increase, over two scrapes of a minute at least, and
/// nothing else is.
#[test]
fn counters_are_used_by_their_increase() {
    let mut increases = 0;
    for (rule, query) in queries() {
        for (before, name, behind) in metrics(&query) {
            let rises = ["rate(", "irate(", "increase("].iter().any(|function| before.ends_with(function));
            assert_eq!(name.ends_with("_total"), rises, "{rule}: {name}: {query}");
            if rises {
                let range = behind.split_once('[').and_then(|(_, rest)| rest.split(']').next());
                assert!(range.and_then(minutes) >= Some(2), "{rule}: {name}: {range:?}");
                increases += 1;
            }
        }
    }
    assert!(increases >= 3, "{increases}");
}

/// `promql/regexp`: a pattern is one, and has no anchors, which Prometheus adds.
#[test]
fn patterns_are_needed_and_not_anchored() {
    let mut patterns = 0;
    for (rule, query) in queries() {
        for operator in ["=~\"", "!~\""] {
            for rest in query.split(operator).skip(1) {
                let pattern = rest.split('"').next().unwrap_or_default();
                let is_anchored = pattern.starts_with('^') || pattern.ends_with('$');
                // The value of the chart is checked by its schema.
                let is_pattern =
                    pattern.contains(['|', '*', '+', '?', '[', '.']) || pattern.starts_with("<<");
                assert!(is_pattern && !is_anchored, "{rule}: {pattern}");
                patterns += 1;
            }
        }
    }
    assert!(patterns > 10, "{patterns}");
}

/// `promql/impossible`: an aggregation keeps no label that the one inside has dropped.
#[test]
fn an_aggregation_of_an_aggregation_keeps_labels_that_are_there() {
    let labels = |list: &str| -> BTreeSet<String> { list.split(", ").map(str::to_owned).collect() };
    let mut nested = 0;
    for (rule, query) in queries() {
        let query = query.replace("<<metricLabels>>", ", label_team");
        let lists: Vec<&str> = query.split(" by (").skip(1).collect();
        for pair in lists.windows(2) {
            // `… by (OUTER) (FUNCTION by (INNER) (…`
            let [(outer, behind), (inner, _)] = [pair[0], pair[1]].map(|list| list.split_once(')').unwrap());
            if [" (sum", " (max", " (min", " (count"].contains(&behind) {
                assert!(labels(outer).is_subset(&labels(inner)), "{rule}: ({outer}) of ({inner}): {query}");
                nested += 1;
            }
        }
    }
    assert!(nested > 10, "{nested}");
}

/// `promql/range_query`: Prometheus keeps 15 days unless it is told otherwise.
#[test]
fn no_query_reaches_back_further_than_prometheus_keeps_by_default() {
    for (rule, query) in queries() {
        let ranges = query.split('[').skip(1).filter_map(|rest| rest.split(']').next());
        let offsets = query.split(" offset ").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        for duration in ranges.chain(offsets) {
            assert!(minutes(duration).is_some_and(|minutes| minutes < 15 * 24 * 60), "{rule}: {duration}");
        }
    }
}

/// `alerts/template`: an alert whose label held a value would be a new one with each value. `alerts/absent`: what is gone
/// for a scrape is not gone.
#[test]
fn labels_hold_no_values_and_absence_is_waited_for() {
    let mut in_labels = false;
    for line in rule_group_yaml().lines().map(str::trim_start) {
        match line {
            "labels:" => in_labels = true,
            "annotations:" => in_labels = false,
            label => assert!(!(in_labels && label.contains("{{")), "{label}"),
        }
    }
    for alert in alerts().iter().filter(|alert| alert.expression.contains("absent(")) {
        assert!(minutes(alert.hold) >= Some(2), "{}", alert.name);
    }
}

/// `alerts/template`: an increase is extrapolated, so its number has places that no reader needs.
#[test]
fn what_is_extrapolated_is_rounded_in_texts() {
    for alert in alerts() {
        let is_extrapolated =
            ["rate(", "deriv(", "increase("].iter().any(|call| alert.expression.contains(call));
        for text in [alert.summary, alert.description] {
            assert!(!(is_extrapolated && text.contains("{{ $value }}")), "{}: {text}", alert.name);
        }
    }
}

/// `rule/duplicate` and `promql/performance`: a query is written once, and what is recorded is not computed again.
#[test]
fn no_rule_is_there_twice_and_none_computes_what_is_recorded() {
    let queries = queries();
    let distinct: BTreeSet<&String> = queries.iter().map(|(_, query)| query).collect();
    assert_eq!(distinct.len(), queries.len());
    let names: BTreeSet<&str> = queries.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), queries.len());
    for recording in recordings() {
        for (name, query) in queries.iter().filter(|(name, _)| *name != recording.name) {
            assert!(!query.contains(&recording.expression), "{name} computes {}", recording.name);
        }
    }
}
