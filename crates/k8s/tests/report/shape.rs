//! The shape of a report.

use serde_json::json;
use tagwatch_core::issue::ResultKeys;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::report::FirstSeen;

use crate::support::{
    MONDAY, TUESDAY, UID, at, container, finding, issues, json, property, report_at, report_later, report_of,
    stored, verdict, workload,
};

#[test]
fn a_report_says_everything_of_a_finding() {
    let report = report_of("nginx:latest", vec![finding("latest-tag", Outcome::Fail)]);
    let id = property(&report, 0, "resultID").to_owned();
    let hash = report.metadata.annotations.as_ref().unwrap()["tagwatch.dev/content-hash"].clone();
    assert_eq!((id.len(), hash.len()), (20, 64));
    assert_eq!(
        json(&report),
        json!({
            "apiVersion": "wgpolicyk8s.io/v1alpha2",
            "kind": "PolicyReport",
            "metadata": {
                "name": "tagwatch-deployment-web-0f5d7c3e",
                "namespace": "shop",
                "labels": {
                    "app.kubernetes.io/managed-by": "tagwatch", "app.kubernetes.io/instance": "tagwatch",
                },
                "annotations": { "tagwatch.dev/content-hash": hash },
                "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": UID }],
            },
            "scope": {
                "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web", "uid": UID,
            },
            "summary": { "pass": 0, "fail": 1, "warn": 0, "error": 0, "skip": 0 },
            "results": [{
                "source": "tagwatch",
                "policy": "image-tag",
                "rule": "latest-tag",
                "category": "Mutable Tags",
                "severity": "high",
                "result": "fail",
                "scored": true,
                "message": "container web: latest-tag",
                "timestamp": { "seconds": 1_768_206_600, "nanos": 0 },
                "properties": {
                    "container": "web",
                    "containerType": "container",
                    "image": "nginx:latest",
                    "imagePullPolicy": "IfNotPresent",
                    "effectivePullPolicy": "IfNotPresent",
                    "tagClass": "latest",
                    "fieldPath": "spec.template.spec.containers[0].image",
                    "evidence": "containers:\n- name: web\n  image: nginx:latest\n  imagePullPolicy: IfNotPresent\n",
                    "resolution": "Use a unique tag.",
                    "firstSeen": MONDAY,
                    "resultID": id,
                },
            }],
        })
    );
}

#[test]
fn advice_is_not_scored_and_a_pass_needs_no_resolution() {
    let findings = vec![finding("floating-tag", Outcome::Warn), finding("stale-pull-policy", Outcome::Pass)];
    let report = report_of("nginx:1", findings);
    let results = report.results.unwrap();
    assert_eq!((results[0].result.as_deref(), results[0].scored), (Some("warn"), Some(false)));
    assert_eq!((results[1].result.as_deref(), results[1].scored), (Some("pass"), Some(true)));
    assert!(!results[1].properties.as_ref().unwrap().contains_key("resolution"));
}

#[test]
fn an_unset_pull_policy_is_told_from_the_one_that_counts() {
    let mut unset = container("web", "nginx:1.27.3");
    unset.pull_policy = None;
    let workload = workload(vec![unset]);
    let verdicts = [verdict(&workload, 0, vec![finding("stale-pull-policy", Outcome::Pass)])];
    let report = report_at(&workload, &verdicts, &FirstSeen::default(), MONDAY);
    assert_eq!(property(&report, 0, "imagePullPolicy"), "unset");
    assert_eq!(property(&report, 0, "effectivePullPolicy"), "IfNotPresent");
}

#[test]
fn what_needs_a_hand_comes_first_and_the_counters_agree() {
    let mut init = container("a", "nginx:latest");
    init.container_type = ContainerType::Init;
    let workload = workload(vec![container("b", "nginx:latest"), init]);
    let findings = || {
        vec![
            finding("stale-pull-policy", Outcome::Pass),
            finding("floating-tag", Outcome::Skip),
            finding("unclassified-tag", Outcome::Warn),
            finding("invalid-image-reference", Outcome::Error),
            finding("stale-pull-policy", Outcome::Fail),
            finding("missing-tag", Outcome::Fail),
            finding("latest-tag", Outcome::Fail),
        ]
    };
    let verdicts = [verdict(&workload, 0, findings()), verdict(&workload, 1, findings())];
    let report = report_at(&workload, &verdicts, &FirstSeen::default(), MONDAY);
    let order = report.results.iter().flatten().enumerate().map(|(index, result)| {
        let (outcome, rule) = (result.result.as_deref().unwrap(), result.rule.as_deref().unwrap());
        format!("{outcome} {rule} {}", property(&report, index, "container"))
    });
    let order: Vec<_> = order.collect();
    assert_eq!(
        order,
        [
            "fail stale-pull-policy a",
            "fail stale-pull-policy b",
            "fail latest-tag a",
            "fail latest-tag b",
            "fail missing-tag a",
            "fail missing-tag b",
            "error invalid-image-reference a",
            "error invalid-image-reference b",
            "warn unclassified-tag a",
            "warn unclassified-tag b",
            "skip floating-tag a",
            "skip floating-tag b",
            "pass stale-pull-policy a",
            "pass stale-pull-policy b",
        ]
    );
    let expected = json!({ "fail": 6, "error": 2, "warn": 2, "skip": 2, "pass": 2 });
    assert_eq!(json(&report)["summary"], expected);
}

