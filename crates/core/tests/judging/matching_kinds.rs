//! Kinds in overrides and exemptions. A user who may create a pod can write any kind in any group into its owner reference,
//! and must not get the exemption of another kind by that.

use tagwatch_core::kinds::CustomWorkload;
use tagwatch_core::policy::{
    ExactMatch, ExemptionSpec, MatchSpec, OverrideSpec, Policy, RuleSpec, TagPolicySpec, exact_exemption,
};
use tagwatch_core::workload::WorkloadId;

fn id(api_version: &str, kind: &str) -> WorkloadId {
    WorkloadId {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: Some("shop".into()),
        name: "web".into(),
    }
}

fn matches(kind: &str) -> MatchSpec {
    MatchSpec { kinds: vec![kind.to_owned()], names: vec!["web".to_owned()], ..MatchSpec::default() }
}

/// Exempts a kind, with a custom kind of its own that shares its name with one of the table.
fn exempting(kind: &str) -> Policy {
    let exemption = ExemptionSpec {
        matches: matches(kind),
        rules: vec!["*".to_owned()],
        reason: "why".to_owned(),
        expires: None,
    };
    let declared = |kind: &str| CustomWorkload {
        group: "ml.example.com".to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        template_path: "spec.template".to_owned(),
    };
    Policy::compile(&TagPolicySpec {
        exemptions: vec![exemption],
        workloads: vec![declared("TrainingRun"), declared("Rollout")],
        ..TagPolicySpec::default()
    })
    .expect("a valid policy")
}

fn is_exempt(kind: &str, api_version: &str, of_workload: &str) -> bool {
    exempting(kind).exemptions_for(&id(api_version, of_workload)).count() == 1
}

#[test]
fn a_plain_name_is_the_kind_that_is_known_by_it() {
    for (written, api_version, kind) in [
        ("Deployment", "apps/v1", "Deployment"),
        ("Deployment", "apps/v1beta2", "Deployment"),
        ("Deploy*", "apps/v1", "Deployment"),
        ("{Deployment,StatefulSet}", "apps/v1", "Deployment"),
        ("Pod", "v1", "Pod"),
        ("Job", "batch/v1", "Job"),
        ("Rollout", "argoproj.io/v1alpha1", "Rollout"),
        ("Rollout", "ml.example.com/v1", "Rollout"),
        ("TrainingRun", "ml.example.com/v2", "TrainingRun"),
        ("CloneSet", "apps.kruise.io/v1alpha1", "CloneSet"),
        // A service of a Compose file, which has no group.
        ("Service", "", "Service"),
        // No known kind has this name.
        ("Database", "ops.example.com/v1", "Database"),
        ("Data*", "ops.example.com/v1", "Database"),
    ] {
        assert!(is_exempt(written, api_version, kind), "{written} on {kind} of {api_version}");
    }
    for (written, api_version, kind) in [
        ("Deployment", "evil.example/v1", "Deployment"),
        ("Deployment", "v1", "Deployment"),
        ("Deployment", "batch/v1", "Deployment"),
        ("Deploy*", "evil.example/v1", "Deployment"),
        ("Deployment?*", "evil.example/v1", "Deployment"),
        ("[C-E]*", "evil.example/v1", "Deployment"),
        ("{Deployment,Rollout.argoproj.io}", "evil.example/v1", "Deployment"),
        ("{Deploy*,Rollout.argoproj.io}", "evil.example/v1", "Deployment"),
        ("Deploy*{,.apps}", "evil.example/v1", "Deployment"),
        ("Job", "batch.volcano.sh/v1alpha1", "Job"),
        ("StatefulSet", "apps.kruise.io/v1beta1", "StatefulSet"),
        ("Rollout", "evil.example/v1", "Rollout"),
        ("TrainingRun", "evil.example/v1", "TrainingRun"),
        ("Service", "v1", "Service"),
        ("deployment", "apps/v1", "Deployment"),
    ] {
        assert!(!is_exempt(written, api_version, kind), "{written} on {kind} of {api_version}");
    }
}

