//! Which write takes what is stored to what is wanted.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference, Time};
use k8s_openapi::jiff::Timestamp;
use tagwatch_core::finding::Finding;
use tagwatch_core::outcome::Outcome;
use tagwatch_k8s::report::{
    FirstSeen, PolicyReport, Precondition, ReportOwner, ReportPlan, StoredReport, content_hash, plan,
};

use crate::support::{INSTANCE, TUESDAY, finding, json, report_later, report_of, stored, stored_body};

type Edit = fn(&mut PolicyReport);

fn failing() -> Vec<Finding> {
    vec![finding("latest-tag", Outcome::Fail)]
}

fn wanted() -> PolicyReport {
    report_of("nginx:latest", failing())
}

/// The plan after another client has edited our stored report.
fn plan_after(edit: impl FnOnce(&mut PolicyReport)) -> ReportPlan {
    let mut body = stored_body(&wanted());
    edit(&mut body);
    plan(Some(&StoredReport::new(body, INSTANCE)), Some(wanted()))
}

fn replaced(plan: ReportPlan) -> PolicyReport {
    match plan {
        ReportPlan::Replace(report) => *report,
        other => panic!("expected a replacement, got {other:?}"),
    }
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    assert_eq!(plan(Some(&stored(&wanted())), Some(wanted())), ReportPlan::Keep);
    assert_eq!(plan(None, None), ReportPlan::Keep);
}

#[test]
fn time_passing_is_no_change() {
    let lost_times = report_later("nginx:latest", failing(), &FirstSeen::default(), TUESDAY);
    assert_ne!(json(&lost_times), json(&wanted()));
    assert_eq!(plan(Some(&stored(&wanted())), Some(lost_times)), ReportPlan::Keep);
}

#[test]
fn an_absent_report_is_created() {
    assert_eq!(plan(None, Some(wanted())), ReportPlan::Create(Box::new(wanted())));
}

#[test]
fn a_report_that_is_not_wanted_is_deleted_if_it_is_still_the_same() {
    let precondition = Precondition {
        uid: Some("44444444-0000-4000-8000-000000000000".to_owned()),
        resource_version: Some("900".to_owned()),
    };
    assert_eq!(plan(Some(&stored(&wanted())), None), ReportPlan::Delete(precondition));
}

#[test]
fn a_report_without_our_label_is_never_touched() {
    let strip: [Edit; 2] = [
        |report| report.metadata.labels = None,
        |report| {
            report.metadata.labels = Some([("app.kubernetes.io/managed-by".into(), "kyverno".into())].into());
        },
    ];
    for strip in strip {
        let mut body = stored_body(&report_of("httpd:latest", failing()));
        strip(&mut body);
        let foreign = StoredReport::new(body, INSTANCE);
        assert_eq!(plan(Some(&foreign), Some(wanted())), ReportPlan::Blocked(ReportOwner::Engine));
        assert_eq!(plan(Some(&foreign), None), ReportPlan::Keep);
    }
}

/// Our stored report, with this value of the label that names the instance.
fn stored_of(instance: Option<&str>) -> StoredReport {
    let mut body = stored_body(&wanted());
    let labels = body.metadata.labels.as_mut().unwrap();
    match instance {
        Some(instance) => labels.insert("app.kubernetes.io/instance".to_owned(), instance.to_owned()),
        None => labels.remove("app.kubernetes.io/instance"),
    };
    StoredReport::new(body, INSTANCE)
}

#[test]
fn a_report_of_another_instance_is_never_touched() {
    let theirs = stored_of(Some("another"));
    let owner = ReportOwner::Instance("another".into());
    assert_eq!(plan(Some(&theirs), Some(wanted())), ReportPlan::Blocked(owner));
    assert_eq!(plan(Some(&theirs), None), ReportPlan::Keep);
    assert_eq!(*theirs.first_seen(), FirstSeen::default(), "what it says of times is not believed");
}

/// As versions wrote them that named no instance.
#[test]
fn a_report_without_an_instance_becomes_ours_when_it_is_wanted_and_is_never_deleted() {
    for unassigned in [None, Some("")] {
        let stored_report = stored_of(unassigned);
        let adopted = replaced(plan(Some(&stored_report), Some(wanted())));
        assert_eq!(adopted.metadata.labels.as_ref().unwrap()["app.kubernetes.io/instance"], INSTANCE);
        assert_eq!(*stored_report.first_seen(), FirstSeen::of(&wanted()), "ages go on");
        assert_eq!(plan(Some(&stored(&adopted)), Some(wanted())), ReportPlan::Keep, "once");
        assert_eq!(plan(Some(&stored_report), None), ReportPlan::Keep);
    }
}

