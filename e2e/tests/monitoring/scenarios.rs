//! How many notifications the first days, quiet weeks and a bad hour bring, in simulated time. docs/monitoring.md says the
//! numbers.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::checkout;

use crate::{programs, runner::test};

/// Namespaces of the simulated cluster. Each has a workload with a critical and a high violation, and one with a warning.
pub(crate) const NAMESPACES: usize = 20;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(first_day),
        test(eighth_day),
        test(quiet_week),
        test(quiet_week_with_a_backlog),
        test(bad_hour),
        test(what_fires_twice_notifies_twice),
    ]
}

/// A finding, and when it begins and ends: seconds of simulated time, which begins at 0.
#[derive(Clone)]
struct Finding {
    namespace: String,
    workload: String,
    rule: &'static str,
    severity: &'static str,
    is_warning: bool,
    since: i64,
    until: Option<i64>,
}

impl Finding {
    fn new(namespace: &str, workload: &str, rule: &'static str, severity: &'static str, since: i64) -> Self {
        let (namespace, workload) = (namespace.to_owned(), workload.to_owned());
        Self { namespace, workload, rule, severity, is_warning: false, since, until: None }
    }

    fn warning(self) -> Self {
        Self { is_warning: true, ..self }
    }

    fn until(self, until: i64) -> Self {
        Self { until: Some(until), ..self }
    }

    fn is_there(&self, time: i64) -> bool {
        self.since <= time && self.until.is_none_or(|until| time < until)
    }
}

/// The value of a series at a time; none where it is not there.
type Values = Box<dyn Fn(i64) -> Option<i64>>;

/// What is scraped of a cluster while time passes.
struct Simulation {
    /// Seconds between two scrapes, which are evaluations too.
    step: i64,
    end: i64,
    /// When tagwatch begins to be scraped.
    installed: i64,
    findings: Vec<Finding>,
    /// Further series with their values over time.
    further: Vec<(String, Values)>,
}

impl Simulation {
    fn new(step: i64, end: i64, installed: i64, findings: Vec<Finding>) -> Self {
        let mut simulation = Self { step, end, installed, findings, further: Vec::new() };
        simulation.add("tagwatch_build_info{version=\"0.1.0\"}", |_| Some(1));
        simulation.add("tagwatch_policy_valid", |_| Some(1));
        simulation.add("tagwatch_metrics_series_over_cap", |_| Some(0));
        simulation.add("tagwatch_queue_oldest_age_seconds", |_| Some(0));
        simulation.add("tagwatch_reconcile_panics_total", |_| Some(0));
        simulation
    }

    fn add(&mut self, series: &str, value: impl Fn(i64) -> Option<i64> + 'static) {
        self.further.push((series.to_owned(), Box::new(value)));
    }

    /// A full evaluation every ten minutes, the first one long ago where tagwatch was installed before.
    fn evaluated(&mut self, first: i64) {
        let installed = self.installed;
        self.add("tagwatch_last_full_evaluation_timestamp_seconds", move |time| {
            Some(if time == installed { first } else { time - time % (10 * MINUTE) })
        });
    }

