//! Compiled policies: what applies to a workload and why, and the schema that follows the rules.

use tagwatch_core::engine::Engine;
use tagwatch_core::outcome::Severity;
use tagwatch_core::policy::{
    EffectiveRule, ExemptionProblem, ExemptionSpec, MatchSpec, OverrideSpec, Policy, RuleSpec, SeveritySpec,
    TagPolicySpec, exact_exemption,
};
use tagwatch_core::rules;
use tagwatch_core::workload::{ContainerType, IgnoreAnnotations, Origin, WorkloadId};

use crate::support::{container, workload};

fn id() -> WorkloadId {
    workload(Origin::Manifest, Vec::new()).id
}

fn severity(severity: SeveritySpec) -> RuleSpec {
    RuleSpec { severity: Some(severity), ..RuleSpec::default() }
}

fn change(matches: MatchSpec, rule: RuleSpec) -> OverrideSpec {
    OverrideSpec { matches, rules: [("latest-tag".to_owned(), rule)].into() }
}

fn names(name: &str) -> MatchSpec {
    MatchSpec { names: vec![name.to_owned()], ..MatchSpec::default() }
}

fn latest_tag(policy: &Policy, id: Option<&WorkloadId>) -> EffectiveRule {
    policy.effective(id).into_iter().find(|effective| effective.rule.id == "latest-tag").expect("a rule")
}

#[test]
fn what_applies_says_which_field_decided() {
    let spec = TagPolicySpec {
        rules: [("latest-tag".to_owned(), severity(SeveritySpec::Low))].into(),
        overrides: vec![
            change(names("we?"), severity(SeveritySpec::Medium)),
            change(names("api"), severity(SeveritySpec::Critical)),
            change(
                MatchSpec { containers: vec!["*".to_owned()], ..MatchSpec::default() },
                severity(SeveritySpec::Info),
            ),
        ],
        ..TagPolicySpec::default()
    };
    let policy = Policy::compile(&spec).expect("a valid policy");
    let base = latest_tag(&policy, None);
    assert_eq!(base.setting.severity.map(Severity::as_str), Some("low"));
    assert_eq!(base.origins, ["profile recommended", "spec.rules"]);
    let web = latest_tag(&policy, Some(&id()));
    assert_eq!(web.setting.severity.map(Severity::as_str), Some("medium"));
    assert_eq!(web.origins, ["profile recommended", "spec.rules", "spec.overrides[0]"]);
    assert_eq!(web.for_some_containers, ["spec.overrides[2]"]);
}

#[test]
fn an_exact_exemption_takes_names_by_the_letter() {
    let exempt = |name: &str| {
        let id = WorkloadId { name: name.into(), ..id() };
        exact_exemption(&id, &"app".into(), vec!["*".to_owned()], "why", None)
    };
    let covers = |exemption: ExemptionSpec, name: &str| {
        let spec = TagPolicySpec { exemptions: vec![exemption], ..TagPolicySpec::default() };
        let policy = Policy::compile(&spec).expect("a valid policy");
        policy.exemptions_for(&WorkloadId { name: name.into(), ..id() }).count() == 1
    };
    for name in ["web", "we*", "w[e]b", "{a,b}", "\\"] {
        assert!(covers(exempt(name), name), "{name}");
    }
    assert!(!covers(exempt("we*"), "web"));
    assert!(!covers(exempt("{a,b}"), "a"));
}

#[test]
fn the_schema_has_every_rule_and_describes_every_field() {
    let schema = schemars::schema_for!(TagPolicySpec);
    let schema = schema.as_value();
    for field in ["rules", "profile", "exemptions", "scope", "workloads"] {
        assert!(schema["properties"][field].is_object(), "{field}");
    }
    for rule in rules::all() {
        let property = &schema["properties"]["rules"]["properties"][rule.id];
        assert_eq!(property["description"], rule.summary);
    }
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        for (field, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{field}");
        }
    }
}

#[test]
fn annotations_that_labels_allow_do_not_count_in_a_cluster_whose_labels_nobody_can_read() {
    let spec =
        serde_json::json!({ "annotations": { "namespaceSelector": { "matchLabels": { "free": "yes" } } } });
    let (_, policy) = Policy::read(&spec).expect("a valid policy");
    let today = "2027-01-03".parse().expect("a day");
    let image = container("app", ContainerType::Container, "nginx", None);
    // Templates in custom resources are read like manifests, in a cluster too.
    for origin in [Origin::Cluster, Origin::Manifest] {
        let mut workload = workload(origin, vec![image.clone()]);
        workload.ignore =
            IgnoreAnnotations { ignore: Some("missing-tag".into()), reason: Some("why".into()), until: None };
        let problems = |engine: &Engine| {
            let judgement = engine.assess(&workload, |image| engine.read_image(image));
            let skips = judgement.verdicts[0].findings.iter().filter(|finding| finding.exemption.is_some());
            let remarks = judgement.remarks.iter().map(|remark| remark.problem);
            (skips.count(), remarks.collect::<Vec<_>>())
        };
        let engine = Engine::new(policy.clone()).on(today);
        assert_eq!(problems(&engine), (1, vec![ExemptionProblem::Undecided]), "{origin:?}");
        assert_eq!(problems(&engine.in_cluster()), (0, vec![ExemptionProblem::NotHonoured]), "{origin:?}");
    }
}
