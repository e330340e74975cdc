//! The literate fixtures: `verdicts` holds what the recommended profile says of every class and every pull policy,
//! `rules` what the rules say that are off in it, `profiles` what the other profiles say of their own examples.

use std::collections::BTreeSet;
use std::path::Path;

use tagwatch_core::engine::Engine;
use tagwatch_core::finding::Verdict;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::{Policy, RuleSpec, TagPolicySpec};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::{self, RuleGroup};
use tagwatch_core::tag::{Confidence, TagClass};

use crate::fixture::{Case, Field, Fixture};
use crate::support::workload;

/// The fixtures of the recommended profile.
fn fixtures() -> Vec<Fixture> {
    fixtures_in("verdicts")
}

fn fixtures_in(folder: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("fixtures")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| Fixture::parse(path)).collect()
}

fn judge(fixture: &Fixture) -> Vec<Verdict> {
    let containers = fixture.cases.iter().map(|case| case.located.container.clone()).collect();
    let mut workload = workload(fixture.origin, containers);
    workload.image_pull_secrets = fixture.image_pull_secrets;
    engine(fixture).judge(&workload)
}

fn every_case(folders: &[&str], mut check: impl FnMut(&str, &Case, &Verdict)) {
    for fixture in folders.iter().flat_map(|folder| fixtures_in(folder)) {
        let verdicts = judge(&fixture);
        assert_eq!(verdicts.len(), fixture.cases.len(), "{}", fixture.name);
        for (case, verdict) in fixture.cases.iter().zip(&verdicts) {
            check(&format!("{}:{}", fixture.name, case.located.line), case, verdict);
        }
    }
}

#[test]
fn each_container_gets_what_its_fixture_says() {
    let mut wrong = Vec::new();
    every_case(&["verdicts", "rules", "profiles"], |at, case, verdict| {
        let class = verdict.classification.class.as_str();
        let confidence = verdict.classification.confidence.as_str();
        if class != case.class || case.confidence.as_ref().is_some_and(|expected| expected != confidence) {
            wrong.push(format!("{at}: class is {class} ({confidence})"));
        }
        let results = results(verdict);
        if results != case.results {
            wrong.push(format!("{at}: results are {results:?}"));
        }
        wrong.extend(missing_remarks(case, verdict).into_iter().map(|remark| format!("{at}: {remark}")));
    });
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn results(verdict: &Verdict) -> Vec<String> {
    let result = |finding: &tagwatch_core::finding::Finding| {
        format!("{} {} {}", finding.rule.id, finding.outcome.as_str(), finding.severity.as_str())
    };
    let mut results: Vec<String> = verdict.findings.iter().map(result).collect();
    results.sort();
    results
}

fn missing_remarks(case: &Case, verdict: &Verdict) -> Vec<String> {
    let mut missing = Vec::new();
    for remark in &case.remarks {
        let finding = verdict.findings.iter().find(|finding| finding.rule.id == remark.rule);
        let text = finding.map(|finding| match remark.field {
            Field::Message => &finding.message,
            Field::Resolution => &finding.resolution,
        });
        if text.is_none_or(|text| !text.contains(&remark.part)) {
            missing.push(format!("{} has {text:?}, which lacks {:?}", remark.rule, remark.part));
        }
    }
    missing
}

#[test]
fn each_policy_gives_one_result_and_what_does_not_parse_one_in_all() {
    every_case(&["verdicts"], |at, _, verdict| {
        // No drift seen is no result.
        let findings = verdict.findings.iter().map(|finding| finding.rule.group);
        let groups: Vec<RuleGroup> = findings.filter(|group| group.gives_passes()).collect();
        match verdict.reference {
            Ok(_) => assert_eq!(groups, [RuleGroup::ImageTag, RuleGroup::ImagePullPolicy], "{at}"),
            Err(_) => assert_eq!(groups, [RuleGroup::ImageTag], "{at}"),
        }
    });
}

/// A row of the table of verdicts: a class, or the part of a class that has cells of its own.
type Row = (TagClass, Option<Confidence>);

const ROWS: [Row; 10] = [
    (TagClass::Digest, None),
    (TagClass::ProvenMutable, None),
    (TagClass::DeclaredImmutable, None),
    (TagClass::ImplicitLatest, None),
    (TagClass::Latest, None),
    (TagClass::Unique, None),
    (TagClass::Version, None),
    (TagClass::Floating, Some(Confidence::Pattern)),
    (TagClass::Floating, Some(Confidence::Unknown)),
    (TagClass::Unclassified, None),
];

#[test]
fn each_cell_of_the_table_and_each_rule_has_a_fixture() {
    let mut cells: BTreeSet<(Row, PullPolicy)> = BTreeSet::new();
    let mut invalid = 0;
    let mut fired = BTreeSet::new();
    every_case(&["verdicts", "rules"], |_, _, verdict| {
        let class = verdict.classification.class;
        let confidence = (class == TagClass::Floating).then_some(verdict.classification.confidence);
        cells.insert(((class, confidence), verdict.effective_pull_policy));
        invalid += usize::from(class == TagClass::Invalid);
        for finding in verdict.findings.iter().filter(|finding| finding.outcome != Outcome::Pass) {
            fired.insert((finding.rule.id, finding.outcome, finding.severity));
        }
    });
    for row in ROWS {
        for policy in PullPolicy::ALL {
            assert!(cells.contains(&(row, policy)), "no fixture for {row:?} with {policy:?}");
        }
    }
    assert!(invalid > 0, "no fixture for an invalid reference");
    for meta in rules::all() {
        let worst = fired.iter().filter(|(id, ..)| *id == meta.id).map(|&(.., severity)| severity).min();
        assert_eq!(worst, Some(meta.severity), "{}: the most severe finding of the fixtures", meta.id);
        let usual = fired.iter().any(|&(id, outcome, _)| id == meta.id && outcome == meta.outcome);
        assert!(usual, "{}: no fixture with its usual outcome", meta.id);
    }
}

#[test]
fn an_image_read_once_gives_the_same_verdicts() {
    for fixture in fixtures() {
        let containers = fixture.cases.iter().map(|case| case.located.container.clone()).collect();
        let workload = workload(fixture.origin, containers);
        let engine = engine(&fixture);
        let mut read = std::collections::BTreeMap::new();
        let memoised = engine.assess(&workload, |image| {
            read.entry(image.to_owned()).or_insert_with(|| engine.read_image(image)).clone()
        });
        let memoised = memoised.verdicts;
        assert_eq!(format!("{memoised:?}"), format!("{:?}", engine.judge(&workload)), "{}", fixture.name);
    }
}

fn engine(fixture: &Fixture) -> Engine {
    let spec = TagPolicySpec {
        profile: Some(fixture.profile.to_string()),
        rules: fixture
            .on
            .iter()
            .map(|id| (id.clone(), RuleSpec::default()))
            .chain(fixture.policy.rules.clone())
            .collect(),
        immutable: fixture.immutable.clone(),
        ..fixture.policy.clone()
    };
    Engine::new(Policy::compile(&spec).expect("a valid policy"))
}
