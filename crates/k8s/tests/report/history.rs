//! What a report remembers of what is over.

use serde_json::{Value, json};
use tagwatch_core::drift::DriftEvidence;
use tagwatch_core::finding::Finding;
use tagwatch_core::issue::{Ending, ImageChange};
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::policy::Policy;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};
use tagwatch_k8s::report::{
    FirstSeen, HISTORY_ANNOTATION, History, MAX_HISTORY, PolicyReport, ReportPlan, plan,
};

use crate::support::{
    MONDAY, TUESDAY, WEDNESDAY, at, container, finding, property, report_after, report_by, report_later,
    report_of, stored, stored_body, verdict, workload,
};

/// The report after another one, with other findings.
fn after(before: &PolicyReport, findings: Vec<Finding>, changes: &[ImageChange], now: &str) -> PolicyReport {
    let workload = workload(vec![container("web", "nginx:latest")]);
    let verdicts = [verdict(&workload, 0, findings)];
    let past = (&FirstSeen::of(before), &History::of(before), changes);
    report_after(&workload, &verdicts, past, now)
}

fn failing() -> Vec<Finding> {
    vec![finding("latest-tag", Outcome::Fail)]
}

fn passing() -> Vec<Finding> {
    vec![finding("floating-tag", Outcome::Pass)]
}

#[test]
fn a_violation_that_is_over_leaves_an_interval() {
    let monday = report_of("nginx:latest", failing());
    assert_eq!(History::of(&monday), History::default(), "nothing is over yet");
    let tuesday = after(&monday, passing(), &[], TUESDAY);
    let history = History::of(&tuesday);
    let [interval] = &*history.closed else { panic!("{history:?}") };
    assert_eq!((interval.rule.raw(), interval.container.raw()), ("latest-tag", "web"));
    assert_eq!(interval.image.raw(), "nginx:latest");
    assert_eq!(interval.container_type, Some(ContainerType::Container));
    assert_eq!((interval.from, interval.until), (at(MONDAY), at(TUESDAY)));
    let results = monday.results.unwrap();
    let id = &results[0].properties.as_ref().unwrap()["resultID"];
    assert_eq!(interval.id.to_string(), *id);
}

#[test]
fn it_keeps_what_was_wrong_and_how_severe_that_was() {
    let mut found = finding("latest-tag", Outcome::Fail);
    (found.severity, found.message) = (Severity::Info, "what was wrong".to_owned());
    let tuesday = after(&report_of("nginx:latest", vec![found]), passing(), &[], TUESDAY);
    let history = History::of(&tuesday);
    let [interval] = &*history.closed else { panic!("{history:?}") };
    assert_eq!(interval.severity, Some(Severity::Info), "its own, not that of the rule");
    assert_eq!(interval.pull_policy.as_ref().map(UntrustedText::raw), Some("IfNotPresent"));
    assert_eq!(interval.message.raw(), "what was wrong");
}

#[test]
fn an_annotation_of_an_older_version_is_read_and_stays_as_it_is() {
    let text = r#"{"closed":[{"id":"0123456789abcdef0123","rule":"latest-tag","container":"web","image":"nginx:latest","from":1,"until":2}]}"#;
    let mut report = report_of("nginx:latest", failing());
    report.metadata.annotations.get_or_insert_default().insert(HISTORY_ANNOTATION.into(), text.into());
    let history = History::of(&report);
    let [interval] = &*history.closed else { panic!("{history:?}") };
    let of_later = (interval.severity, interval.pull_policy.as_ref(), interval.message.raw());
    assert_eq!(of_later, (None, None, ""), "unknown, not guessed");
    assert_eq!(interval.ending, Ending::Resolved, "not known to be fixed");
    let again = after(&report, failing(), &[], TUESDAY);
    assert_eq!(again.metadata.annotations.unwrap()[HISTORY_ANNOTATION], text);
}

