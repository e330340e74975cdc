//! Compiled policies: what applies to a workload and why, and the schema that follows the rules.

use std::sync::Arc;

use tagwatch_core::engine::Engine;
use tagwatch_core::kinds::Kinds;
use tagwatch_core::outcome::Severity;
use tagwatch_core::policy::{
    EffectiveRule, ExactMatch, ExemptionProblem, ExemptionSpec, MatchSpec, NamedNamespace, OverrideSpec,
    Policy, PolicyPart, Profile, RuleSpec, SeveritySpec, TagPolicySpec, exact_exemption,
};
use tagwatch_core::reference::Reference;
use tagwatch_core::rules;
use tagwatch_core::tag::TagClass;
use tagwatch_core::workload::{ContainerType, IgnoreAnnotations, Namespace, Origin, Workload, WorkloadId};

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
        let WorkloadId { api_version, kind, namespace, .. } = id();
        let kind = Kinds::default().name_in_policy(api_version.raw(), kind.raw());
        let matches = ExactMatch {
            namespace: namespace.as_ref(),
            kind: &kind,
            name: &name.into(),
            container: &"app".into(),
        };
        exact_exemption(matches, vec!["*".to_owned()], "why", None)
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

fn namespace(name: &str, labels: &[(&str, &str)]) -> NamedNamespace {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    (name.into(), Arc::new(Namespace { labels, ..Namespace::default() }))
}

fn read(spec: &serde_json::Value) -> Policy {
    Policy::read(spec).map(|(_, policy)| policy).expect("a valid policy")
}

fn places(policy: &Policy, namespaces: &[NamedNamespace], overrides_used: &[u16]) -> Vec<String> {
    let used = overrides_used.iter().copied().map(PolicyPart::Override).collect();
    policy.without_effect(namespaces, &used).iter().map(|remark| remark.path.to_string()).collect()
}

#[test]
fn parts_that_match_nothing_are_named_by_their_field() {
    let change =
        serde_json::json!({ "match": { "names": ["x"] }, "rules": { "latest-tag": { "enabled": false } } });
    let policy = read(&serde_json::json!({
        "scope": {
            "namespaces": ["shop*", "mial"],
            "excludeNamespaces": ["shop-test", "ci-*"],
            "excludePresets": ["managed-add-ons"],
            "namespaceSelector": { "matchLabels": { "tier": "gold" } },
        },
        "overrides": [change, change],
        "annotations": { "namespaceSelector": { "matchExpressions": [{ "key": "free", "operator": "Exists" }] } },
        "metricLabels": ["team", "tier"],
    }));
    let namespaces =
        [namespace("shop", &[("tier", "gold")]), namespace("shop-test", &[]), namespace("mail", &[])];
    assert!(!policy.is_scope_empty(&namespaces));
    assert_eq!(
        places(&policy, &namespaces, &[1]),
        [
            "spec.scope.namespaces[1]",
            "spec.scope.excludeNamespaces[1]",
            "spec.overrides[0]",
            "spec.annotations.namespaceSelector",
            "spec.metricLabels[0]",
        ]
    );
    let all = [namespace("shop", &[("tier", "gold"), ("free", ""), ("team", "a")]), namespace("mial", &[])];
    assert_eq!(
        places(&policy, &all, &[0, 1]),
        ["spec.scope.excludeNamespaces[0]", "spec.scope.excludeNamespaces[1]"]
    );
    assert_eq!(places(&policy, &[], &[0, 1]), [""; 0], "namespaces are not known");
    assert_eq!(places(&read(&serde_json::json!({})), &namespaces, &[]), [""; 0]);
}

