//! The rules' documentation: its examples are judged, its pages are complete.

use std::collections::BTreeSet;

use tagwatch_core::docs;
use tagwatch_core::engine::Engine;
use tagwatch_core::finding::Finding;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::{RuleSpec, TagPolicySpec};
use tagwatch_core::rules::{self, RuleGroup, RuleMeta};
use tagwatch_core::workload::{Origin, Workload};

use crate::support::{PodSpec, workload};

/// What an example violates: in the recommended profile, or, where the rule is off there, of the rule alone.
fn violations(meta: &RuleMeta, example: &str) -> Vec<Finding> {
    let spec: PodSpec = serde_saphyr::from_str(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
    let image_pull_secrets = !spec.image_pull_secrets.is_empty();
    let mut containers: Vec<_> = spec.located().into_iter().map(|located| located.container).collect();
    if meta.group == RuleGroup::ImageDrift {
        let drift = crate::drift::of_example(example).map(std::sync::Arc::new);
        for container in &mut containers {
            container.drift.clone_from(&drift);
        }
    }
    assert!(!containers.is_empty(), "no container in\n{example}");
    let engine = if meta.enabled {
        Engine::recommended()
    } else {
        let rules = rules::all().map(|rule| {
            (rule.id.to_owned(), RuleSpec { enabled: Some(rule == meta), ..RuleSpec::default() })
        });
        let spec = TagPolicySpec { rules: rules.collect(), ..TagPolicySpec::default() };
        Engine::new(tagwatch_core::policy::Policy::compile(&spec).expect("a valid policy"))
    };
    let workload = Workload { image_pull_secrets, ..workload(Origin::Manifest, containers) };
    let verdicts = engine.judge(&workload);
    verdicts
        .into_iter()
        .flat_map(|verdict| verdict.findings)
        .filter(|finding| finding.outcome != Outcome::Pass)
        .collect()
}

/// A tag rule's example violates nothing else. What is wrong with a pull policy is a tag that moves, so there
/// the tag's own rule may speak beside it.
#[test]
fn each_bad_example_violates_its_rule() {
    for meta in rules::all() {
        let found = violations(meta, meta.bad);
        let of_policy: Vec<&str> = found
            .iter()
            .filter(|finding| finding.rule.group == meta.group)
            .map(|finding| finding.rule.id)
            .collect();
        assert_eq!(of_policy, [meta.id]);
        if meta.group == RuleGroup::ImageTag {
            assert_eq!(found.len(), 1, "{}: {found:?}", meta.id);
        }
        let own = found.iter().find(|finding| finding.rule.id == meta.id).expect("found above");
        assert_eq!(own.outcome, meta.outcome, "{}", meta.id);
    }
}

#[test]
fn each_good_example_violates_nothing() {
    for meta in rules::all() {
        assert_eq!(violations(meta, meta.good), [], "{}", meta.id);
    }
}

#[test]
fn ids_are_unique_and_the_registry_groups_policies() {
    let ids: BTreeSet<&str> = rules::all().map(|meta| meta.id).collect();
    assert_eq!(ids.len(), rules::all().count());
    assert!(rules::all().map(|meta| meta.group).is_sorted());
    for policy in RuleGroup::ALL {
        assert!(rules::find(policy.leading_rule()).is_some_and(|rule| rule.group == policy));
    }
}

/// The design's table of the rules (id, policy, severity, result), and whether the recommended profile has them on.
#[test]
fn the_table_lists_every_rule() {
    let table = docs::render_rule_table();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().take(5).collect()).collect();
    assert_eq!(
        rows,
        [
            ["RULE", "POLICY", "SEVERITY", "RESULT", "DEFAULT"],
            ["missing-tag", "image-tag", "high", "fail", "on"],
            ["latest-tag", "image-tag", "high", "fail", "on"],
            ["floating-tag", "image-tag", "medium", "warn", "on"],
            ["unclassified-tag", "image-tag", "low", "warn", "on"],
            ["unpinned-image", "image-tag", "high", "fail", "off"],
            ["invalid-image-reference", "image-tag", "high", "error", "on"],
            ["stale-pull-policy", "image-pull-policy", "critical", "fail", "on"],
            ["pull-policy-never", "image-pull-policy", "high", "fail", "on"],
            ["pull-policy-not-always", "image-pull-policy", "medium", "fail", "off"],
            ["pull-policy-not-allowed", "image-pull-policy", "medium", "fail", "off"],
            ["needless-pull", "image-pull-policy", "info", "warn", "off"],
            ["cached-private-image", "image-pull-policy", "medium", "warn", "off"],
            [
                "kubernetes-image-pull-policy-of-container-is-not-always",
                "image-pull-policy",
                "low",
                "fail",
                "off"
            ],
            ["moved-tag", "image-drift", "high", "fail", "on"],
            ["mixed-digests", "image-drift", "critical", "fail", "on"],
            ["image-pull-failing", "image-drift", "high", "fail", "on"],
            ["outdated-image", "image-drift", "medium", "warn", "off"],
        ]
    );
    for meta in rules::all() {
        assert!(table.contains(meta.summary), "{}", meta.id);
    }
}

