//! A Prometheus that scrapes the demo's tagwatch, and what the dashboards ask of it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tagwatch_e2e::{
    TagwatchProcess, eventually,
    monitoring::{Panel, Prometheus, Query, panels, scrape_config},
};
use tagwatch_monitoring::{Console, FIRST_EVALUATION, dashboard_files, rule_group_yaml};

use crate::screen;

const LIMIT: Duration = Duration::from_secs(30);
/// The panels to be shown, by their headings.
const SHOWN: [&str; 6] = [
    "Score",
    "All violations by severity",
    "Violations by rule",
    "Violations by namespace",
    "Images by class",
    "Workloads in violation, longest first",
];
/// More series than this are counted and not named.
const NAMED: usize = 10;

/// Starts a Prometheus where there is one, and shows what the dashboards ask. Downloads nothing.
pub(crate) async fn show(tagwatch: &TagwatchProcess) -> Result<Option<Prometheus>> {
    screen::step("Prometheus, with the queries of the dashboards");
    let programs = match Prometheus::installed().await {
        Ok(programs) => programs,
        Err(reason) => {
            screen::outcome(&format!("left out: {reason:#}"));
            return Ok(None);
        }
    };
    let mut config = scrape_config(tagwatch.address());
    config["rule_files"] = json!(["rules.yaml"]);
    let prometheus = Prometheus::start(&programs, &config, &[("rules.yaml", &rule_group_yaml())]).await?;
    prometheus.scrapes().await?;
    screen::outcome(&format!("{} scrapes tagwatch", prometheus.url()));
    let mut all = Vec::new();
    for file in dashboard_files(Console::Unknown) {
        all.extend(panels(&file.json)?);
    }
    for title in SHOWN {
        let panel = all.iter().find(|panel| panel.title == title);
        look(&prometheus, panel.with_context(|| format!("no panel {title:?} in the dashboards"))?).await?;
    }
    alerts(&prometheus).await?;
    Ok(Some(prometheus))
}

/// What the alerts say of what is shown, most of which they wait for before they fire.
async fn alerts(prometheus: &Prometheus) -> Result<()> {
    // A group of alerts that is evaluated before the installation is recorded takes everything for new.
    eventually(LIMIT, "the installation is recorded", async || {
        ensure!(!prometheus.query(FIRST_EVALUATION).await?.is_empty(), "it is not");
        Ok(())
    })
    .await?;
    let rules = prometheus.rules_evaluated_since(Timestamp::now()).await?;
    let alerts: Vec<&Value> = rules.iter().filter(|rule| rule["type"] == "alerting").collect();
    let begun = alerts.iter().filter(|rule| rule["state"] != "inactive");
    let names: Vec<&str> = begun.filter_map(|rule| rule["name"].as_str()).collect();
    let value = format!("{} loaded, {} pending or firing", alerts.len(), names.len());
    let which = match names.as_slice() {
        [] => "in the first week, none fires for what was there before".to_owned(),
        names => names.join(", "),
    };
    screen::look("Alerts", &value, &[&which, &prometheus.alerts_link().await?]);
    Ok(())
}

async fn look(prometheus: &Prometheus, panel: &Panel) -> Result<()> {
    let queries: Vec<String> = panel.queries.iter().map(Query::short).collect();
    let mut values = Vec::new();
    for (query, expression) in panel.queries.iter().zip(&queries) {
        let series = eventually(LIMIT, &panel.title, async || {
            let series = prometheus.query(expression).await?;
            ensure!(!series.is_empty(), "no data: {expression}");
            Ok(series)
        })
        .await?;
        values.push(match &series[..] {
            [one] if panel.queries.len() == 1 => value(one, &panel.unit)?,
            all if query.legend.is_empty() || all.len() > NAMED => format!("{} series", all.len()),
            all => named(all, &query.legend, &panel.unit)?,
        });
    }
    // Rows of a table have a column for each query.
    values.dedup();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    let link = prometheus.link(&queries).await?;
    // What follows is about the panel in Grafana.
    let description = panel.description.split(['.', ';']).next().unwrap_or_default();
    screen::look(&panel.title, &values.join(", "), &[description, &link]);
    Ok(())
}

/// Each series by its name in the legend, the largest first.
fn named(series: &[Value], legend: &str, unit: &str) -> Result<String> {
    let mut texts = Vec::new();
    for one in series {
        let labels = one["metric"].as_object().into_iter().flatten();
        let filled = labels.fold(legend.to_owned(), |text, (label, value)| {
            text.replace(&format!("{{{{{label}}}}}"), value.as_str().unwrap_or_default())
        });
        // A label that the series does not have is empty in a legend.
        let name: Vec<&str> = filled.split_whitespace().filter(|word| !word.starts_with("{{")).collect();
        texts.push((number(one)?, format!("{} {}", name.join(" "), value(one, unit)?)));
    }
    texts.sort_by(|(a, name), (b, other)| b.total_cmp(a).then_with(|| name.cmp(other)));
    let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
    Ok(texts.join(", "))
}

fn value(series: &Value, unit: &str) -> Result<String> {
    let number = number(series)?;
    Ok(if unit == "percentunit" { format!("{:.0} %", 100.0 * number) } else { number.to_string() })
}

fn number(series: &Value) -> Result<f64> {
    Ok(series["value"][1].as_str().context("a series without a value")?.parse()?)
}
