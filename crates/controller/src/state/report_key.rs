//! The namespace and name by which a report is found.

use std::sync::Arc;

use tagwatch_index::WorkloadKey;
use tagwatch_k8s::report;

/// Namespace and name of a report. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ReportKey {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl ReportKey {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The report of a workload.
    pub(crate) fn of(workload: &WorkloadKey) -> Self {
        let (api_version, kind) = (workload.api_version(), workload.kind());
        let name = report::report_name(api_version, kind, workload.name(), workload.uid());
        Self::new(workload.namespace(), &name)
    }
}
