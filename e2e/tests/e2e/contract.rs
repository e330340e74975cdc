//! What consumers of reports rely on, checked for every report that any test reads or leaves, in each version
//! that was read.
//!
//! policy-reporter takes `resultID` as the key of a result: it drops a second result of a key, and reports a result whose
//! key it knows to no target. Dashboards count `summary`, filter by `source`, `category` and `severity`, and link by
//! `scope`.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use libtest_mimic::Trial;
use serde_json::Value;
use tagwatch_e2e::tagwatch_binary;

use crate::{
    objects::{CLEAN, LATEST, PASSES, deployment, pulled, with_image},
    report::Report,
    runner::shared,
    test_env::TestEnv,
};

/// Who writes our reports, in `metadata.managedFields`. What others have edited is theirs to answer for.
const MANAGER: &str = "tagwatch";
const OUTCOMES: [&str; 5] = ["pass", "fail", "warn", "error", "skip"];
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

pub(crate) fn tests() -> Vec<Trial> {
    vec![shared(a_result_that_turns_has_another_key_and_a_later_time)]
}

/// The category of each rule, as `tagwatch rules` says it.
fn categories() -> Result<&'static BTreeMap<String, String>> {
    static CATEGORIES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    if let Some(known) = CATEGORIES.get() {
        return Ok(known);
    }
    let output = Command::new(tagwatch_binary()?).args(["rules", "-o", "json"]).output()?;
    let listed: Value = serde_json::from_slice(&output.stdout).context("`tagwatch rules -o json`")?;
    let listed = listed["rules"].as_array().context("no rules")?.iter();
    let known = listed.map(|rule| Ok((text(rule, "id")?.to_owned(), text(rule, "category")?.to_owned())));
    let known = known.collect::<Result<_>>()?;
    Ok(CATEGORIES.get_or_init(|| known))
}

/// The versions of reports that a test has read, in the order in which it read them.
#[derive(Default)]
pub(crate) struct Versions {
    known: BTreeSet<(String, String)>,
    reports: Vec<Report>,
}

impl Versions {
    pub(crate) fn add(&mut self, reports: &[Report]) {
        for report in reports {
            if self.known.insert((report.uid(), report.version())) {
                self.reports.push(report.clone());
            }
        }
    }

    /// Checks each version of our reports, and each with the one before it. Returns how many results have turned.
    ///
    /// # Errors
    /// A consumer could not rely on one; the error names it.
    pub(crate) fn keep_the_contract(&self) -> Result<usize> {
        let mut turned = 0;
        let mut before: BTreeMap<String, &Report> = BTreeMap::new();
        let mut workloads: BTreeMap<&str, [&Value; 3]> = BTreeMap::new();
        for report in &self.reports {
            if !is_written_by_us(report) {
                before.remove(&report.uid());
                continue;
            }
            alone(report).with_context(|| format!("{}: {}", report.name(), report.0.data))?;
            let workload = ["namespace", "kind", "name"].map(|field| &report.scope()[field]);
            for result in report.results() {
                let (id, other) = (id(result)?, workloads.insert(id(result)?, workload));
                ensure!(
                    other.is_none_or(|other| other == workload),
                    "{id} is of {other:?} and of {workload:?}"
                );
            }
            if let Some(earlier) = before.insert(report.uid(), report) {
                turned += beside(earlier, report).with_context(|| {
                    format!("{}: {} after {}", report.name(), report.0.data, earlier.0.data)
                })?;
            }
        }
        Ok(turned)
    }
}

fn is_written_by_us(report: &Report) -> bool {
    let managers = report.0.managed_fields();
    report.is_ours()
        && !managers.is_empty()
        && managers.iter().all(|entry| entry.manager.as_deref() == Some(MANAGER))
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().filter(|text| !text.is_empty()).with_context(|| format!("no {field}: {value}"))
}

fn id(result: &Value) -> Result<&str> {
    text(&result["properties"], "resultID")
}