#[test]
fn a_kind_of_any_group_is_named_with_its_group() {
    for (written, api_version, kind) in [
        ("Deployment.apps", "apps/v1", "Deployment"),
        ("Pod.core", "v1", "Pod"),
        ("Rollout.argoproj.io", "argoproj.io/v1alpha1", "Rollout"),
        ("Job.batch.volcano.sh", "batch.volcano.sh/v1alpha1", "Job"),
        ("Deployment.evil.example", "evil.example/v1", "Deployment"),
        ("Database.ops.example.com", "ops.example.com/v1", "Database"),
        ("*.argoproj.io", "argoproj.io/v1alpha1", "Rollout"),
        ("*.example.com", "ops.example.com/v1", "Database"),
        ("Deployment.*", "evil.example/v1", "Deployment"),
        ("{Deployment,Rollout.argoproj.io}", "argoproj.io/v1alpha1", "Rollout"),
        ("{Deployment,Rollout.argoproj.io}", "apps/v1", "Deployment"),
        ("*", "evil.example/v1", "Deployment"),
        ("*", "apps/v1", "Deployment"),
    ] {
        assert!(is_exempt(written, api_version, kind), "{written} on {kind} of {api_version}");
    }
    for (written, api_version, kind) in [
        ("Deployment.apps", "evil.example/v1", "Deployment"),
        ("Rollout.argoproj.io", "ml.example.com/v1", "Rollout"),
        ("Job.batch", "batch.volcano.sh/v1alpha1", "Job"),
        // Owner references that imitate another kind.
        ("Rollout.argoproj.io", "io/v1", "Rollout.argoproj"),
        ("Rollout.argoproj.io", "evil.example/v1", "Rollout.argoproj.io"),
        ("Rollout.argoproj.io", "v1", "Rollout.argoproj.io"),
        ("Deployment.core", "core/v1", "Deployment"),
        ("*.argoproj.io", "evil.example/v1", "Rollout.argoproj.io"),
    ] {
        assert!(!is_exempt(written, api_version, kind), "{written} on {kind} of {api_version}");
    }
}

#[test]
fn an_override_takes_kinds_as_an_exemption_does() {
    let spec = TagPolicySpec {
        overrides: vec![OverrideSpec {
            matches: matches("Deployment"),
            rules: [("latest-tag".to_owned(), RuleSpec { enabled: Some(false), ..RuleSpec::default() })]
                .into(),
        }],
        ..TagPolicySpec::default()
    };
    let policy = Policy::compile(&spec).expect("a valid policy");
    let is_on = |id: &WorkloadId| {
        policy
            .effective(Some(id))
            .iter()
            .any(|effective| effective.rule.id == "latest-tag" && effective.setting.enabled)
    };
    assert!(!is_on(&id("apps/v1", "Deployment")));
    assert!(is_on(&id("evil.example/v1", "Deployment")));
}

/// Whatever an owner reference may hold: a baseline names it so that it is exempt, and nothing else is.
#[test]
fn a_baseline_names_each_kind_so_that_it_alone_is_exempt() {
    let kinds = [
        ("apps/v1", "Deployment", "Deployment"),
        ("evil.example/v1", "Deployment", "Deployment.evil.example"),
        ("v1", "Deployment", "Deployment.core"),
        ("v1", "Pod", "Pod"),
        ("batch.volcano.sh/v1alpha1", "Job", "Job.batch.volcano.sh"),
        ("apps.kruise.io/v1alpha1", "CloneSet", "CloneSet"),
        ("argoproj.io/v1alpha1", "Rollout", "Rollout.argoproj.io"),
        ("io/v1", "Rollout.argoproj", "Rollout\\u[{]2e[}]argoproj.io"),
        ("evil.example/v1", "Rollout.argoproj.io", "Rollout\\u[{]2e[}]argoproj\\u[{]2e[}]io.evil.example"),
        ("ops.example.com/v1", "Database", "Database.ops.example.com"),
        ("ops.example.com/v1", "Data*", "Data[*].ops.example.com"),
    ];
    for (api_version, kind, expected) in kinds {
        let name = exempting("Rollout").kinds().name_in_policy(api_version, kind);
        let matches =
            ExactMatch { namespace: None, kind: &name, name: &"web".into(), container: &"app".into() };
        let exemption = exact_exemption(matches, Vec::new(), "why", None);
        let written = &exemption.matches.kinds[0];
        assert_eq!(written, expected);
        for (other_version, other, _) in kinds {
            let is_itself = (other_version, other) == (api_version, kind);
            assert_eq!(
                is_exempt(written, other_version, other),
                is_itself,
                "{written} on {other} of {other_version}"
            );
        }
    }
}
