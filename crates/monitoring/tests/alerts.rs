//! Conventions for every rule. That alerts fire and resolve is tested with promtool.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tagwatch_monitoring::{
    Alert, PARAMETERS, Recording, alerts, chart_rules_yaml, recordings, rule_group_yaml, rule_object_yaml,
};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbooks")
}

#[test]
fn names_are_unique_and_groups_stay_together() {
    let alerts = alerts();
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.name).collect();
    assert_eq!(names.len(), alerts.len());
    assert!(names.len() >= 12 && names.iter().all(|name| name.starts_with("Tagwatch")));
    let mut groups: Vec<&str> = alerts.iter().map(|alert| alert.group).collect();
    groups.dedup();
    assert_eq!(groups.len(), groups.iter().collect::<BTreeSet<_>>().len(), "{groups:?}");
}

/// The label lists behind a keyword such as `by` in a query.
fn lists<'a>(expression: &'a str, keyword: &str) -> Vec<Vec<&'a str>> {
    let opening = format!("{keyword} (");
    let lists = expression.split(opening.as_str()).skip(1);
    lists.map(|rest| rest.split(')').next().unwrap_or_default().split(", ").collect()).collect()
}

/// The labels that the result of a query can have: those of its first aggregation, or of any where parts of it differ.
fn kept(expression: &str) -> Vec<&str> {
    let lists = lists(expression, " by");
    let apart = expression.starts_with("(label_replace(");
    if apart { lists.concat() } else { lists.into_iter().next().unwrap_or_default() }
}

/// The labels that a text uses.
fn used(text: &str) -> impl Iterator<Item = &str> {
    let rests = text.split("$labels.").skip(1);
    rests.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
}

/// The words behind a number that a text shows, up to the next template or the end of the sentence.
fn counted_words(text: &str) -> impl Iterator<Item = &str> {
    ["{{ $value }} ", "{{ $value | humanize }} "].into_iter().flat_map(move |shown| text.split(shown).skip(1))
}

/// A count can be one: the noun behind it, and a verb of it, have a form for that.
#[test]
fn texts_read_well_for_one_and_for_several() {
    for Alert { name, summary, description, .. } in alerts() {
        for words in [summary, description].into_iter().flat_map(counted_words) {
            // The same in singular and plural, or no noun.
            if words.starts_with("series ") || words.starts_with("within ") {
                continue;
            }
            let noun = words.split(". ").next().unwrap_or_default();
            assert!(noun.contains("{{ if ne $value 1.0 }}s{{ end }}"), "{name}: {words}");
        }
    }
}

/// An alert that kept a label of the pod would start again with every restart of tagwatch, and labels of a target cannot
/// all be known. pint reports texts that use a label which the query drops (`alerts/template`).
#[test]
fn alerts_keep_own_labels_alone_and_texts_use_what_is_kept() {
    for Alert { name, expression, summary, description, dashboard, console, .. } in alerts() {
        assert!(!expression.contains("without ("), "{name}: {expression}");
        let kept = kept(&expression);
        assert_eq!(kept.first(), Some(&"cluster"), "{name}: {expression}");
        for label in [summary, description, dashboard].into_iter().chain(console).flat_map(used) {
            let is_kept = kept.iter().any(|one| one.trim_end_matches("<<metricLabels>>") == label);
            assert!(is_kept, "{name} uses {label}, which its query drops: {expression}");
        }
    }
}

/// A federation brings copies of recorded metrics: each use takes them once.
#[test]
fn recorded_metrics_are_used_in_aggregations_alone() {
    let alerts = alerts().into_iter().map(|alert| (alert.name, alert.expression));
    let recordings = recordings().into_iter().map(|rule| (rule.name, rule.expression));
    let mut uses = 0;
    for (name, expression) in alerts.chain(recordings) {
        for (place, _) in expression.match_indices(":tagwatch_") {
            let before =
                expression[..place].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let before = before.trim_end_matches("last_over_time(").trim_end_matches('(').trim_end();
            let function = before.rsplit_once(" by (").map_or("", |(function, labels)| {
                let is_list = labels.ends_with(')') && !labels.trim_end_matches(')').contains([')', '(']);
                if is_list { function } else { "" }
            });
            assert!(function.ends_with("min") || function.ends_with("max"), "{name}: {before}");
            uses += 1;
        }
    }
    assert!(uses > 10, "{uses}");
}