/// Texts of a user, at their longest and where JSON doubles each byte, or would write six for one.
#[test]
fn the_longest_history_is_read_again() {
    let long = |byte: &str| byte.repeat(64 * 1024);
    for byte in ["\"", "\\", "é", "\u{1}"] {
        let entry = json!({
            "id": "0123456789abcdef0123", "rule": "r", "container": "c", "containerType": "container", "image": "i",
            "from": i64::from(u32::MAX), "until": i64::from(u32::MAX),
        });
        let change = byte.repeat(256 / byte.len());
        let change = json!({ "container": change, "from": change, "to": change, "at": i64::from(u32::MAX) });
        let images = vec![change; MAX_HISTORY];
        let mut report = report_of("nginx:latest", failing());
        let text = json!({ "closed": vec![entry; MAX_HISTORY - 1], "images": images }).to_string();
        report.metadata.annotations.get_or_insert_default().insert(HISTORY_ANNOTATION.into(), text);
        let result = &mut report.results.as_mut().unwrap()[0];
        (result.rule, result.message) = (Some(long(byte).into()), Some(long(byte)));
        let properties = result.properties.as_mut().unwrap();
        for name in ["container", "image", "imagePullPolicy"] {
            properties.insert(name.into(), long(byte));
        }
        for _ in 0..MAX_HISTORY {
            let next = after(&report, passing(), &[], TUESDAY);
            report = PolicyReport { results: report.results.clone(), ..next };
        }
        let history = History::of(&report);
        assert_eq!((history.closed.len(), history.images.len()), (MAX_HISTORY, MAX_HISTORY), "{byte}");
        let longest = history.closed.iter().map(|interval| interval.message.raw().len()).min();
        assert!(longest.is_some_and(|longest| (500..=512).contains(&longest)), "{longest:?}");
    }
}

/// Pods run a second image under the name of a container, and then the first one alone again.
#[test]
fn another_image_beside_the_first_changes_its_key_and_not_its_time() {
    let (monday, tuesday) = (at(MONDAY).as_second(), at(TUESDAY).as_second());
    let alone = report_of("nginx:latest", failing());

    let both = after_images(&alone, &["nginx:latest", "nginx:main"], TUESDAY);
    assert_eq!(seen(&both), [("nginx:latest", monday), ("nginx:main", tuesday)]);
    assert_eq!(History::of(&both), History::default(), "nothing is over");

    let first = after_images(&both, &["nginx:latest"], WEDNESDAY);
    assert_eq!(seen(&first), [("nginx:latest", monday)]);
    let history = History::of(&first);
    let [interval] = &*history.closed else { panic!("{history:?}") };
    assert_eq!((interval.image.raw(), interval.from), ("nginx:main", at(TUESDAY)));

    // Others than the first one are new, whatever their keys.
    let others = after_images(&alone, &["nginx:main", "nginx:dev"], TUESDAY);
    assert_eq!(seen(&others), [("nginx:dev", tuesday), ("nginx:main", tuesday)]);
    assert_eq!(
        seen(&after_images(&both, &["nginx:dev"], WEDNESDAY)),
        [("nginx:dev", at(WEDNESDAY).as_second())]
    );
}

/// The report after another one, of pods that run these images under one name.
fn after_images(before: &PolicyReport, images: &[&str], now: &str) -> PolicyReport {
    let workload = workload(images.iter().map(|image| container("web", image)).collect());
    let verdicts: Vec<_> = (0..images.len()).map(|index| verdict(&workload, index, failing())).collect();
    report_after(&workload, &verdicts, (&FirstSeen::of(before), &History::of(before), &[]), now)
}

/// Images of the results in their order, with the time since which each is seen.
fn seen(report: &PolicyReport) -> Vec<(&str, i64)> {
    let results = 0..report.results.iter().flatten().count();
    let first_seen = |index| at(property(report, index, "firstSeen")).as_second();
    let mut seen: Vec<_> =
        results.map(|index| (property(report, index, "image"), first_seen(index))).collect();
    seen.sort_unstable();
    seen
}

#[test]
fn a_pass_or_an_exempt_finding_that_goes_leaves_none() {
    for outcome in [Outcome::Pass, Outcome::Skip] {
        let monday = report_of("nginx:latest", vec![finding("latest-tag", outcome)]);
        assert_eq!(History::of(&after(&monday, failing(), &[], TUESDAY)), History::default());
    }
}

