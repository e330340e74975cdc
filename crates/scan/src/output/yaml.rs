//! `-o yaml`: the JSON contract as YAML.

use std::io::{self, Write};

use tagwatch_core::structured;

use crate::report::ScanReport;

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(structured::yaml(report)?.as_bytes())
}