    /// The series of promtool; blanks are gaps.
    fn series(&self) -> Vec<Value> {
        let mut sums: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let times: Vec<i64> = (0..=self.end / self.step).map(|step| step * self.step).collect();
        let mut all = Vec::new();
        let mut written = |name: String, value: &dyn Fn(i64) -> Option<i64>| {
            let text = |&time: &i64| match value(time).filter(|_| time >= self.installed) {
                Some(value) => value.to_string(),
                // A series that is no longer scraped ends at once.
                None => "stale".to_owned(),
            };
            let values: Vec<String> = times.iter().map(text).collect();
            all.push(json!({ "series": name, "values": values.join(" ") }));
        };
        for finding in &self.findings {
            let Finding { namespace, workload, rule, severity, is_warning, since, .. } = finding;
            let (class, result) =
                if *is_warning { ("warning", "") } else { ("violation", ", result=\"fail\"") };
            let own = format!("rule=\"{rule}\", severity=\"{severity}\"{result}");
            let labels =
                format!("namespace=\"{namespace}\", kind=\"Deployment\", workload=\"{workload}\", {own}");
            let there = |time: i64| finding.is_there(time);
            written(format!("tagwatch_workload_{class}s{{{labels}}}"), &|time| there(time).then_some(1));
            written(format!("tagwatch_workload_{class}_start_time_seconds{{{labels}}}"), &|time| {
                there(time).then_some(*since)
            });
            let sum = format!("tagwatch_{class}s{{namespace=\"{namespace}\", policy=\"p\", {own}}}");
            let counts = sums.entry(sum).or_insert_with(|| vec![0; times.len()]);
            let moves = rule.ends_with("-tag") && *rule != "moved-tag";
            let of_rule = if moves { *rule } else { "" };
            let counts_of_moving =
                format!("tagwatch_moving_images{{namespace=\"{namespace}\", rule=\"{of_rule}\"}}");
            for (count, time) in counts.iter_mut().zip(&times) {
                *count += i64::from(there(*time));
            }
            let moving = sums.entry(counts_of_moving).or_insert_with(|| vec![0; times.len()]);
            for (count, time) in moving.iter_mut().zip(&times) {
                *count += i64::from(moves && there(*time));
            }
        }
        for (name, counts) in &sums {
            let always = name.starts_with("tagwatch_moving");
            let at = |time: i64| usize::try_from(time / self.step).ok().and_then(|place| counts.get(place));
            written(name.clone(), &|time| at(time).copied().filter(|count| always || *count > 0));
        }
        for (name, value) in &self.further {
            written(name.clone(), value);
        }
        all
    }

    /// Runs it, and counts notifications. Alertmanager groups by alert and namespace here, and sends one for the alerts of a
    /// group that begin together: each moment in which some begin counts, so what fires, resolves and fires again counts
    /// twice.
    async fn notifies(&self, expected: &[(&str, &str)]) -> Result<()> {
        let mut counts: BTreeMap<&(&str, &str), usize> = BTreeMap::new();
        for group in expected {
            *counts.entry(group).or_default() += 1;
        }
        let groups: Vec<Value> = counts
            .into_iter()
            .map(|((alert, namespace), count)| {
                let labels = format!("{{alertname=\"{alert}\", namespace=\"{namespace}\"}}");
                json!({ "labels": labels, "value": count })
            })
            .collect();
        let step = self.step;
        let firing = "ALERTS{alertstate=\"firing\"}";
        let begun = format!("group by (alertname, namespace) ({firing} unless {firing} offset {step}s)");
        let test = json!({
            "interval": format!("{step}s"),
            "input_series": self.series(),
            "promql_expr_test": [{
                "expr": format!("count_over_time(({begun})[{}s:{step}s])", self.end + step),
                "eval_time": format!("{}s", self.end),
                "exp_samples": groups,
            }],
        });
        programs::rules_hold(&format!("{step}s"), &[test]).await
    }
}

/// Whether docs/monitoring.md says this number of a simulated time.
pub(crate) fn documented(title: &str, notifications: usize) -> Result<()> {
    let page = fs::read_to_string(checkout().join("docs/monitoring.md"))?;
    let row = page.lines().find(|line| line.starts_with(&format!("| {title} |"))).context("no row")?;
    ensure!(row.ends_with(&format!("| {notifications} |")), "{row}: {notifications}");
    Ok(())
}

pub(crate) fn namespace(number: usize) -> String {
    format!("ns-{number:02}")
}

