//! `-o json`: the report as it is. What could drive a terminal is escaped, and reads back as it was.

use std::io::{self, Write};

use tagwatch_core::structured;

use crate::report::ScanReport;

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(structured::json(report)?.as_bytes())
}
