//! What panels say by value, in simulated time. All cases run in one promtool.

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::monitoring::{Query, panels};

use crate::{programs, queries::dashboards, runner::test, starting::series};

/// Seconds between two scrapes: `$__interval` of the queries.
const STEP: u32 = 10;
/// The time of each look.
const NOW: u32 = 6_000;
const STEPS: u32 = NOW / STEP;

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(panels_show_these_values)]
}

/// A panel with all values of the variables, unless one is chosen.
struct Shown {
    dashboard: &'static str,
    panel: &'static str,
    chosen: Option<(&'static str, &'static str)>,
}

impl Shown {
    fn new(dashboard: &'static str, panel: &'static str) -> Self {
        Self { dashboard, panel, chosen: None }
    }

    fn with(self, variable: &'static str, value: &'static str) -> Self {
        Self { chosen: Some((variable, value)), ..self }
    }

    fn queries(&self) -> Result<Vec<Query>> {
        let of =
            dashboards()?.into_iter().find(|(file, _)| file.ends_with(&format!("{}.json", self.dashboard)));
        let panels = panels(&of.context(self.dashboard)?.1)?;
        let mut queries = panels.into_iter().find(|one| one.title == self.panel).context(self.panel)?.queries;
        if let Some((variable, value)) = self.chosen {
            for Query { expression, .. } in &mut queries {
                *expression =
                    expression.replace(&format!("{variable}=~\".*\""), &format!("{variable}=~\"{value}\""));
            }
        }
        Ok(queries)
    }

    /// Each query of the panel with the samples of its result: labels and value.
    fn says(&self, answers: &[&[(&str, f64)]]) -> Result<Vec<Value>> {
        let queries = self.queries()?;
        assert_eq!(queries.len(), answers.len(), "{}", self.panel);
        let sample = |(labels, value): &(&str, f64)| json!({ "labels": labels, "value": value });
        let look = |(query, samples): (&Query, &&[(&str, f64)])| {
            let samples: Vec<Value> = samples.iter().map(sample).collect();
            json!({ "expr": query.expression, "eval_time": format!("{NOW}s"), "exp_samples": samples })
        };
        Ok(queries.iter().zip(answers).map(look).collect())
    }
}

/// A series that has this value all the time.
fn always(name: &str, value: impl std::fmt::Display) -> Value {
    series(name, &format!("{value}x{STEPS}"))
}

/// A series that ends with the step of the look.
fn ends(name: &str) -> Value {
    series(name, &format!("1x{} stale", STEPS - 1))
}

/// A series that begins in the step of the look.
fn begins(name: &str) -> Value {
    series(name, &format!("_x{STEPS} 1"))
}

fn evaluated() -> Value {
    always("tagwatch_last_full_evaluation_timestamp_seconds", 0)
}

fn case(series: &[Value], looks: &[Vec<Value>]) -> Value {
    json!({ "interval": format!("{STEP}s"), "input_series": series, "promql_expr_test": looks.concat() })
}

/// The age is that of the cluster where it is longest, whichever replica or job is scraped.
fn stalest_cluster() -> Result<Value> {
    let last = "tagwatch_last_full_evaluation_timestamp_seconds";
    let scraped = [
        always(&format!("{last}{{cluster=\"east\", job=\"a\"}}"), NOW - 60),
        always(&format!("{last}{{cluster=\"west\", job=\"a\"}}"), NOW - 4_000),
        // Another job's copy of it, a moment older.
        always(&format!("{last}{{cluster=\"west\", job=\"b\"}}"), NOW - 4_100),
    ];
    let panel = || Shown::new("controller", "Last full evaluation");
    let east = panel().with("cluster", "east").says(&[&[("{}", 60.0)]])?;
    Ok(case(&scraped, &[panel().says(&[&[("{}", 4_000.0)]])?, east]))
}

/// Clusters may use the same addresses, and other programs have metrics of these names.
fn processes_of_a_cluster() -> Result<Value> {
    let own = "job=\"tagwatch\", instance=\"10.0.0.1:8080\"";
    let mut scraped = Vec::new();
    for (cluster, value) in [("east", 1), ("west", 2)] {
        scraped
            .push(always(&format!("tagwatch_build_info{{cluster=\"{cluster}\", {own}, version=\"1\"}}"), 1));
        for metric in [
            "scrape_duration_seconds",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_start_time_seconds",
        ] {
            scraped.push(always(&format!("{metric}{{cluster=\"{cluster}\", {own}}}"), value));
            let other = "job=\"node\", instance=\"10.0.0.1:8080\"";
            scraped.push(always(&format!("{metric}{{cluster=\"{cluster}\", {other}}}"), 7));
        }
        let cpu = format!("process_cpu_seconds_total{{cluster=\"{cluster}\", {own}}}");
        scraped.push(series(&cpu, &format!("0+{}x{STEPS}", u32::try_from(value)? * STEP)));
    }
    let (east, west) =
        ("{cluster=\"east\", instance=\"10.0.0.1:8080\"}", "{cluster=\"west\", instance=\"10.0.0.1:8080\"}");
    let mut looks = Vec::new();
    for panel in ["Time of a scrape", "Memory", "CPU", "Open files"] {
        let panel = || Shown::new("controller", panel);
        looks.push(panel().with("cluster", "east").says(&[&[(east, 1.0)]])?);
        looks.push(panel().says(&[&[(east, 1.0), (west, 2.0)]])?);
    }
    let started = Shown::new("controller", "Time since the start").with("cluster", "west");
    looks.push(started.says(&[&[(west, f64::from(NOW) - 2.0)]])?);
    Ok(case(&scraped, &looks))
}