#[test]
fn the_markdown_table_links_each_page() {
    let table = docs::render_rule_markdown_table("docs/rules");
    assert_eq!(table.lines().count(), 2 + rules::all().count());
    for meta in rules::all() {
        assert!(table.contains(&format!("| [`{0}`](docs/rules/{0}.md) |", meta.id)));
    }
}

#[test]
fn each_page_holds_all_of_the_documentation() {
    for meta in rules::all() {
        let page = docs::render_rule_markdown(meta);
        for part in [meta.summary, meta.why, meta.bad, meta.good, meta.fix, meta.since, meta.category] {
            assert!(page.contains(part), "{} lacks\n{part}", meta.id);
        }
        assert!(page.starts_with(&format!("# {}\n\n", meta.id)));
        assert!(!page.contains("\n\n\n"), "{page}");
    }
}

#[test]
fn each_explanation_fits_a_terminal() {
    for meta in rules::all() {
        let page = docs::render_rule_text(meta);
        for line in page.lines() {
            // A digest cannot be folded.
            let fits = line.chars().count() <= 80 || line.contains("@sha256:0123");
            assert!(fits, "{} is too wide: {line}", meta.id);
            assert_eq!(line, line.trim_end(), "{}", meta.id);
        }
        for example in meta.bad.lines().chain(meta.good.lines()) {
            assert!(page.contains(&format!("  {example}\n")), "{} lacks {example}", meta.id);
        }
        assert!(page.ends_with('\n') && !page.contains("\n\n\n"), "{page}");
    }
}

#[test]
fn nothing_advises_latest_or_praises_always_as_fresh() {
    for meta in rules::all() {
        let advice = format!("{}{}", meta.good, meta.fix);
        assert!(!advice.contains("latest"), "{}", meta.id);
        if meta.fix.contains("Always") {
            assert!(meta.fix.contains("stopgap") && meta.fix.contains("old digest"), "{}", meta.id);
        }
    }
}

#[test]
fn an_unknown_rule_gets_the_closest_one() {
    let closest = |unknown: &str| rules::closest(unknown).map(|meta| meta.id);
    assert_eq!(closest("latest"), Some("latest-tag"));
    assert_eq!(closest("floatingtag"), Some("floating-tag"));
    assert_eq!(closest("Missing_Tag"), Some("missing-tag"));
    assert_eq!(closest("stale-pul-policy"), Some("stale-pull-policy"));
    assert_eq!(closest("privileged"), None);
    assert_eq!(closest(""), None);
    assert_eq!(closest(&"latest-tag".repeat(1000)), None);
    assert_eq!(rules::find("latest-tag").map(|meta| meta.id), Some("latest-tag"));
    assert_eq!(rules::find("latest"), None);
}
