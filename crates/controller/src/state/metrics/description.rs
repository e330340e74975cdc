//! What each metric is, for the documentation.

use prometheus::core::Collector;
use prometheus::proto::MetricType;

/// The name, type, labels and help of a metric family, for `docs/metrics.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDescription {
    /// The name of the family, such as `tagwatch_reconciles_total`.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// The names of its variable labels, in order.
    pub labels: Vec<String>,
    /// The help text, as `/metrics` shows it.
    pub help: String,
}

impl MetricDescription {
    /// The families of a collector. One without a series still names its type.
    pub(super) fn of(collector: &dyn Collector) -> Vec<Self> {
        let types: Vec<_> = collector
            .collect()
            .iter()
            .map(|family| (family.name().to_owned(), kind(family.get_field_type())))
            .collect();
        let describe = |desc: &&prometheus::core::Desc| Self {
            name: desc.fq_name.clone(),
            kind: types.iter().find(|(name, _)| *name == desc.fq_name).map_or("untyped", |(_, kind)| kind),
            labels: desc.variable_labels.clone(),
            help: desc.help.clone(),
        };
        collector.desc().iter().map(describe).collect()
    }
}

fn kind(kind: MetricType) -> &'static str {
    match kind {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY => "summary",
        MetricType::UNTYPED => "untyped",
    }
}