/// A rule that only warns is not violated; one that fails is, at whichever severity, and is counted once.
fn rules_in_violation() -> Result<Value> {
    let mut scraped = vec![evaluated()];
    for rule in ["floating-tag", "latest-tag", "moved-tag", "missing-tag"] {
        scraped.push(always(
            &format!("tagwatch_rule_info{{rule=\"{rule}\", severity=\"high\", state=\"on\"}}"),
            1,
        ));
    }
    scraped.push(always("tagwatch_rule_info{rule=\"needless-pull\", severity=\"info\", state=\"off\"}", 1));
    for (metric, own) in [
        ("warnings", "rule=\"floating-tag\", severity=\"high\""),
        // An override gives it a lower severity than the rule's.
        ("violations", "rule=\"latest-tag\", severity=\"low\", result=\"fail\""),
        ("violations", "rule=\"moved-tag\", severity=\"high\", result=\"fail\""),
        ("violations", "rule=\"moved-tag\", severity=\"high\", result=\"error\""),
        ("warnings", "rule=\"moved-tag\", severity=\"high\""),
    ] {
        for namespace in ["shop", "mail"] {
            scraped.push(always(&format!("tagwatch_{metric}{{namespace=\"{namespace}\", {own}}}"), 3));
        }
    }
    let rules = || Shown::new("issues", "Rules in violation, of all rules");
    let numbers = [2.0, 1.0, 1.0].map(|count| [("{}", count)]);
    let all = rules().says(&numbers.each_ref().map(<[_; 1]>::as_slice))?;
    let low = rules().with("severity", "low").says(&[&[("{}", 1.0)], &[("{}", 0.0)], &[("{}", 3.0)]])?;
    Ok(case(&scraped, &[all, low]))
}

/// Of what nothing is scraped there are none; of a process that has not panicked, no panics.
fn controllers_and_panics() -> Result<[Value; 2]> {
    let (controllers, panics) =
        (|| Shown::new("controller", "Controllers"), || Shown::new("controller", "Panics"));
    let nothing = vec![controllers().says(&[&[("{}", 0.0)]])?, panics().says(&[&[]])?];
    let scraped = [always("tagwatch_build_info{version=\"1\"}", 1)];
    let looks = vec![controllers().says(&[&[("{}", 1.0)]])?, panics().says(&[&[("{}", 0.0)]])?];
    Ok([case(&[], &nothing), case(&scraped, &looks)])
}

fn of_workload(metric: &str, workload: &str, result: &str) -> String {
    format!(
        "tagwatch_workload_{metric}{{namespace=\"shop\", kind=\"Deployment\", workload=\"{workload}\", \
         rule=\"latest-tag\", severity=\"high\", result=\"{result}\"}}"
    )
}

/// One finding begins and two end, in a step in which others stay.
fn opened_and_resolved() -> Result<Value> {
    let scraped = [
        evaluated(),
        begins(&of_workload("violations", "new", "fail")),
        ends(&of_workload("violations", "fixed", "fail")),
        ends(&of_workload("violations", "gone", "fail")),
        always(&of_workload("violations", "old", "fail"), 1),
        // A finding that fails and could not be checked in part is one.
        ends(&of_workload("violations", "mixed", "error")),
        always(&of_workload("violations", "mixed", "fail"), 1),
    ];
    let panel = Shown::new("issues", "Opened and resolved");
    Ok(case(&scraped, &[panel.says(&[&[("{}", 1.0)], &[("{}", 2.0)]])?]))
}

/// Workloads that violate a rule or cannot be checked lower the score; those with warnings do not.
fn score() -> Result<Value> {
    let mut scraped = vec![evaluated()];
    for (status, count) in [("violating", 5), ("error", 1), ("compliant", 12), ("exempt", 2)] {
        for job in ["a", "b"] {
            let labels =
                format!("namespace=\"shop\", kind=\"Deployment\", status=\"{status}\", job=\"{job}\"");
            scraped.push(always(&format!("tagwatch_workloads{{{labels}}}"), count));
        }
    }
    let at = |panel| Shown::new("issues", panel).says(&[&[("{}", 0.7)]]);
    Ok(case(&scraped, &[at("Score over time")?, at("Score")?]))
}

/// The containers of a row are all that are not as they should be, as the alerts count them.
fn containers_of_a_row() -> Result<Value> {
    let mut scraped = Vec::new();
    for (result, count) in [("fail", 3), ("error", 2)] {
        for job in ["a", "b"] {
            let copy =
                |metric: &str| of_workload(metric, "web", result).replace('}', &format!(", job=\"{job}\"}}"));
            scraped.push(always(&copy("violations"), count));
            scraped.push(always(&copy("violation_start_time_seconds"), 1_000 * count));
        }
    }
    let labels =
        "{namespace=\"shop\", kind=\"Deployment\", workload=\"web\", rule=\"latest-tag\", severity=\"high\"}";
    let row: [&[(&str, f64)]; 2] = [&[(labels, f64::from(NOW) - 2_000.0)], &[(labels, 5.0)]];
    let table = |dashboard| Shown::new(dashboard, "Workloads in violation, longest first");
    let none: [&[(&str, f64)]; 2] = [&[], &[]];
    let looks = vec![
        table("issues").says(&row)?,
        table("workload").says(&row)?,
        table("workload").with("workload", "web").says(&row)?,
        table("workload").with("workload", "worker").says(&none)?,
    ];
    Ok(case(&scraped, &looks))
}

async fn panels_show_these_values() -> Result<()> {
    let [nothing, a_process] = controllers_and_panics()?;
    let tests = [
        stalest_cluster()?,
        processes_of_a_cluster()?,
        rules_in_violation()?,
        nothing,
        a_process,
        opened_and_resolved()?,
        score()?,
        containers_of_a_row()?,
    ];
    programs::rules_hold("10m", &tests).await
}