#[test]
fn any_change_of_a_finding_is_written() {
    let stored = stored(&wanted());
    let changed = [
        report_of("nginx:edge", failing()),
        report_of("nginx:latest", vec![finding("latest-tag", Outcome::Skip)]),
        report_of("nginx:latest", vec![finding("missing-tag", Outcome::Fail)]),
        report_of("nginx:latest", Vec::new()),
    ];
    for wanted in changed {
        let report = replaced(plan(Some(&stored), Some(wanted.clone())));
        assert_eq!(report.results, wanted.results);
        assert_eq!(report.metadata.resource_version.as_deref(), Some("900"));
        assert_eq!(report.metadata.uid.as_deref(), Some("44444444-0000-4000-8000-000000000000"));
    }
}

#[test]
fn whatever_another_client_edits_is_put_back() {
    let edits: [(&str, Edit); 9] = [
        ("results", |report| report.results = None),
        ("summary", |report| report.summary.as_mut().unwrap().fail = 0),
        ("scope", |report| report.scope.as_mut().unwrap().name = Some("other".into())),
        ("scope selector", |report| report.scope_selector = Some(LabelSelector::default())),
        ("owner", |report| report.metadata.owner_references = None),
        ("annotations", |report| report.metadata.annotations = None),
        ("hash", |report| {
            report.metadata.annotations = Some([("tagwatch.dev/content-hash".into(), "0".into())].into());
        }),
        ("message", |report| report.results.as_mut().unwrap()[0].message = Some("all is well".into())),
        ("property", |report| {
            let properties = report.results.as_mut().unwrap()[0].properties.as_mut().unwrap();
            properties.insert("extra".into(), "1".into());
        }),
    ];
    for (what, edit) in edits {
        let report = replaced(plan_after(edit));
        assert_eq!(content_hash(&report), content_hash(&wanted()), "{what}");
        assert_eq!(
            plan(Some(&stored(&report)), Some(wanted())),
            ReportPlan::Keep,
            "{what}: no duel with ourselves"
        );
    }
}

#[test]
fn what_others_add_to_the_metadata_stays_and_is_no_change() {
    let other = OwnerReference {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        name: "audit".into(),
        uid: "55555555-0000-4000-8000-000000000000".into(),
        ..OwnerReference::default()
    };
    let decorate = |report: &mut PolicyReport| {
        report.metadata.labels.as_mut().unwrap().insert("team".into(), "shop".into());
        report.metadata.annotations.as_mut().unwrap().insert("audit.example/seen".into(), "yes".into());
        report.metadata.finalizers = Some(vec!["audit.example/keep".into()]);
        report.metadata.owner_references.as_mut().unwrap().push(other.clone());
    };
    assert_eq!(plan_after(decorate), ReportPlan::Keep);

    let mut body = stored_body(&report_of("httpd:latest", failing()));
    decorate(&mut body);
    let created = Some(Time(Timestamp::UNIX_EPOCH));
    body.metadata.creation_timestamp.clone_from(&created);
    let metadata = replaced(plan(Some(&StoredReport::new(body, INSTANCE)), Some(wanted()))).metadata;
    assert_eq!(metadata.creation_timestamp, created, "which a store of its own may take from the update");
    assert_eq!(metadata.labels.unwrap()["team"], "shop");
    assert_eq!(metadata.annotations.unwrap()["audit.example/seen"], "yes");
    assert_eq!(metadata.finalizers.unwrap(), ["audit.example/keep"]);
    let owners: Vec<_> = metadata.owner_references.unwrap().into_iter().map(|owner| owner.name).collect();
    assert_eq!(owners, ["web", "audit"]);
}

#[test]
fn an_owner_that_was_made_a_controller_is_made_plain_again() {
    let report = replaced(plan_after(|report| {
        report.metadata.owner_references.as_mut().unwrap()[0].controller = Some(true);
    }));
    assert_eq!(report.metadata.owner_references, wanted().metadata.owner_references);
}