/// What one version holds.
fn alone(report: &Report) -> Result<()> {
    for field in ["apiVersion", "kind", "namespace", "name", "uid"] {
        text(report.scope(), field)?;
    }
    ensure!(report.scope()["namespace"] == report.0.namespace().unwrap_or_default(), "a scope elsewhere");
    let mut ids = BTreeSet::new();
    let mut counts = BTreeMap::from(OUTCOMES.map(|outcome| (outcome, 0_u64)));
    for result in report.results() {
        ensure!(text(result, "source")? == "tagwatch", "source: {result}");
        let (severity, rule) = (text(result, "severity")?, text(result, "rule")?);
        ensure!(SEVERITIES.contains(&severity), "severity: {result}");
        // That of a finding may be another one than the rule's: rules weigh what they find, and policies weigh rules.
        ensure!(text(result, "result")? != "pass" || severity == "info", "severity of what passes: {result}");
        let category = categories()?.get(rule).with_context(|| format!("no rule {rule}"))?;
        ensure!(text(result, "category")? == category, "category: {result}");
        for field in ["policy", "rule", "category", "message"] {
            text(result, field)?;
        }
        let id = id(result)?;
        ensure!(id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "resultID: {id}");
        ensure!(ids.insert(id), "two results of the key {id}");
        let seconds = result["timestamp"]["seconds"].as_i64().context("no timestamp")?;
        ensure!(seconds > 0 && result["timestamp"]["nanos"].is_i64(), "timestamp: {result}");
        let outcome = text(result, "result")?;
        *counts.get_mut(outcome).with_context(|| format!("result: {outcome}"))? += 1;
    }
    let summary = report.summary().as_object().context("no summary")?;
    ensure!(summary.len() == counts.len(), "a summary with other counters: {summary:?}");
    for (outcome, count) in counts {
        ensure!(
            summary.get(outcome) == Some(&count.into()),
            "{count} results {outcome}, in the summary {summary:?}"
        );
    }
    Ok(())
}

/// A result turns where its policy, rule, container and place in the object stay. A workload whose template is found where
/// only its pods were known before has other places.
type Subject = [String; 5];

/// The results of each container and rule. There are several where pods run several images.
fn by_subject(report: &Report) -> BTreeMap<Subject, Vec<&Value>> {
    let mut all: BTreeMap<Subject, Vec<&Value>> = BTreeMap::new();
    for result in report.results() {
        let properties = &result["properties"];
        let subject = [
            &result["policy"],
            &result["rule"],
            &properties["containerType"],
            &properties["container"],
            &properties["fieldPath"],
        ];
        all.entry(subject.map(Value::to_string)).or_default().push(result);
    }
    all
}

/// What two versions, one after the other, hold: how many results have turned.
fn beside(earlier: &Report, later: &Report) -> Result<usize> {
    let (before, mut turned) = (by_subject(earlier), 0);
    let seconds = |result: &Value| result["timestamp"]["seconds"].as_i64();
    for (subject, results) in by_subject(later) {
        let (Some([old]), [new]) = (before.get(&subject).map(Vec::as_slice), results.as_slice()) else {
            continue;
        };
        if old["result"] == new["result"] {
            // An older time may come back with a report that could not be read before.
            ensure!(seconds(new) <= seconds(old), "{subject:?} has not turned, but its time has moved");
        } else {
            ensure!(id(old)? != id(new)?, "{subject:?} has turned and kept its key");
            ensure!(seconds(new) >= seconds(old), "{subject:?} has turned, and its time went back");
            turned += 1;
        }
    }
    Ok(turned)
}

async fn a_result_that_turns_has_another_key_and_a_later_time(env: &TestEnv) -> Result<()> {
    let fails = ["web latest-tag fail", "web stale-pull-policy fail"];
    let tagwatch = env.tagwatch().await?;
    env.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let failing = env.reported("Deployment", "web", &fails).await?;
    let began = failing.first_seen()?["web stale-pull-policy fail"];
    // Times are whole seconds: the change is in another one than the beginning.
    env.clock_is_past(began).await?;
    env.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    let passing = env.reported("Deployment", "web", &PASSES).await?;
    ensure!(passing.first_seen()?["web stale-pull-policy pass"] > began, "the time has not moved");
    ensure!(
        failing.key_of("stale-pull-policy")? != passing.key_of("stale-pull-policy")?,
        "the key is the same"
    );
    ensure!(env.versions().keep_the_contract()? > 0, "no result has turned");
    tagwatch.end().await
}
