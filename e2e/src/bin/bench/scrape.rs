//! A scrape of very many series, beside the `prometheus` crate's own gather and encoding of the same series.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use prometheus::{
    Opts, Registry, TextEncoder,
    core::{Collector, Desc, Describer},
    proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType},
};
use tagwatch_e2e::TagwatchProcess;

use crate::{cluster::Cluster, deployments, fill, progress};

/// Series that one Deployment of many bad images makes.
const SERIES_PER_WORKLOAD: u32 = 2 * deployments::FINDINGS_OF_MANY;
const ROUNDS: usize = 15;
const READY_LIMIT: Duration = Duration::from_mins(15);
/// The metrics that name a workload.
const METRICS: [&str; 4] = [
    "tagwatch_workload_violations",
    "tagwatch_workload_violation_start_time_seconds",
    "tagwatch_workload_warnings",
    "tagwatch_workload_warning_start_time_seconds",
];

/// What the scrapes took.
#[derive(Debug)]
pub(crate) struct Scrape {
    /// Series that name a workload.
    pub(crate) series: usize,
    /// Bytes of one answer.
    pub(crate) bytes: usize,
    /// Each round's scrape, in milliseconds.
    pub(crate) scrapes: Vec<f64>,
    /// Each round's gather and encoding of the constant collector, in milliseconds.
    pub(crate) encodings: Vec<f64>,
}

/// Deploys so many workloads that there are at least `series`, and scrapes them.
pub(crate) async fn scrape(cluster: &Cluster, series: u32) -> Result<Scrape> {
    let workloads = series.div_ceil(SERIES_PER_WORKLOAD);
    progress(&format!("{workloads} Deployments with {series} series, and {ROUNDS} scrapes"));
    cluster.deploy_many_findings(&[deployments::MANY.to_owned()], workloads).await?;
    let cap = (2 * series).to_string();
    let arguments = ["--namespaces", deployments::MANY, "--workload-series-cap", &cap, "--log-level", "warn"];
    let tagwatch = TagwatchProcess::start(cluster.kubeconfig(), arguments).await?;
    fill::ready_within(&tagwatch, READY_LIMIT).await?;
    let text = tagwatch.metrics().await?;
    let families = families(&text)?;
    let found: usize = families.iter().map(|family| family.get_metric().len()).sum();
    ensure!(found >= usize::try_from(series)?, "only {found} series");
    let registry = Registry::new();
    registry.register(Box::new(Constant::new(families)?))?;

    let (mut scrapes, mut encodings) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        scrapes.push(milliseconds(async || tagwatch.metrics().await.map(drop)).await?);
        encodings.push(milliseconds(async || encode(&registry)).await?);
    }
    fill::stop(tagwatch).await?;
    Ok(Scrape { series: found, bytes: text.len(), scrapes, encodings })
}

async fn milliseconds(work: impl AsyncFnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work().await?;
    Ok(start.elapsed().as_secs_f64() * 1_000.0)
}

fn encode(registry: &Registry) -> Result<()> {
    let mut text = String::new();
    TextEncoder::new().encode_utf8(&registry.gather(), &mut text)?;
    ensure!(!text.is_empty(), "nothing was encoded");
    Ok(())
}

/// A collector that always shows the same.
struct Constant {
    families: Vec<MetricFamily>,
    descriptions: Vec<Desc>,
}

impl Constant {
    fn new(families: Vec<MetricFamily>) -> Result<Self> {
        let describe = |family: &MetricFamily| Opts::new(family.name(), family.help()).describe();
        let descriptions = families.iter().map(describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { families, descriptions })
    }
}

impl Collector for Constant {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.families.clone()
    }
}

/// The series of workloads, read back from what tagwatch wrote.
fn families(text: &str) -> Result<Vec<MetricFamily>> {
    METRICS
        .map(|name| {
            let series = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
            let metrics: Vec<Metric> =
                series.map(|line| metric(line).with_context(|| line.to_owned())).collect::<Result<_>>()?;
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help("As tagwatch shows it.".to_owned());
            family.set_field_type(MetricType::GAUGE);
            family.set_metric(metrics);
            Ok(family)
        })
        .into_iter()
        .collect()
}

/// `label="value",…} number`; no name in the benchmark needs escaping.
fn metric(line: &str) -> Option<Metric> {
    let (labels, value) = line.split_once("} ")?;
    let pair = |label: &str| {
        let (name, value) = label.split_once("=\"")?;
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.strip_suffix('"')?.to_owned());
        Some(pair)
    };
    let labels: Vec<LabelPair> = labels.split(',').map(pair).collect::<Option<_>>()?;
    let mut gauge = Gauge::default();
    gauge.set_value(value.parse().ok()?);
    let mut metric = Metric::from_label(labels);
    metric.set_gauge(gauge);
    Some(metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_back_is_encoded_as_it_was() {
        let line = "tagwatch_workload_violations{namespace=\"a\",rule=\"latest-tag\"} 2";
        let families = families(&format!("# TYPE x gauge\n{line}\ntagwatch_images{{}} 1\n")).unwrap();
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&families[..1], &mut text).unwrap();
        assert!(text.ends_with(&format!("{line}\n")), "{text}");
    }
}
