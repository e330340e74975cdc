//! What a cluster showed, as the fixtures and the rules' examples write it.

use std::time::Duration;

use jiff::Timestamp;
use tagwatch_core::drift::{
    DriftConfidence, DriftEvidence, Mixed, OlderRevision, PodSighting, PullFailure, PullFailureReason,
    RegistryAnswer, Resolution, Resolutions, parse_grace,
};
use tagwatch_core::engine::Engine;
use tagwatch_core::finding::Finding;
use tagwatch_core::workload::{Container, ContainerType, Origin};

use crate::support::{container, workload};

/// Reads `moved proven a=3 b=0; mixed likely 20m a=2 b=1; failing ImagePullBackOff 10m; restarted; other nginx:1.26;
/// registry c; unknown 429`: a letter is a digest of that letter, a number how many pods run it. `moved of <image>`,
/// `mixed of <image>` and `failing of <image>` say which image the pods name instead of the template's.
pub(crate) fn evidence(text: &str) -> DriftEvidence {
    let mut drift = DriftEvidence::default();
    for part in text.split("; ") {
        let words: Vec<&str> = part.split(' ').collect();
        match words[..] {
            ["moved", "of", image] => {
                drift.moved.as_mut().expect(text).reference = Some(image.into());
            }
            ["mixed", "of", image] => {
                drift.mixed.as_mut().expect(text).resolutions.reference = Some(image.into());
            }
            ["failing", "of", image] => {
                drift.pull_failure.as_mut().expect(text).image = Some(image.into());
            }
            ["moved", confidence, ref digests @ ..] => drift.moved = Some(resolutions(confidence, digests)),
            ["mixed", confidence, lasted, ref digests @ ..] => {
                let resolutions = resolutions(confidence, digests);
                drift.mixed = Some(Mixed { resolutions, lasted: parse_grace(lasted).expect(lasted) });
            }
            ["failing", reason, lasted] => drift.pull_failure = Some(failure(reason, lasted)),
            ["restarted"] => drift.restarted_same_image = true,
            ["other", image] => drift.other_images.push(image.into()),
            ["registry", digest] => {
                let runs = vec![digest_of("a")];
                let answer = RegistryAnswer::Differs { digest: digest_of(digest), some_run_it: false, runs };
                drift.registry = Some(answer);
            }
            ["unknown", reason] => drift.registry = Some(RegistryAnswer::Unknown { reason: reason.into() }),
            _ => panic!("{part}: no evidence"),
        }
    }
    drift
}

/// Reads the comment of a rule's example.
pub(crate) fn of_example(yaml: &str) -> Option<DriftEvidence> {
    let (_, comment) = yaml.split_once("\n# ")?;
    let comment = comment.trim_end();
    let evidence = match comment.split_once(' ')? {
        ("ran", _) => evidence("moved proven a=1 b=1"),
        ("pods", rest) if rest.starts_with("run ") => evidence("mixed proven 1h a=1 b=1"),
        ("pods", rest) => evidence(&format!("failing {} 1h", rest.strip_prefix("wait: ")?)),
        ("the", _) => evidence("registry b"),
        _ => panic!("{comment}: no evidence"),
    };
    Some(evidence)
}

pub(crate) fn digest_of(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64 / letter.len()))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn resolutions(confidence: &str, digests: &[&str]) -> Resolutions {
    let confidence = if confidence == "proven" { DriftConfidence::Proven } else { DriftConfidence::Likely };
    let digests = digests.iter().map(|digest| {
        let (letter, pods) = digest.split_once('=').expect(digest);
        let pods: u32 = pods.parse().expect(digest);
        let sighting = PodSighting { pod: "web-1".into(), node: "node-a".into() };
        Resolution {
            digest: digest_of(letter),
            same: Vec::new(),
            pods,
            since: at("2026-01-12T08:30:05Z"),
            until: (pods == 0).then(|| at("2026-01-13T09:00:00Z")),
            here: if pods == 0 { Vec::new() } else { vec![sighting] },
            elsewhere: pods.saturating_sub(1),
        }
    });
    Resolutions { confidence, reference: None, digests: digests.collect() }
}

fn failure(reason: &str, lasted: &str) -> PullFailure {
    PullFailure {
        reason: PullFailureReason::parse(reason).expect(reason),
        image: None,
        since: at("2026-01-12T08:30:05Z"),
        lasted: parse_grace(lasted).expect(lasted),
        here: vec![PodSighting { pod: "web-1".into(), node: "node-a".into() }],
    }
}