/// What tagwatch finds in a cluster that never had it: a hundred findings and more.
fn backlog(since: i64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in (0..NAMESPACES).map(namespace).chain(["production".to_owned()]) {
        for workload in ["web", "worker"] {
            findings.push(Finding::new(&name, workload, "stale-pull-policy", "critical", since));
            findings.push(Finding::new(&name, workload, "latest-tag", "high", since));
        }
        findings.push(Finding::new(&name, "cache", "floating-tag", "medium", since).warning());
    }
    for workload in 0..30 {
        findings.push(Finding::new("legacy", &format!("job-{workload}"), "latest-tag", "high", since));
    }
    findings.push(Finding::new("ns-03", "api", "mixed-digests", "critical", since + 20 * MINUTE));
    findings
}

async fn first_day() -> Result<()> {
    let installed = 10 * MINUTE;
    let mut findings = backlog(installed + 30);
    findings.extend([
        // A new deployment, fixed an hour later.
        Finding::new("ns-05", "new", "stale-pull-policy", "critical", 6 * HOUR).until(7 * HOUR),
        // One that is fixed within ten minutes.
        Finding::new("ns-06", "new", "stale-pull-policy", "critical", 6 * HOUR).until(6 * HOUR + 10 * MINUTE),
        // A new image in production, which stays.
        Finding::new("production", "shop", "latest-tag", "high", 9 * HOUR),
        // An image that is not there.
        Finding::new("ns-07", "web", "image-pull-failing", "high", 12 * HOUR).until(12 * HOUR + 20 * MINUTE),
    ]);
    let mut day = Simulation::new(MINUTE, DAY, installed, findings);
    day.evaluated(installed + MINUTE);
    let expected = [
        ("TagwatchCriticalViolation", "ns-05"),
        ("TagwatchFloatingImageInProtectedNamespace", "production"),
        ("TagwatchImagePullFailing", "ns-07"),
    ];
    day.notifies(&expected).await?;
    documented("A first day", expected.len())
}

/// When the grace period ends, the backlog of all namespaces is one notification.
async fn eighth_day() -> Result<()> {
    let installed = 10 * MINUTE;
    let mut findings = backlog(installed + 30);
    // A new deployment, which stays.
    findings.push(Finding::new("ns-05", "new", "stale-pull-policy", "critical", 7 * DAY + 6 * HOUR));
    let mut days = Simulation::new(10 * MINUTE, 8 * DAY, installed, findings);
    days.evaluated(installed + MINUTE);
    let expected = [("TagwatchBacklog", "tagwatch"), ("TagwatchCriticalViolation", "ns-05")];
    days.notifies(&expected).await?;
    documented("The eighth day", expected.len())
}

/// What a team that has fixed everything still has: warnings.
fn warnings() -> Vec<Finding> {
    let warning = |number| Finding::new(&namespace(number), "cache", "floating-tag", "medium", -40 * DAY);
    (0..NAMESPACES).map(|number| warning(number).warning()).collect()
}

async fn quiet_week() -> Result<()> {
    let expected = [("TagwatchViolationOverdue", "ns-01"), ("TagwatchExemptionExpiring", "tagwatch")];
    week(warnings()).notifies(&expected).await?;
    documented("A quiet week", expected.len())
}

async fn quiet_week_with_a_backlog() -> Result<()> {
    let expected = [
        ("TagwatchViolationOverdue", "ns-01"),
        ("TagwatchExemptionExpiring", "tagwatch"),
        ("TagwatchBacklog", "tagwatch"),
    ];
    week(backlog(-41 * DAY)).notifies(&expected).await?;
    documented("A quiet week with a backlog", expected.len())
}

/// A week, 40 days after the installation.
fn week(mut findings: Vec<Finding>) -> Simulation {
    findings.extend([
        // Three days old when the week begins, and left: overdue after seven.
        Finding::new("ns-01", "shop", "latest-tag", "high", -3 * DAY),
        // Deployments with a mistake that their authors see by themselves.
        Finding::new("ns-02", "shop", "stale-pull-policy", "critical", DAY).until(DAY + 10 * MINUTE),
        Finding::new("ns-03", "shop", "latest-tag", "high", 2 * DAY).until(2 * DAY + 5 * HOUR),
    ]);
    let mut week = Simulation::new(5 * MINUTE, 7 * DAY, 0, findings);
    week.evaluated(-40 * DAY);
    week.add("tagwatch_exemption_expiry_timestamp_seconds{source=\"policy\", index=\"0\"}", |_| {
        Some(9 * DAY)
    });
    // An upgrade of the API server: every watch breaks once a day, and a write fails.
    week.add("tagwatch_watch_errors_total{resource=\"pods\", reason=\"network\"}", |time| Some(time / DAY));
    week.add("tagwatch_report_writes_total{verb=\"update\", outcome=\"failed\"}", |time| Some(time / DAY));
    week
}