/// The aggregation around a place in a query that is the innermost, `on` for what is only matched by `and` or `unless`, and
/// whether it is summed up or counted further out.
fn around(query: &str, place: usize) -> (Option<&str>, bool) {
    let (mut depth, mut innermost, mut is_summed) = (0, None, false);
    for (at, character) in query[..place].char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' if depth > 0 => depth -= 1,
            '(' => {
                let before = query[..at].trim_end();
                // `function by (labels) (`, `and on (labels) (` or `function (`.
                let head = match before.strip_suffix(')').and_then(|list| list.rfind('(')) {
                    Some(list) => before[..list].trim_end().trim_end_matches(" by"),
                    None => before,
                };
                let function = head.rsplit([' ', '(']).next().unwrap_or_default();
                if ["sum", "count", "max", "min", "on"].contains(&function) {
                    innermost = innermost.or(Some(function));
                    is_summed |= ["sum", "count"].contains(&function);
                }
            }
            _ => {}
        }
    }
    (innermost, is_summed)
}

/// A scrape that finds the same series twice, by two jobs or from two replicas, or a federation that brings copies, must not
/// be summed up: what is summed up or counted was taken once before, by a maximum or minimum. What is in no aggregation
/// only says of which clusters something is known.
#[test]
fn every_sum_and_count_takes_each_series_once() {
    let alerts = alerts().into_iter().map(|alert| (alert.name, alert.expression));
    let recordings = recordings().into_iter().map(|rule| (rule.name, rule.expression));
    let (mut taken, mut summed) = (0, 0);
    for (name, query) in alerts.chain(recordings) {
        for (place, _) in query.match_indices("tagwatch_") {
            let (innermost, is_summed) = around(&query, place);
            let before = query[..place].trim_end();
            let is_matched = innermost == Some("on") || before.ends_with("on (cluster)");
            let is_once = innermost.is_some_and(|function| ["max", "min"].contains(&function));
            let is_there = ["absent(", "present_over_time("].iter().any(|one| before.ends_with(one));
            assert!(is_matched || is_once || is_there, "{name}: {innermost:?}: {}", &query[place..]);
            taken += usize::from(is_once);
            summed += usize::from(is_summed);
        }
    }
    assert!(taken > 100 && summed > 40, "{taken} {summed}");
}

/// By the team that `metricLabels` names Alertmanager finds who has to act. Outside of a namespace of workloads there is none.
#[test]
fn alerts_on_workloads_keep_the_metric_labels() {
    let about_workloads: Vec<Alert> = alerts().into_iter().filter(|alert| !alert.about_tagwatch).collect();
    assert!(about_workloads.len() >= 8);
    for Alert { name, expression, .. } in about_workloads {
        let outermost = kept(&expression);
        let keeps = |label: &&str| label.ends_with("<<metricLabels>>");
        assert!(outermost.iter().any(keeps), "{name}: {outermost:?}: {expression}");
    }
    for Alert { name, expression, .. } in alerts().into_iter().filter(|alert| alert.about_tagwatch) {
        assert!(!kept(&expression).iter().any(|label| label.contains("<<")), "{name}: {expression}");
    }
}

/// The labels of an alert replace those of its query. Two results that differ only in one of them would stop the rule.
#[test]
fn no_query_keeps_a_label_that_the_alert_sets() {
    for Alert { name, expression, about_tagwatch, .. } in alerts() {
        let kept = kept(&expression);
        for label in ["severity"].into_iter().chain(about_tagwatch.then_some("namespace")) {
            assert!(!kept.contains(&label), "{name}: {label}: {expression}");
        }
    }
}

/// pint `alerts/comparison`: without a condition an alert fires as soon as its metric exists.
#[test]
fn every_alert_compares_and_holds() {
    for Alert { name, expression, hold, .. } in alerts() {
        let compares = [" > ", " >= ", " < ", " == "].iter().any(|operator| expression.contains(operator));
        assert!(compares, "{name}: {expression}");
        assert!(hold.ends_with('m'), "{name}: one bad scrape is no alert: {hold}");
        assert!(
            !expression.contains("topk"),
            "{name}: pint promql/fragile: its series change at every evaluation"
        );
    }
}

