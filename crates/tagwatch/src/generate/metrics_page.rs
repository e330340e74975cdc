//! The reference of the metrics, generated from the collectors.

use anyhow::anyhow;
use tagwatch_controller::{MetricDescription, metrics_reference};

use crate::status::Failure;

const PREFACE: &str = "# Metrics

Written by `tagwatch generate docs` from the collectors themselves.

`tagwatch run` serves these on `/metrics` in the Prometheus text format. The `namespace` of a series is the
workload's, so scrape with `honor_labels: true`. Findings are read at scrape time: a series ends with its finding.

How long the oldest violation of each namespace has lasted, in seconds:

```promql
time() - min by (namespace) (tagwatch_workload_violation_start_time_seconds)
```

Critical violations by workload (`kind` is `Kind` of the workloads of Kubernetes itself, else `Kind.group`). `max` takes
each series once where two scrape jobs or replicas bring it:

```promql
max by (namespace, kind, workload, rule) (tagwatch_workload_violations{severity=\"critical\"}) > 0
```

A violation is a finding that fails, or an error, of which nothing could be checked. A warning is a warning.

";

/// # Errors
/// When two metrics have one name: a bug.
pub(super) fn render() -> Result<String, Failure> {
    let metrics = metrics_reference().map_err(|error| Failure::Other(anyhow!(error)))?;
    let rows: String = metrics.iter().map(row).collect();
    Ok(format!("{PREFACE}| metric | type | labels | meaning |\n|---|---|---|---|\n{rows}"))
}

fn row(metric: &MetricDescription) -> String {
    let MetricDescription { name, kind, labels, help } = metric;
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", "))
}