#[test]
fn history_is_carried_over_and_is_no_reason_to_write() {
    let monday = report_of("nginx:latest", failing());
    let tuesday = after(&monday, passing(), &[], TUESDAY);
    let again = after(&stored_body(&tuesday), passing(), &[], "2026-01-14T08:30:00Z");
    assert_eq!(History::of(&again), History::of(&tuesday));
    assert_eq!(plan(Some(&stored(&tuesday)), Some(again)), ReportPlan::Keep);
}

#[test]
fn the_last_ones_are_kept() {
    let mut report = report_of("nginx:latest", failing());
    for day in 1..=20 {
        let time = format!("2026-02-{day:02}T08:00:00Z");
        report = after(&report, passing(), &[], &time);
        report = after(&report, failing(), &[], &time);
    }
    let history = History::of(&report);
    assert_eq!(history.closed.len(), MAX_HISTORY);
    assert_eq!(history.closed.last().unwrap().until, at("2026-02-20T08:00:00Z"));
    assert!(history.closed.iter().is_sorted_by_key(|interval| interval.until));
}

#[test]
fn a_clock_that_was_set_back_makes_no_time_negative() {
    let tuesday = after(&report_of("nginx:latest", Vec::new()), failing(), &[], TUESDAY);
    let history = History::of(&after(&tuesday, passing(), &[], MONDAY));
    assert_eq!(history.closed[0].from, history.closed[0].until);
}

#[test]
fn an_image_that_changes_is_remembered() {
    let monday = report_of("nginx:latest", failing());
    let [web, before, since] = ["web", "nginx:latest", "nginx:1.27.3"].map(Into::into);
    let change = History::image_change(&web, &before, &since, at(TUESDAY));
    let history = History::of(&after(&monday, passing(), std::slice::from_ref(&change), TUESDAY));
    assert_eq!(*history.images, [change]);
}

#[test]
fn an_interval_that_a_client_edited_into_nonsense_is_left_out() {
    let good = json!({ "id": "0123456789abcdef0123", "rule": "r", "container": "c", "image": "i", "from": 1, "until": 2 });
    let with = |field: &str, value: Value| {
        let mut edited = good.clone();
        edited[field] = value;
        edited
    };
    for (text, kept) in [
        ("no json".to_owned(), 0),
        (json!({ "closed": 7 }).to_string(), 0),
        (json!({ "closed": [good, with("until", json!(0)), with("from", json!(i64::MAX)), with("id", json!("x"))] }).to_string(), 1),
        (json!({ "closed": vec![good.clone(); 40] }).to_string(), MAX_HISTORY),
        (" ".repeat(100_000), 0),
    ] {
        let mut report = report_of("nginx:latest", failing());
        report.metadata.annotations.get_or_insert_default().insert(HISTORY_ANNOTATION.to_owned(), text.clone());
        assert_eq!(History::of(&report).closed.len(), kept, "{text:.100}");
    }
}

#[test]
fn what_was_remembered_before_a_report_could_be_read_comes_behind_what_it_says() {
    let id = |report: &PolicyReport| property(report, 0, "resultID").to_owned();
    let monday = report_of("nginx:latest", failing());
    let (stored, before) = (FirstSeen::of(&monday), History::of(&monday));
    // While the report could not be read, the same violation looked new, and then it was fixed.
    let memory = report_later("nginx:latest", failing(), &FirstSeen::default(), TUESDAY);
    let wednesday = "2026-01-14T08:30:00Z";
    let mended = after(&memory, passing(), &[], wednesday);
    let (seen, over) = (FirstSeen::of(&mended), History::of(&mended));
    let joined = over.behind(&before, &stored);
    let [interval] = &*joined.closed else { panic!("{joined:?}") };
    assert_eq!(interval.id.to_string(), id(&monday));
    let times = (interval.from, interval.until);
    assert_eq!(times, (at(MONDAY), at(wednesday)));
    // It is over, and not over once more.
    let seen = seen.joined(&stored, &over);
    let workload = workload(vec![container("web", "nginx:latest")]);
    let verdicts = [verdict(&workload, 0, passing())];
    let later = report_after(&workload, &verdicts, (&seen, &joined, &[]), "2026-01-15T08:30:00Z");
    assert_eq!(History::of(&later), joined);
    // An open issue takes the older time; one that was fixed before the report was read closes at the next evaluation.
    let still = FirstSeen::of(&memory).joined(&stored, &History::default());
    assert_eq!(still, stored);
    let unseen = FirstSeen::default().joined(&stored, &History::default());
    let later = report_after(&workload, &verdicts, (&unseen, &History::default(), &[]), wednesday);
    assert_eq!(History::of(&later).closed.len(), 1);
}

