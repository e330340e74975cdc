//! `-o name`: the workloads that have findings, each once.

use std::collections::BTreeSet;
use std::io::{self, Write};

use tagwatch_core::workload::resource_name;

use crate::report::ScanReport;

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let mut seen = BTreeSet::new();
    for place in
        report.findings.iter().filter(|finding| finding.result.is_open()).map(|finding| &finding.place)
    {
        let name = resource_name(&place.api_version, &place.kind, &place.name);
        if seen.insert((&place.namespace, name.clone())) {
            writeln!(out, "{name}")?;
        }
    }
    Ok(())
}