mod timers {
    use super::*;
    use crate::support::{container, workload};
    use tagwatch_core::engine::Engine;
    use tagwatch_core::policy::{Policy, Profile, RuleSpec, TagPolicySpec};
    use tagwatch_core::workload::{ContainerType, Origin};

    fn due(policy: &Policy, text: &str) -> Option<Duration> {
        let mut web = container("web", ContainerType::Container, "nginx:1.27", None);
        web.drift = Some(evidence(text).into());
        let engine = Engine::new(policy.clone());
        let workload = workload(Origin::Cluster, vec![web]);
        engine.assess(&workload, |image| engine.read_image(image)).due_in
    }

    #[test]
    fn a_state_is_looked_at_again_when_its_time_is_over() {
        let policy = Policy::of(Profile::Recommended);
        assert_eq!(due(&policy, "mixed proven 5m a=1 b=1"), Some(Duration::from_mins(10)));
        assert_eq!(due(&policy, "mixed proven 15m a=1 b=1"), None);
        assert_eq!(
            due(&policy, "mixed proven 5m a=1 b=1; failing ImagePullBackOff 1m"),
            Some(Duration::from_mins(4))
        );
        assert_eq!(due(&policy, "failing ErrImageNeverPull 1s"), None);
        assert_eq!(due(&policy, "moved proven a=1 b=1"), None);
    }

    #[test]
    fn the_policy_gives_the_time() {
        let grace = |text: &str| RuleSpec { grace: Some(text.to_owned()), ..RuleSpec::default() };
        let spec = TagPolicySpec {
            rules: [("mixed-digests".to_owned(), grace("6m"))].into(),
            ..TagPolicySpec::default()
        };
        let policy = Policy::compile(&spec).expect("a valid policy");
        assert_eq!(due(&policy, "mixed proven 5m a=1 b=1"), Some(Duration::from_mins(1)));
        assert_eq!(due(&Policy::of(Profile::Datadog), "mixed proven 5m a=1 b=1"), None);
        let wrong = TagPolicySpec {
            rules: [("mixed-digests".to_owned(), grace("soon")), ("moved-tag".to_owned(), grace("1m"))]
                .into(),
            ..TagPolicySpec::default()
        };
        let problems: Vec<String> =
            Policy::compile(&wrong).expect_err("two problems").iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("\"soon\" is no duration"), "{problems:?}");
        assert!(problems[1].contains("moved-tag does not take grace"), "{problems:?}");
    }
}

mod classes {
    use super::*;
    use tagwatch_core::outcome::Outcome;
    use tagwatch_core::policy::{Policy, TagPolicySpec};
    use tagwatch_core::tag::TagClass;

    /// The class, and the rules that fail, under a policy that declares all of `declared.example` immutable.
    fn judged(image: &str, drift: DriftEvidence) -> (TagClass, Vec<&'static str>) {
        let mut web = container("web", ContainerType::Container, image, Some("IfNotPresent"));
        web.drift = Some(drift.into());
        let spec =
            TagPolicySpec { immutable: vec!["declared.example/".to_owned()], ..TagPolicySpec::default() };
        let engine = Engine::new(Policy::compile(&spec).expect("a valid policy"));
        let verdict = engine.judge(&workload(Origin::Cluster, vec![web])).remove(0);
        let failed = verdict.findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
        (verdict.classification.class, failed.map(|finding| finding.rule.id).collect())
    }

    const WEB: &str = "registry.example/web:1.4.2";

    #[test]
    fn the_class_follows_the_evidence_of_the_same_evaluation() {
        let tags = ["floating-tag", "stale-pull-policy"];
        for image in [WEB, "declared.example/web:1.4.2"] {
            for (text, drift) in
                [("moved proven a=1 b=1", "moved-tag"), ("mixed proven 1h a=1 b=1", "mixed-digests")]
            {
                let (class, failed) = judged(image, evidence(text));
                assert_eq!(class, TagClass::ProvenMutable, "{image} {text}");
                assert_eq!(failed, [tags[0], tags[1], drift], "{image} {text}");
            }
        }
        // By what another container reports.
        let elsewhere = DriftEvidence { is_proven_elsewhere: true, ..DriftEvidence::default() };
        assert_eq!(judged(WEB, elsewhere), (TagClass::ProvenMutable, tags.into()));
    }