#[test]
fn entries_that_match_no_image_or_tag_are_named() {
    let policy = read(&serde_json::json!({
        "rules": {
            "floating-tag": { "words": ["blue", "gren"], "patterns": ["v[0-9]+", "w[0-9]+"] },
            "latest-tag": { "tags": ["newest", "nevest"] },
        },
        "immutable": ["registry.example.com/", "registry.exampel.com/", "registry.example.com/web", "nginx:1.*", "redis"],
    }));
    let used = |images: &[&str]| {
        let engine = Engine::new(policy.clone());
        let containers =
            images.iter().map(|image| container("app", ContainerType::Container, image, None)).collect();
        let workload = workload(Origin::Manifest, containers);
        let judgement = engine.assess(&workload, |image| engine.read_image(image));
        policy.without_effect(&[], &judgement.parts_used)
    };
    let remarks = used(&[
        // The first entry decides, and the third one is right too.
        "registry.example.com/web:team-BLUE",
        // A digest decides, and the entry is right too.
        "redis@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "app:v7",
        "app:newest",
        // No image at all.
        "nginx:1.27:x",
    ]);
    let said: Vec<String> =
        remarks.iter().map(|remark| format!("{}: {}", remark.path, remark.message)).collect();
    assert_eq!(
        said,
        [
            "spec.rules.floating-tag.words[1]: no image has a tag with this word",
            "spec.rules.floating-tag.patterns[1]: it matches the tag of no image",
            "spec.rules.latest-tag.tags[1]: no image has this tag",
            "spec.immutable[1]: it matches no image",
            "spec.immutable[3]: it matches no image",
        ]
    );
    assert_eq!(used(&[]).len(), 11, "nothing runs");
    let outside = WorkloadId { namespace: Some("other".into()), ..id() };
    let scoped = read(&serde_json::json!({ "scope": { "namespaces": ["shop"] }, "immutable": ["nginx"] }));
    let engine = Engine::new(scoped);
    let nginx = container("app", ContainerType::Container, "nginx", None);
    let workload = Workload::new(outside, Origin::Manifest, vec![nginx]);
    assert!(engine.assess(&workload, |image| engine.read_image(image)).parts_used.is_empty(), "out of scope");
}

#[test]
fn single_namespaces_of_a_match_that_are_not_there_are_named() {
    let matching = |namespaces: &[&str]| serde_json::json!({ "namespaces": namespaces });
    let change = |namespaces: &[&str]| serde_json::json!({ "match": matching(namespaces), "rules": { "latest-tag": { "enabled": false } } });
    let exemption = |namespaces: &[&str]| serde_json::json!({ "match": matching(namespaces), "rules": ["*"], "reason": "why" });
    let policy = read(&serde_json::json!({
        "overrides": [change(&["shop", "no-such"]), change(&["no-such"]), change(&["shop"])],
        // One that matches no namespace at all is unused as a whole.
        "exemptions": [exemption(&["no-such", "no-*", "s*"]), exemption(&["no-such", "no-*"]), exemption(&["mail"])],
    }));
    let namespaces = [namespace("shop", &[]), namespace("mail", &[])];
    assert_eq!(
        places(&policy, &namespaces, &[0, 2]),
        [
            "spec.overrides[0].match.namespaces[1]",
            "spec.overrides[1]",
            "spec.exemptions[0].match.namespaces[0]",
            "spec.exemptions[0].match.namespaces[1]",
        ]
    );
    assert_eq!(places(&policy, &[], &[0, 1, 2]), [""; 0], "namespaces are not known");
}

