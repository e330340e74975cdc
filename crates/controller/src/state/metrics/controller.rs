//! Counters and gauges of the controller's own work.

use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Result,
};

use super::{ConnectionMetrics, DriftMetrics, Metrics, ProcessCollector, TimeGauge};

/// Counters and gauges of the controller's own work. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct ControllerMetrics {
    /// Workloads evaluated, by result.
    pub(crate) reconciles: IntCounterVec,
    /// Time of one evaluation with its write, in seconds.
    pub(crate) reconcile_duration: Histogram,
    /// Workloads in the reconcile queue.
    pub(crate) queue_depth: IntGauge,
    /// How long the workload at the head has waited, in seconds.
    pub(crate) queue_age: Gauge,
    /// Report writes, by verb and outcome.
    pub(crate) report_writes: IntCounterVec,
    /// Evaluations that ended in a panic of the judging code.
    pub(crate) panics: IntCounter,
    /// Watches begun from nothing.
    pub(crate) watch_starts: IntCounterVec,
    /// Watch failures, by reason.
    pub(crate) watch_errors: IntCounterVec,
    /// 1 while the report API is served.
    pub(crate) report_api_available: IntGauge,
    /// Reports with the label of tagwatch that are not ours, by owner.
    stray_reports: IntGaugeVec,
    /// Custom kinds that are served, by state.
    pub(crate) custom_kinds: IntGaugeVec,
    /// 1 while the policy is valid or absent.
    pub(crate) policy_valid: IntGauge,
    /// 1 for the source of the policy in use.
    pub(crate) policy_source: IntGaugeVec,
    /// Writes of the policy's status, by outcome.
    pub(crate) policy_status_writes: IntCounterVec,
    /// Events about issues, by outcome.
    pub(crate) events: IntCounterVec,
    /// Unix time at which all workloads were last evaluated.
    pub(crate) last_full_evaluation: TimeGauge,
    /// Connections to our endpoints.
    pub(crate) connections: ConnectionMetrics,
    /// What the cluster really runs.
    pub(crate) drift: DriftMetrics,
}

impl ControllerMetrics {
    /// Makes and registers them, build information included.
    pub(crate) fn register(metrics: &mut Metrics) -> Result<Self> {
        let duration = HistogramOpts::new(
            "tagwatch_reconcile_duration_seconds",
            "Time of one evaluation of a workload with the write of its report.",
        )
        .buckets(vec![0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0]);
        build_info(metrics)?;
        metrics.add(ProcessCollector::new()?)?;
        Ok(Self {
            reconciles: metrics.add(counters(
                "tagwatch_reconciles_total",
                "Evaluations of a workload, by result.",
                &["result"],
            )?)?,
            reconcile_duration: metrics.add(Histogram::with_opts(duration)?)?,
            queue_depth: metrics
                .add(IntGauge::new("tagwatch_queue_depth", "Workloads that wait to be evaluated.")?)?,
            queue_age: metrics.add(Gauge::new(
                "tagwatch_queue_oldest_age_seconds",
                "How long the workload that waits longest has waited.",
            )?)?,
            report_writes: metrics.add(counters(
                "tagwatch_report_writes_total",
                "Writes of reports, by verb and outcome.",
                &["verb", "outcome"],
            )?)?,
            panics: metrics.add(IntCounter::new(
                "tagwatch_reconcile_panics_total",
                "Evaluations that ended in a panic; the workload counts as an error.",
            )?)?,
            watch_starts: metrics.add(counters(
                "tagwatch_watch_starts_total",
                "Watches begun with a full initial state.",
                &["resource"],
            )?)?,
            watch_errors: metrics.add(counters(
                "tagwatch_watch_errors_total",
                "Failures of a watch, by reason.",
                &["resource", "reason"],
            )?)?,
            report_api_available: metrics.add(IntGauge::new(
                "tagwatch_report_api_available",
                "1 while the API server serves the report API, else 0.",
            )?)?,
            stray_reports: metrics.add_of_objects(gauges(
                "tagwatch_stray_reports",
                "Reports with the label of tagwatch that are not of this instance, by owner: none where they name no \
                 instance, else another_instance. They are never changed or deleted, but for one without an instance \
                 about a workload that is checked here, which is taken over.",
                &["owner"],
            )?)?,
            custom_kinds: metrics.add(IntGaugeVec::new(
                Opts::new(
                    "tagwatch_custom_kinds",
                    "Custom kinds that the API server serves, by state: watching, or forbidden where the right to list \
                     and watch them is missing.",
                ),
                &["state"],
            )?)?,
            policy_valid: metrics.add(IntGauge::new(
                "tagwatch_policy_valid",
                "0 while the TagPolicy in the cluster is invalid, so that another one applies; else 1.",
            )?)?,
            policy_source: metrics.add(gauges(
                "tagwatch_policy_source",
                "1 for what applies: the TagPolicy in the cluster, its last valid spec (last_good), or the \
                 recommended profile.",
                &["source"],
            )?)?,
            policy_status_writes: metrics.add(counters(
                "tagwatch_policy_status_writes_total",
                "Writes of the status of the TagPolicy, by outcome.",
                &["outcome"],
            )?)?,
            events: metrics.add(counters(
                "tagwatch_events_total",
                "Kubernetes Events about workloads, by outcome (published, failed, rate_limited).",
                &["outcome"],
            )?)?,
            last_full_evaluation: metrics.add_of_objects(TimeGauge::new(
                "tagwatch_last_full_evaluation_timestamp_seconds",
                "Unix time at which every workload had last been evaluated; no series before the first time. It stays while a \
                 watch of workloads or reports fails.",
            )?)?,
            connections: ConnectionMetrics::register(metrics)?,
            drift: DriftMetrics::register(metrics)?,
        })
    }

    /// How many reports are strays.
    pub(crate) fn set_strays(&self, unassigned: usize, others: usize) {
        for (owner, count) in [("none", unassigned), ("another_instance", others)] {
            self.stray_reports.with_label_values(&[owner]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

fn build_info(metrics: &mut Metrics) -> Result<()> {
    let info =
        metrics.add(gauges("tagwatch_build_info", "Always 1; the labels name the build.", &["version"])?)?;
    info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    Ok(())
}