/// The report of Tuesday by a policy, with these containers and findings of the first one.
fn tuesday_by(
    policy: &Policy,
    containers: Vec<Container>,
    findings: Vec<Finding>,
    rule: &str,
) -> PolicyReport {
    let monday = report_of("nginx:latest", vec![finding(rule, Outcome::Fail)]);
    let workload = workload(containers);
    let verdicts = [verdict(&workload, 0, findings)];
    report_by(policy, &workload, &verdicts, (&FirstSeen::of(&monday), &History::of(&monday), &[]), TUESDAY)
}

fn ending(report: &PolicyReport) -> Ending {
    let history = History::of(report);
    let [interval] = &*history.closed else { panic!("{history:?}") };
    interval.ending
}

#[test]
fn an_interval_says_how_it_ended() {
    let policy = |spec: Value| Policy::compile(&serde_json::from_value(spec).unwrap()).unwrap();
    let recommended = policy(json!({}));
    let off = policy(json!({ "rules": { "latest-tag": { "enabled": false } } }));
    let elsewhere = policy(json!({ "overrides": [
        { "match": { "names": ["another"] }, "rules": { "latest-tag": { "enabled": false } } },
        { "match": { "names": ["web"], "containers": ["proxy"] }, "rules": { "latest-tag": { "enabled": false } } },
    ] }));
    let here = policy(json!({ "overrides": [
        { "match": { "containers": ["web"] }, "rules": { "latest-tag": { "enabled": false } } },
    ] }));
    let same = || container("web", "nginx:latest");
    let always = Container { pull_policy: Some("Always".into()), ..same() };
    let exempt = || vec![finding("latest-tag", Outcome::Skip)];
    for (policy, now, findings, expected) in [
        (&recommended, container("web", "nginx:1.27.3"), passing(), Ending::Fixed),
        (&recommended, always, passing(), Ending::Fixed),
        (&recommended, container("other", "nginx:1.27.3"), passing(), Ending::Fixed),
        (&recommended, same(), exempt(), Ending::Exempted),
        (&recommended, container("web", "nginx"), exempt(), Ending::Exempted),
        (&recommended, container("other", "nginx:latest"), exempt(), Ending::Fixed),
        (&off, same(), passing(), Ending::RuleOff),
        (&here, same(), passing(), Ending::RuleOff),
        (&off, container("other", "nginx:1.27.3"), passing(), Ending::Fixed),
        (&elsewhere, container("web", "nginx:1.27.3"), passing(), Ending::Fixed),
        // The policy may allow the image now: the workload is the same.
        (&recommended, same(), passing(), Ending::Resolved),
    ] {
        let image = now.image.clone();
        let report = tuesday_by(policy, vec![now], findings, "latest-tag");
        assert_eq!(ending(&report), expected, "{image:?}");
    }
    // What pods run has changed.
    let converged = tuesday_by(&recommended, vec![same()], passing(), "mixed-digests");
    assert_eq!(ending(&converged), Ending::Fixed);
}

#[test]
fn an_exemption_that_ends_does_not_change_how_the_violation_ended() {
    let monday = report_of("nginx:latest", failing());
    let tuesday = after(&monday, vec![finding("latest-tag", Outcome::Skip)], &[], TUESDAY);
    let wednesday = after(&stored_body(&tuesday), failing(), &[], WEDNESDAY);
    assert_eq!(ending(&wednesday), Ending::Exempted);
    assert_eq!(seen(&wednesday), [("nginx:latest", at(WEDNESDAY).as_second())], "it has begun again");
}

/// Since when its first result has the outcome that it has.
fn turned_at(report: &PolicyReport) -> i64 {
    report.results.as_ref().unwrap()[0].timestamp.unwrap().seconds
}