#[test]
fn parts_that_match_every_namespace_restrict_nothing() {
    let namespaces = [namespace("shop", &[("tier", "gold")]), namespace("mail", &[("tier", "silver")])];
    let absent = serde_json::json!({ "matchExpressions": [{ "key": "absent", "operator": "DoesNotExist" }] });
    for selector in [
        absent.clone(),
        serde_json::json!({ "matchExpressions": [{ "key": "tier", "operator": "Exists" }] }),
        serde_json::json!({ "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": ["bronze"] }] }),
        serde_json::json!({ "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["gold", "silver"] }] }),
    ] {
        let policy = read(&serde_json::json!({
            "scope": { "namespaceSelector": selector }, "annotations": { "namespaceSelector": selector },
        }));
        let named = ["spec.scope.namespaceSelector", "spec.annotations.namespaceSelector"];
        assert_eq!(places(&policy, &namespaces, &[]), named, "{selector}");
        assert_eq!(places(&policy, &[], &[]), [""; 0], "namespaces are not known");
        assert_eq!(places(&policy, &namespaces[..1], &[]), [""; 0], "one alone is watched");
    }
    // One that is left out is enough.
    let policy = read(&serde_json::json!({
        "scope": { "namespaceSelector": { "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["gold"] }] } },
    }));
    assert_eq!(places(&policy, &namespaces, &[]), [""; 0]);
    // Annotations that are off are not restricted either.
    let policy =
        read(&serde_json::json!({ "annotations": { "enabled": false, "namespaceSelector": absent } }));
    assert_eq!(places(&policy, &namespaces, &[]), [""; 0]);
    for (globs, expected) in [
        (vec!["shop", "*"], vec!["spec.scope.namespaces[1]"]),
        // Those that are there; others may come.
        (vec!["s*", "mail"], vec![]),
        (vec!["s*"], vec![]),
    ] {
        let policy = read(&serde_json::json!({ "scope": { "namespaces": globs } }));
        assert_eq!(places(&policy, &namespaces, &[]), expected, "{globs:?}");
    }
}

#[test]
fn a_scope_that_leaves_every_namespace_out_is_empty() {
    let namespaces = [namespace("shop", &[("tier", "gold")]), namespace("mail", &[])];
    for (scope, expected, place) in [
        (serde_json::json!({}), false, None),
        (serde_json::json!({ "namespaces": ["shop"] }), false, None),
        (serde_json::json!({ "namespaces": ["sohp"] }), true, Some("spec.scope.namespaces[0]")),
        (serde_json::json!({ "excludeNamespaces": ["*"] }), true, None),
        (
            serde_json::json!({ "namespaceSelector": { "matchLabels": { "tier": "silver" } } }),
            true,
            Some("spec.scope.namespaceSelector"),
        ),
        // Each part matches a namespace, and both together none.
        (
            serde_json::json!({ "namespaces": ["mail"], "namespaceSelector": { "matchLabels": { "tier": "gold" } } }),
            true,
            None,
        ),
    ] {
        let policy = read(&serde_json::json!({ "scope": scope }));
        assert_eq!(policy.is_scope_empty(&namespaces), expected, "{scope}");
        let whole = Some("spec.scope").filter(|_| expected);
        let wanted: Vec<&str> = whole.into_iter().chain(place).collect();
        assert_eq!(places(&policy, &namespaces, &[]), wanted, "{scope}");
        assert!(!policy.is_scope_empty(&[]), "namespaces are not known");
    }
}

#[test]
fn an_override_is_used_where_it_matches_a_container() {
    let of_container = |name: &str| MatchSpec { containers: vec![name.to_owned()], ..MatchSpec::default() };
    let spec = TagPolicySpec {
        overrides: vec![
            change(of_container("other"), severity(SeveritySpec::Low)),
            change(of_container("app"), severity(SeveritySpec::Low)),
            change(names("we?"), severity(SeveritySpec::Low)),
        ],
        ..TagPolicySpec::default()
    };
    let engine = Engine::new(Policy::compile(&spec).expect("a valid policy"));
    let app = container("app", ContainerType::Container, "nginx:1.27.3", None);
    let judgement = engine.assess(&workload(Origin::Manifest, vec![app]), |image| engine.read_image(image));
    assert_eq!(judgement.parts_used, [1, 2].map(PolicyPart::Override).into());
}

#[test]
fn presets_are_on_unless_the_policy_lists_others() {
    let class = |policy: &Policy| {
        let pause = Reference::parse("registry.k8s.io/pause:3.9").expect("a reference");
        policy.classifier().classify(Ok(&pause)).class
    };
    assert_eq!(class(&Policy::of(Profile::Strict)), TagClass::DeclaredImmutable);
    assert_eq!(class(&read(&serde_json::json!({}))), TagClass::DeclaredImmutable);
    let named = serde_json::json!({ "immutablePresets": ["kubernetes-registry"] });
    assert_eq!(class(&read(&named)), TagClass::DeclaredImmutable);
    assert_eq!(class(&read(&serde_json::json!({ "immutablePresets": [] }))), TagClass::Floating);
    let unknown =
        Policy::read(&serde_json::json!({ "immutablePresets": ["kubernetes"] })).expect_err("unknown");
    assert!(unknown[0].to_string().contains("did you mean kubernetes-registry?"), "{}", unknown[0]);
}
