//! Labels of the namespace that a report carries.

use std::sync::Arc;

use tagwatch_core::workload::Namespace;
use tagwatch_k8s::report::{PolicyReport, ReportPlan, StoredReport, plan};

use crate::support::{INSTANCE, UID, container, recommended_report, stored, stored_body, workload};

fn report(labels: &[(&str, &str)], names: &[&str]) -> PolicyReport {
    let mut workload = workload(vec![container("web", "nginx:1.27.3")]);
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    workload.namespace = Some(Arc::new(Namespace { labels, ..Namespace::default() }));
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    recommended_report(&workload, UID, &names)
}

fn label<'a>(report: &'a PolicyReport, name: &str) -> Option<&'a str> {
    report.metadata.labels.as_ref()?.get(name).map(String::as_str)
}

fn replaced(stored: &StoredReport, wanted: PolicyReport) -> PolicyReport {
    match plan(Some(stored), Some(wanted)) {
        ReportPlan::Replace(report) => *report,
        other => panic!("expected a replacement, got {other:?}"),
    }
}

#[test]
fn a_report_carries_the_labels_that_its_namespace_has() {
    let report = report(&[("team", "payments"), ("other", "x")], &["team", "tier"]);
    assert_eq!(label(&report, "team"), Some("payments"));
    assert_eq!(label(&report, "other"), None);
    assert_eq!(plan(Some(&stored(&report)), Some(report.clone())), ReportPlan::Keep);
}

#[test]
fn a_label_that_changes_is_written_and_one_that_is_not_wanted_goes() {
    let before = stored(&report(&[("team", "payments")], &["team"]));
    let changed = replaced(&before, report(&[("team", "checkout")], &["team"]));
    assert_eq!(label(&changed, "team"), Some("checkout"));
    let without = replaced(&before, report(&[("team", "payments")], &[]));
    assert_eq!(label(&without, "team"), None);
    assert_eq!(label(&without, "app.kubernetes.io/managed-by"), Some("tagwatch"));
}

#[test]
fn labels_of_others_stay_and_an_edited_one_of_ours_is_restored() {
    let wanted = report(&[("team", "payments")], &["team"]);
    let mut body = stored_body(&wanted);
    let labels = body.metadata.labels.get_or_insert_default();
    labels.insert("theirs".to_owned(), "yes".to_owned());
    labels.insert("team".to_owned(), "mine".to_owned());
    let restored = replaced(&StoredReport::new(body, INSTANCE), wanted);
    assert_eq!((label(&restored, "team"), label(&restored, "theirs")), (Some("payments"), Some("yes")));
}

#[test]
fn a_workload_label_cannot_replace_the_managed_by_label() {
    let ours = "app.kubernetes.io/managed-by";
    let report = report(&[(ours, "Helm")], &[ours]);
    assert_eq!(label(&report, ours), Some("tagwatch"));
    let mut body = stored_body(&report);
    let annotations = body.metadata.annotations.get_or_insert_default();
    annotations.insert("tagwatch.dev/namespace-labels".to_owned(), ours.to_owned());
    assert!(StoredReport::new(body, INSTANCE).is_ours());
}

#[test]
fn a_namespace_does_not_decide_whose_a_report_is() {
    let instance = "app.kubernetes.io/instance";
    let wanted = report(&[(instance, "another")], &[instance]);
    assert_eq!(label(&wanted, instance), Some(INSTANCE));
    assert_eq!(plan(Some(&stored(&wanted)), Some(wanted.clone())), ReportPlan::Keep);
}