#[test]
fn a_workload_without_containers_still_has_all_counters() {
    let report = report_at(&workload(Vec::new()), &[], &FirstSeen::default(), MONDAY);
    assert_eq!(json(&report)["summary"], json!({ "fail": 0, "error": 0, "warn": 0, "skip": 0, "pass": 0 }));
    assert_eq!(json(&report)["results"], json!([]));
}

#[test]
fn the_key_of_a_result_depends_on_its_place_and_outcome_but_not_on_its_image() {
    let key = |image: &str, outcome| {
        property(&report_of(image, vec![finding("latest-tag", outcome)]), 0, "resultID").to_owned()
    };
    assert_eq!(key("nginx:latest", Outcome::Fail), key("httpd:latest", Outcome::Fail));
    assert_ne!(key("nginx:latest", Outcome::Fail), key("nginx:latest", Outcome::Skip));

    let mut init = container("web", "nginx:latest");
    init.container_type = ContainerType::Init;
    let workload = workload(vec![container("web", "nginx:latest"), init]);
    let both = [0, 1].map(|index| verdict(&workload, index, vec![finding("latest-tag", Outcome::Fail)]));
    let report = report_at(&workload, &both, &FirstSeen::default(), MONDAY);
    assert_ne!(property(&report, 0, "resultID"), property(&report, 1, "resultID"));
}

#[test]
fn the_keys_under_other_outcomes_are_those_that_reports_had() {
    let workload = workload(vec![container("web", "nginx:latest")]);
    let keys = ResultKeys::new(UID, &workload.containers);
    let verdicts = [verdict(&workload, 0, vec![finding("latest-tag", Outcome::Warn)])];
    let issue = issues(&workload, UID, &verdicts, &FirstSeen::default(), MONDAY).remove(0);
    let others = keys.under_other_outcomes(&issue).map(|id| id.to_string());
    let reported = [Outcome::Fail, Outcome::Error, Outcome::Skip, Outcome::Pass].map(|outcome| {
        let report = report_of("nginx:latest", vec![finding("latest-tag", outcome)]);
        property(&report, 0, "resultID").to_owned()
    });
    assert_eq!(others.collect::<Vec<_>>(), reported);
}

#[test]
fn one_container_with_several_images_gets_a_result_for_each() {
    let images = ["nginx:latest", "nginx:edge", "nginx:latest"];
    let workload = workload(images.map(|image| container("web", image)).to_vec());
    let verdicts =
        [0, 1, 2].map(|index| verdict(&workload, index, vec![finding("latest-tag", Outcome::Fail)]));
    let report = report_at(&workload, &verdicts, &FirstSeen::default(), MONDAY);
    assert_eq!(report.results.as_ref().unwrap().len(), 2, "a third result would share the key of the first");
    assert_eq!([0, 1].map(|index| property(&report, index, "image")), ["nginx:edge", "nginx:latest"]);
    assert_ne!(property(&report, 0, "resultID"), property(&report, 1, "resultID"));
    assert_eq!(report.summary.unwrap().fail, 2);
}

#[test]
fn an_unchanged_result_keeps_its_time_and_a_new_one_gets_its_own() {
    let monday = report_of("nginx:latest", vec![finding("latest-tag", Outcome::Fail)]);
    let stored = stored(&monday);
    let findings = vec![finding("latest-tag", Outcome::Fail), finding("stale-pull-policy", Outcome::Fail)];
    let tuesday = report_later("nginx:latest", findings, stored.first_seen(), TUESDAY);
    assert_eq!([0, 1].map(|index| property(&tuesday, index, "firstSeen")), [TUESDAY, MONDAY]);
    let results = tuesday.results.as_ref().unwrap();
    assert_eq!(results[0].timestamp.unwrap().seconds - results[1].timestamp.unwrap().seconds, 86_400);
}

#[test]
fn a_time_that_was_edited_into_nonsense_is_not_carried_over() {
    let findings = || vec![finding("latest-tag", Outcome::Fail)];
    for seconds in [i64::MAX, i64::MIN, 4_000_000_000] {
        let mut edited = report_of("nginx:latest", findings());
        let result = &mut edited.results.as_mut().unwrap()[0];
        result.timestamp.as_mut().unwrap().seconds = seconds;
        let rebuilt = report_later("nginx:latest", findings(), &FirstSeen::of(&edited), TUESDAY);
        assert_eq!(property(&rebuilt, 0, "firstSeen"), MONDAY, "{seconds}");
        let turned = rebuilt.results.as_ref().unwrap()[0].timestamp.unwrap().seconds;
        assert!([MONDAY, TUESDAY].map(|time| at(time).as_second()).contains(&turned), "{seconds}");

        let result = &mut edited.results.as_mut().unwrap()[0];
        let properties = result.properties.as_mut().unwrap();
        properties.insert("firstSeen".into(), "9999-01-01T00:00:00Z".to_owned());
        let rebuilt = report_later("nginx:latest", findings(), &FirstSeen::of(&edited), TUESDAY);
        assert_eq!(property(&rebuilt, 0, "firstSeen"), TUESDAY, "{seconds}");
    }
}

#[test]
fn a_fraction_of_a_second_is_not_kept() {
    let findings = vec![finding("latest-tag", Outcome::Fail)];
    let report = report_later("nginx:latest", findings, &FirstSeen::default(), "2026-01-12T08:30:00.999Z");
    assert_eq!(property(&report, 0, "firstSeen"), MONDAY);
}