#[test]
fn a_result_that_turns_keeps_its_age_and_is_not_over() {
    let open = [Outcome::Fail, Outcome::Warn, Outcome::Error];
    for (before, now) in open.iter().flat_map(|one| open.map(|other| (*one, other))) {
        let monday = report_of("nginx:latest", vec![finding("latest-tag", before)]);
        let tuesday = after(&monday, vec![finding("latest-tag", now)], &[], TUESDAY);
        assert_eq!(seen(&tuesday), [("nginx:latest", at(MONDAY).as_second())], "{before:?} {now:?}");
        let turned = if before == now { MONDAY } else { TUESDAY };
        assert_eq!(turned_at(&tuesday), at(turned).as_second(), "{before:?} {now:?}");
        let wednesday = after(&tuesday, vec![finding("latest-tag", now)], &[], WEDNESDAY);
        assert_eq!((turned_at(&wednesday), seen(&wednesday)), (turned_at(&tuesday), seen(&tuesday)));
        assert_eq!(History::of(&tuesday), History::default());
    }
    for before in [Outcome::Pass, Outcome::Skip] {
        let monday = report_of("nginx:latest", vec![finding("latest-tag", before)]);
        let tuesday = after(&monday, failing(), &[], TUESDAY);
        assert_eq!(seen(&tuesday), [("nginx:latest", at(TUESDAY).as_second())], "{before:?}");
    }
    // As an image that changes in place under one outcome does.
    let monday = report_of("nginx:main", vec![finding("latest-tag", Outcome::Warn)]);
    let tuesday = after(&monday, failing(), &[], TUESDAY);
    assert_eq!(seen(&tuesday), [("nginx:latest", at(MONDAY).as_second())]);
    assert_eq!(History::of(&tuesday), History::default());
}

/// The report after another one, of a template with the first image whose pods run the others, each with a result.
fn after_pods(before: &PolicyReport, images: &[(&str, Outcome)], now: &str) -> PolicyReport {
    let container = |(index, (image, _)): (usize, &(&str, Outcome))| {
        let template_image = (index > 0).then(|| images[0].0.into());
        let evidence = template_image
            .map(|image| DriftEvidence { template_image: Some(image), ..DriftEvidence::default() }.into());
        Container { drift: evidence, ..container("web", image) }
    };
    let workload = workload(images.iter().enumerate().map(container).collect());
    let findings = images.iter().map(|(_, outcome)| vec![finding("latest-tag", *outcome)]);
    let verdicts: Vec<_> =
        findings.enumerate().map(|(index, findings)| verdict(&workload, index, findings)).collect();
    report_after(&workload, &verdicts, (&FirstSeen::of(before), &History::of(before), &[]), now)
}

/// A ReplicationController, or a StatefulSet with `OnDelete`, whose template changes while its pods run on.
#[test]
fn an_image_that_only_pods_still_run_keeps_its_age() {
    let (monday, wednesday) = (at(MONDAY).as_second(), at(WEDNESDAY).as_second());
    for (template, pods) in [
        (Outcome::Fail, Outcome::Fail),
        (Outcome::Warn, Outcome::Fail),
        (Outcome::Fail, Outcome::Warn),
        (Outcome::Skip, Outcome::Fail),
    ] {
        let before = report_of("nginx:latest", failing());
        let tuesday = after_pods(&before, &[("nginx:main", template), ("nginx:latest", pods)], TUESDAY);
        assert_eq!(seen(&tuesday)[0], ("nginx:latest", monday), "{template:?} {pods:?}");
        assert_eq!(History::of(&tuesday), History::default(), "{template:?} {pods:?}");
        // The change is undone.
        let undone = after_pods(&tuesday, &[("nginx:latest", Outcome::Fail)], WEDNESDAY);
        assert_eq!(seen(&undone), [("nginx:latest", monday)], "{template:?} {pods:?}");
        // Another image that pods run is new.
        let other = after_pods(&tuesday, &[("nginx:main", template), ("nginx:dev", pods)], WEDNESDAY);
        assert_eq!(seen(&other)[0], ("nginx:dev", wednesday), "{template:?} {pods:?}");
        assert_eq!(ending(&other), Ending::Fixed, "{template:?} {pods:?}");
    }
}