/// `level:metric:operations`; pint `rule/name`.
#[test]
fn recorded_metrics_are_named_by_level_metric_and_operation() {
    for Recording { name, expression } in recordings() {
        let parts: Vec<&str> = name.split(':').collect();
        let [level, metric, operation] = parts[..] else { panic!("{name}") };
        let labels = level.replace('_', ", ");
        assert!(expression.contains(&format!(" by ({labels})")), "{name}: {expression}");
        assert!(metric.starts_with("tagwatch_"), "{name}");
        assert!(["min", "sum", "ratio"].contains(&operation), "{name}");
        assert!(!expression.contains("without ("), "{name}: {expression}");
    }
}

#[test]
fn every_summary_says_in_which_cluster() {
    let rules = rule_group_yaml();
    for line in rules.lines().filter(|line| line.trim_start().starts_with("summary:")) {
        assert!(line.ends_with("{{ with $labels.cluster }} in cluster {{ . }}{{ end }}'"), "{line}");
    }
}

/// A link to localhost leads the reader astray.
#[test]
fn where_no_address_is_configured_there_is_no_link() {
    let rules = rule_group_yaml() + &rule_object_yaml();
    for nowhere in ["localhost", "http://", "dashboard_url", "console_url", "<<"] {
        assert!(!rules.contains(nowhere), "{nowhere}");
    }
    let chart = chart_rules_yaml();
    assert_eq!(chart.matches("dashboard_url: '<<grafanaUrl>>/d/").count(), alerts().len());
    assert!(chart.contains("console_url: '<<consoleUrl>>/workloads/{{ $labels.namespace | urlquery }}/"));
}

/// What the chart replaces is what the rules hold.
#[test]
fn the_template_of_the_chart_knows_every_parameter() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let template = fs::read_to_string(root.join("charts/tagwatch/templates/prometheusrule.yaml")).unwrap();
    let chart = chart_rules_yaml();
    let known: BTreeSet<&str> =
        PARAMETERS.iter().map(|one| one.name).chain(["grafanaUrl", "consoleUrl"]).collect();
    for name in &known {
        assert!(template.contains(&format!("\"{name}\" ")), "{name}");
        assert!(chart.contains(&format!("<<{name}>>")), "{name}");
    }
    let used: BTreeSet<&str> =
        chart.split("<<").skip(1).map(|rest| rest.split(">>").next().unwrap()).collect();
    assert_eq!(used, known);
}

/// A person on call finds the page, and the dashboard of the right cluster.
#[test]
fn alerts_on_workloads_and_namespaces_lead_to_the_console_and_dashboards_know_the_cluster() {
    for Alert { name, description, dashboard, console, .. } in alerts() {
        assert!(dashboard.contains("var-cluster={{"), "{name}: {dashboard}");
        let names = |label: &str| description.contains(&format!("$labels.{label} "));
        let console = console.unwrap_or_default();
        if names("workload") {
            assert!(console.starts_with("/workloads/") && console.contains("$labels.workload"), "{name}");
        } else if names("namespace") {
            assert!(console.contains("$labels.namespace"), "{name}: {console}");
        }
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let mut pages: BTreeSet<String> = fs::read_dir(docs())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    for alert in alerts() {
        let page = format!("{}.md", alert.name);
        let text = fs::read_to_string(docs().join(&page)).unwrap_or_else(|_| panic!("no {page}"));
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        let wanted = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"];
        assert_eq!(headings.first(), Some(&format!("# {}", alert.name).as_str()));
        assert_eq!(headings[1..], wanted, "{page}");
        let index = fs::read_to_string(docs().join("README.md")).unwrap();
        assert!(index.contains(&format!("]({page})")), "{page} is not listed in README.md");
        pages.remove(&page);
    }
    assert_eq!(pages, BTreeSet::new(), "runbooks of no alert");
}

/// The object holds the rule file, indented.
#[test]
fn object_and_file_say_the_same() {
    let object = rule_object_yaml();
    let (_, spec) = object.split_once("\nspec:\n").unwrap();
    let unindented: Vec<&str> = spec.lines().map(|line| line.strip_prefix("  ").unwrap()).collect();
    let file = rule_group_yaml();
    let file: Vec<&str> = file.lines().skip(1).collect();
    assert_eq!(unindented, file);
}