    #[test]
    fn what_is_likely_or_of_another_reference_is_no_class() {
        for text in [
            "moved likely a=1 b=1",
            "moved proven a=1 b=1; moved of mirror.example/web:1.4.2",
            "mixed proven 1h a=1 b=1; mixed of mirror.example/web:1.4.2",
        ] {
            assert_eq!(judged(WEB, evidence(text)).0, TagClass::Version, "{text}");
        }
        let (pinned, invalid) = (format!("{WEB}@{}", digest_of("a")), "registry.example/Web");
        for (image, class) in [(&*pinned, TagClass::Digest), (invalid, TagClass::Invalid)] {
            assert_eq!(judged(image, evidence("moved proven a=1 b=1")).0, class, "{image}");
        }
    }
}

mod snippets {
    use super::*;
    use crate::support::container;
    use tagwatch_core::evidence::{MAX_BYTES, drift_snippet as snippet};
    use tagwatch_core::workload::ContainerType;

    #[test]
    fn names_digests_pods_and_nodes() {
        let web = container("web", ContainerType::Container, "nginx:1.27", None);
        let yaml = snippet(&web, &evidence("mixed proven 1h a=2 b=1; other nginx:1.26"));
        let (a, b) = (digest_of("a"), digest_of("b"));
        let expected = format!(
            "container: web\npodsRun:\n- digest: {a}\n  since: 2026-01-12T08:30:05Z\n  pods: 2\n  seenOn:\n  \
             - pod: web-1\n    node: node-a\n  otherPods: 1\n- digest: {b}\n  since: 2026-01-12T08:30:05Z\n  \
             pods: 1\n  seenOn:\n  - pod: web-1\n    node: node-a\npodsImages:\n- nginx:1.26\n"
        );
        assert_eq!(yaml, expected);
        let _: serde_json::Value = serde_saphyr::from_str(&yaml).expect("valid YAML");
    }

    #[test]
    fn tells_what_the_registry_has_and_what_runs() {
        let web = container("web", ContainerType::Container, "nginx:1.27", None);
        let yaml = snippet(&web, &evidence("registry b"));
        let (a, b) = (digest_of("a"), digest_of("b"));
        assert_eq!(yaml, format!("container: web\nregistryHas: {b}\npodsRun:\n- digest: {a}\n"));
    }

    #[test]
    fn names_what_pods_name_instead() {
        let web = container("web", ContainerType::Container, "nginx:1.27", None);
        let mirror = "mirror.example/nginx:1.27";
        let mut drift =
            evidence(&format!("mixed proven 1h a=1 b=1; mixed of {mirror}; moved proven a=1 b=1"));
        // Two references have a list each, one reference has one.
        let yaml = snippet(&web, &drift);
        assert!(yaml.contains(&format!("podsRunImage: {mirror}\npodsRun:\n")), "{yaml}");
        assert!(yaml.contains("\nranAs:\n"), "{yaml}");
        drift.moved.as_mut().expect("moved").reference = Some(mirror.into());
        drift.moved.as_mut().expect("moved").digests[0].same = vec![digest_of("c")];
        assert!(!snippet(&web, &drift).contains("ranAs"));
        drift.mixed = None;
        let yaml = snippet(&web, &drift);
        let (a, c) = (digest_of("a"), digest_of("c"));
        let expected = format!("ranAsImage: {mirror}\nranAs:\n- digest: {a}\n  sameImage: [{c}]\n");
        assert!(yaml.contains(&expected), "{yaml}");
        let waits = snippet(&web, &evidence(&format!("failing ErrImagePull 1h; failing of {mirror}")));
        assert!(waits.contains(&format!("- reason: ErrImagePull\n  image: {mirror}\n")), "{waits}");
        for yaml in [yaml, waits] {
            let _: serde_json::Value = serde_saphyr::from_str(&yaml).expect("valid YAML");
        }
    }

    #[test]
    fn keeps_its_limit_and_says_where_it_was_cut() {
        let web = container(&"\u{1b}".repeat(500), ContainerType::Container, "nginx:1.27", None);
        let mut drift = evidence("moved likely a=9 b=9 c=9 d=9 e=9 f=0 aa=9 bb=9");
        for resolution in &mut drift.moved.as_mut().expect("moved").digests {
            let sighting = PodSighting { pod: "\u{202e}".repeat(300).into(), node: "n: {".into() };
            resolution.here = vec![sighting; 5];
        }
        let yaml = snippet(&web, &drift);
        assert!(yaml.len() <= MAX_BYTES && yaml.ends_with("# cut: there is more\n"), "{yaml}");
        let _: serde_json::Value = serde_saphyr::from_str(&yaml).expect("valid YAML");
    }
}

mod repeated {
    use super::*;
    use crate::support::{container, workload};
    use jiff::civil::date;
    use tagwatch_core::engine::Engine;
    use tagwatch_core::outcome::Outcome;
    use tagwatch_core::workload::{ContainerType, IgnoreAnnotations, Origin};

