//! Every query of every panel and variable, against a real Prometheus that scrapes a real tagwatch.

use std::{collections::BTreeMap, fs, io::Write, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use http::StatusCode;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tagwatch_e2e::{
    checkout, eventually, get,
    monitoring::{Panel, Prometheus, Query, filled, panels, scrape_config},
};

use crate::{
    programs::{folder, prometheus, promtool},
    runner::test,
    stage::Stage,
};

const LIMIT: Duration = Duration::from_mins(1);

pub(crate) fn tests() -> Vec<Trial> {
    vec![test(every_query_returns_data)]
}

/// Once as a plain scrape, once with labels of the target, once with two clusters whose two replicas two jobs scrape; and
/// `promtool` accepts the metrics.
async fn every_query_returns_data() -> Result<()> {
    folder().await?;
    let stage = Stage::start(&[]).await?;
    stage.break_the_watches().await?;
    let mut config = scrape_config(stage.tagwatch.address());
    let plain = prometheus(&config, &[]).await?;
    // Labels of a target as the operator of Prometheus attaches them, and a cluster's name.
    config["scrape_configs"][0]["static_configs"][0]["labels"] = json!({
        "cluster": "east", "namespace": "monitoring", "pod": "tagwatch-0", "service": "tagwatch", "node": "worker-1",
    });
    let labelled = prometheus(&config, &[]).await?;
    config["scrape_configs"] = crowded(&stage.tagwatch.address().to_string());
    let crowd = prometheus(&config, &[]).await?;
    for (prometheus, cluster) in [(&plain, false), (&labelled, true), (&crowd, true)] {
        prometheus.scrapes().await?;
        every_panel(prometheus).await?;
        every_variable(prometheus, cluster).await?;
    }
    // The namespaces are those of the workloads, whatever the target is labelled with.
    let namespaces = labelled.label_values("tagwatch_violations", "namespace").await?;
    assert_eq!(namespaces, tagwatch_e2e::samples::NAMESPACES);
    nothing_counts_twice(&plain, &crowd).await?;
    promtool_has_nothing_against(&stage.tagwatch.metrics().await?).await?;
    plain.end().await?;
    labelled.end().await?;
    crowd.end().await?;
    stage.end().await
}

/// Two scrape jobs, each of which scrapes both replicas of both clusters.
fn crowded(address: &str) -> Value {
    let target = |cluster: &str, pod: &str| json!({ "targets": [address], "labels": { "cluster": cluster, "namespace": "monitoring", "pod": pod } });
    let job = |name: &str, further: &[&str]| {
        let targets: Vec<Value> = ["east", "west"]
            .into_iter()
            .flat_map(|cluster| ["tagwatch-0", "tagwatch-1"].map(|pod| target(cluster, pod)))
            .map(|mut target| {
                for label in further {
                    target["labels"][*label] = json!("x");
                }
                target
            })
            .collect();
        json!({ "job_name": name, "honor_labels": true, "static_configs": targets })
    };
    // As a map of the labels of pods, and a federation without `honor_labels`, add them.
    let further = ["app_kubernetes_io_name", "pod_template_hash", "exported_job", "exported_instance"];
    json!([job("service-monitor", &[]), job("pods", &further)])
}

/// The labels of each series without the cluster, and its value.
fn by_labels(series: Vec<Value>) -> BTreeMap<String, String> {
    let entry = |mut one: Value| {
        if let Some(labels) = one["metric"].as_object_mut() {
            labels.remove("cluster");
        }
        (one["metric"].to_string(), one["value"][1].to_string())
    };
    series.into_iter().map(entry).collect()
}

/// What the dashboards count of one cluster is the same however often it is scraped; of both clusters it is the double.
async fn nothing_counts_twice(plain: &Prometheus, crowded: &Prometheus) -> Result<()> {
    let mut compared = 0;
    for (file, dashboard) in dashboards()? {
        for panel in panels(&dashboard)? {
            // Ages differ from moment to moment.
            let queries =
                panel.queries.iter().filter(|query| !query.range && !query.expression.contains("time()"));
            for Query { expression, .. } in queries {
                let of_east = expression.replace("cluster=~\".*\"", "cluster=\"east\"");
                eventually(LIMIT, "both say the same", async || {
                    let once = by_labels(plain.query(expression).await?);
                    let often = by_labels(crowded.query(&of_east).await?);
                    ensure!(once == often, "{once:?} and {often:?}");
                    Ok(())
                })
                .await
                .with_context(|| format!("{file}: {}: {expression}", panel.title))?;
                compared += 1;
            }
        }
    }
    ensure!(compared > 25, "only {compared} queries were compared");
    let total = "sum(max by (cluster, namespace, policy, rule, severity, result) (tagwatch_violations))";
    let value = async |prometheus: &Prometheus| {
        let found = prometheus.query(total).await?;
        found[0]["value"][1].as_str().context("no value")?.parse::<f64>().context("no number")
    };
    assert_eq!(2.0 * value(plain).await?, value(crowded).await?);
    Ok(())
}

pub(crate) fn dashboards() -> Result<Vec<(String, Value)>> {
    let mut files: Vec<PathBuf> = fs::read_dir(checkout().join("config/monitoring/dashboards"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    ensure!(files.len() == 3, "{files:?}");
    let read =
        |path: PathBuf| Ok((path.display().to_string(), serde_json::from_str(&fs::read_to_string(path)?)?));
    files.into_iter().map(read).collect()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// What a query falls back to where there is nothing to count. The samples have something of everything, so that no query
/// needs it here; with it, one that misspells its metric would return data too.
const FALLBACKS: [&str; 3] = [
    " or vector(0)",
    " or 0 * max(tagwatch_last_full_evaluation_timestamp_seconds{cluster=~\".*\"})",
    " or 0 * max(tagwatch_build_info{cluster=~\".*\"})",
];

/// Panels of what the samples do not have: their fallback is the answer.
const ABSENT: [&str; 2] = ["Mixed workloads", "Exemptions that end within 30 days"];

/// It has series where several namespaces are chosen; here all are watched at once. The e2e suite reads it in such a set-up.
const OF_CHOSEN_NAMESPACES: &str = "tagwatch_namespace_up{";

async fn every_panel(prometheus: &Prometheus) -> Result<()> {
    let (mut queries, mut fallbacks) = (0, 0);
    for (file, dashboard) in dashboards()? {
        for panel in panels(&dashboard)? {
            for query in &panel.queries {
                if query.expression.contains(OF_CHOSEN_NAMESPACES) {
                    continue;
                }
                let asked = if ABSENT.contains(&panel.title.as_str()) {
                    query.expression.clone()
                } else {
                    FALLBACKS.iter().fold(query.expression.clone(), |query, one| query.replace(one, ""))
                };
                fallbacks += usize::from(asked != query.expression);
                let answered = eventually(LIMIT, "it returns data", async || {
                    let found = if query.range {
                        prometheus.query_range(&asked).await
                    } else {
                        prometheus.query(&asked).await
                    };
                    ensure!(!found?.is_empty(), "nothing");
                    Ok(())
                });
                answered.await.with_context(|| format!("{file}: {}: {query:?}", panel.title))?;
                queries += 1;
            }
            links_open(prometheus, &panel).await?;
        }
    }
    ensure!(queries > 30, "only {queries} queries were found in the dashboards");
    ensure!(fallbacks >= 5, "only {fallbacks} queries end in {FALLBACKS:?}");
    Ok(())
}

/// The demo links to the queries in their short form: it says the same, and the page is there.
async fn links_open(prometheus: &Prometheus, panel: &Panel) -> Result<()> {
    let short: Vec<String> = panel.queries.iter().map(Query::short).collect();
    // What is stored by then is not added to by the next scrape.
    let time = Timestamp::now() - SignedDuration::from_secs(2);
    for (query, short) in panel.queries.iter().zip(&short) {
        let labels = async |expression: &str| {
            let found = prometheus.query_at(expression, time).await?;
            anyhow::Ok(found.into_iter().map(|mut series| series["metric"].take()).collect::<Vec<_>>())
        };
        assert_eq!(labels(short).await?, labels(&query.expression).await?, "{short}");
    }
    let link = prometheus.link(&short.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let answer = get(link.parse()?).await?;
    ensure!(answer.status() == StatusCode::OK, "{link}: {}: {}", answer.status(), answer.body());
    Ok(())
}

async fn every_variable(prometheus: &Prometheus, cluster: bool) -> Result<()> {
    for (file, dashboard) in dashboards()? {
        for variable in list(&dashboard, "/templating/list") {
            if variable["type"] != "query" {
                continue;
            }
            let query = variable["query"]["query"].as_str().context("a variable without a query")?;
            let arguments = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (selector, label) =
                arguments.and_then(|arguments| arguments.rsplit_once(", ")).context("no label_values")?;
            let values = prometheus.label_values(&filled(selector)?, label).await?;
            // A plain scrape names no cluster.
            let expected = label != "cluster" || cluster;
            ensure!(values.is_empty() != expected, "{file}: {query}: {values:?}");
        }
    }
    Ok(())
}

async fn promtool_has_nothing_against(metrics: &str) -> Result<()> {
    let mut promtool = promtool().await?;
    let mut file = tempfile::tempfile()?;
    file.write_all(metrics.as_bytes())?;
    std::io::Seek::rewind(&mut file)?;
    promtool.args(["check", "metrics"]).stdin(Stdio::from(file));
    let output = promtool.output().await?;
    let words =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && words.trim().is_empty(), "promtool check metrics: {words}");
    Ok(())
}