async fn bad_hour() -> Result<()> {
    let start = 2 * HOUR;
    let mut findings = warnings();
    // A registry is down for 40 minutes: 30 workloads of six namespaces cannot pull.
    for workload in 0..30 {
        let (namespace, workload) = (namespace(10 + workload % 6), format!("web-{workload}"));
        let finding = Finding::new(&namespace, &workload, "image-pull-failing", "high", start);
        findings.push(finding.until(start + 40 * MINUTE));
    }
    // A tag was pushed again.
    for workload in 0..4 {
        findings.push(Finding::new("ns-01", &format!("web-{workload}"), "moved-tag", "high", start));
    }
    findings.push(Finding::new("ns-01", "web-0", "mixed-digests", "critical", start + 15 * MINUTE));
    // A pipeline deploys eight workloads without tags.
    for workload in 0..8 {
        findings.push(Finding::new("ns-02", &format!("new-{workload}"), "missing-tag", "high", start));
    }
    for workload in 0..3 {
        findings.push(Finding::new(
            "ns-02",
            &format!("new-{workload}"),
            "stale-pull-policy",
            "critical",
            start,
        ));
    }
    let mut hours = Simulation::new(MINUTE, start + HOUR, 0, findings);
    hours.evaluated(-40 * DAY);
    // The API server is down for half an hour.
    let since = move |time: i64| (time - start).clamp(0, 30 * MINUTE) / MINUTE;
    for resource in ["pods", "jobs", "deployments"] {
        let series = format!("tagwatch_watch_errors_total{{resource=\"{resource}\", reason=\"network\"}}");
        hours.add(&series, move |time| Some(2 * since(time)));
    }
    hours.add("tagwatch_report_writes_total{verb=\"update\", outcome=\"failed\"}", move |time| {
        Some(since(time))
    });
    let mut expected: Vec<(String, String)> =
        (10..16).map(|number| ("TagwatchImagePullFailing".to_owned(), namespace(number))).collect();
    for (alert, namespace) in [
        ("TagwatchTagMoved", "ns-01"),
        ("TagwatchMixedDigests", "ns-01"),
        ("TagwatchViolationsRising", "ns-02"),
        ("TagwatchCriticalViolation", "ns-02"),
        ("TagwatchWatchFailing", "tagwatch"),
        ("TagwatchReportsNotWritten", "tagwatch"),
    ] {
        expected.push((alert.to_owned(), namespace.to_owned()));
    }
    let pairs: Vec<(&str, &str)> =
        expected.iter().map(|(alert, namespace)| (alert.as_str(), namespace.as_str())).collect();
    hours.notifies(&pairs).await?;
    documented("A bad hour", expected.len())
}

/// A mistake that is fixed and made again. Two findings of a group that begin together are one notification.
async fn what_fires_twice_notifies_twice() -> Result<()> {
    let mistake = |workload: &str, hour: i64| {
        let finding = Finding::new("ns-01", workload, "stale-pull-policy", "critical", hour * HOUR);
        finding.until(hour * HOUR + HOUR)
    };
    let findings = [mistake("web", 2), mistake("worker", 2), mistake("web", 4)];
    let mut hours = Simulation::new(MINUTE, 6 * HOUR, 0, findings.to_vec());
    hours.evaluated(-40 * DAY);
    hours.notifies(&[("TagwatchCriticalViolation", "ns-01"); 2]).await
}