    /// The drift results of a container, where a rule is exempt by annotation.
    fn results(drift: &str, ignored: Option<&str>) -> Vec<(&'static str, Outcome)> {
        let mut web = container("web", ContainerType::Container, "nginx:1.27.3", None);
        web.drift = Some(evidence(drift).into());
        let mut workload = workload(Origin::Cluster, vec![web]);
        workload.ignore =
            IgnoreAnnotations { ignore: ignored.map(Into::into), reason: Some("known".into()), until: None };
        let verdicts = Engine::recommended().on(date(2026, 1, 15)).judge(&workload);
        let findings = verdicts.into_iter().flat_map(|verdict| verdict.findings);
        let of_drift = findings.filter(|finding| finding.rule.group.as_str() == "image-drift");
        of_drift.map(|finding| (finding.rule.id, finding.outcome)).collect()
    }

    #[test]
    fn an_exempt_finding_hides_no_other() {
        let both = "moved proven a=1 b=1; mixed proven 1h a=1 b=1";
        let (moved, mixed) = ("moved-tag", "mixed-digests");
        assert_eq!(results(both, None), [(mixed, Outcome::Fail)]);
        assert_eq!(results(both, Some(mixed)), [(moved, Outcome::Fail), (mixed, Outcome::Skip)]);
        assert_eq!(results(both, Some(moved)), [(mixed, Outcome::Fail)]);
        assert_eq!(
            results(both, Some("moved-tag, mixed-digests")),
            [(moved, Outcome::Skip), (mixed, Outcome::Skip)]
        );
    }

    #[test]
    fn what_is_said_of_two_references_is_said_twice() {
        let two = "moved proven a=1 b=1; mixed proven 1h a=1 b=1; mixed of mirror.example/nginx:1.27.3";
        assert_eq!(results(two, None), [("moved-tag", Outcome::Fail), ("mixed-digests", Outcome::Fail)]);
        let one = format!("{two}; moved of mirror.example/nginx:1.27.3");
        assert_eq!(results(&one, None), [("mixed-digests", Outcome::Fail)]);
    }
}

/// The finding about `nginx:latest` in pods of an older revision.
fn of_older_revision(older: OlderRevision) -> Finding {
    let image = container("web", ContainerType::Container, "nginx:latest", Some("Always"));
    let drift = DriftEvidence {
        template_image: Some("nginx:1.29.3".into()),
        older_revision: Some(older),
        ..DriftEvidence::default()
    };
    let workload = workload(Origin::Cluster, vec![Container { drift: Some(drift.into()), ..image }]);
    let verdict = Engine::recommended().judge(&workload).remove(0);
    let findings = verdict.findings.into_iter();
    findings.into_iter().find(|finding| finding.rule.id == "latest-tag").expect("a finding")
}

#[test]
fn a_finding_about_an_older_revision_says_whether_it_runs_and_offers_no_pin() {
    let stalled = OlderRevision {
        owner: "deployment.apps/web".into(),
        namespace: "shop".into(),
        kind: "ReplicaSet".into(),
        name: "web-5d9c".into(),
        revision: 3,
        is_rolled_out: false,
        has_started: false,
    };
    let waiting = of_older_revision(stalled.clone());
    assert!(waiting.message.starts_with("container web names nginx:latest"), "{}", waiting.message);
    let note = "; pods of the older ReplicaSet web-5d9c (revision 3) wait to start with it: the template no longer names it, \
                and its rollout has not finished";
    assert!(waiting.message.ends_with(note), "{}", waiting.message);
    for text in [
        "`kubectl rollout status deployment.apps/web --namespace shop`",
        "`kubectl rollout undo deployment.apps/web --namespace shop`",
    ] {
        assert!(waiting.resolution.contains(text), "{}", waiting.resolution);
    }
    assert!(!waiting.resolution.contains("digest"), "{}", waiting.resolution);
    let running = of_older_revision(OlderRevision { has_started: true, ..stalled.clone() });
    assert!(running.message.starts_with("container web runs nginx:latest"), "{}", running.message);
    assert!(running.message.contains("(revision 3) run it"), "{}", running.message);
    let left =
        of_older_revision(OlderRevision { is_rolled_out: true, name: "x".repeat(253).into(), ..stalled });
    assert!(left.message.contains("of the older ReplicaSet (revision 3)"), "{}", left.message);
    assert!(left.resolution.starts_with("Scale the ReplicaSet xxx"), "{}", left.resolution);
    assert!(left.message.chars().count() <= 512);
}
