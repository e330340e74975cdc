//! Rules for every alert. That they fire and resolve is tested with promtool.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tagwatch_monitoring::{Alert, alerts, rule_group_yaml, rule_object_yaml};

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

/// An alert that kept a label of the pod would start again with every restart of tagwatch.
#[test]
fn no_alert_keeps_a_label_of_the_pod_and_texts_use_what_is_kept() {
    let finding = ["cluster", "namespace", "kind", "workload", "rule", "severity"];
    for Alert { name, expression, summary, description, dashboard, console, .. } in alerts() {
        let whole =
            expression.contains("without (instance, pod, node, endpoint, container, service, job, result)");
        assert!(whole || expression.contains(" by (cluster"), "{name}: {expression}");
        for part in [summary, description, dashboard]
            .iter()
            .chain(&console)
            .flat_map(|text| text.split("$labels.").skip(1))
        {
            let label =
                part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
            let kept = expression.contains(label) || (whole && finding.contains(&label));
            assert!(kept, "{name} speaks of {label}, which its query does not keep");
        }
    }
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
    let rules = rule_group_yaml();
    assert!(
        rules.contains("console_url: 'http://localhost:8090/workloads/{{ $labels.namespace | urlquery }}/")
    );
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
