//! The command `tagwatch scan`: reads manifests and policy, writes the report, and sets the exit status.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use tagwatch_core::text::UntrustedText;
use tagwatch_scan::output::{self, Style};
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{ScanOptions, scan as scan_manifests};

use crate::args::{Output, ScanArgs};
use crate::messages;
use crate::policy::{ChosenPolicy, choose, refuse_stdin_twice};
use crate::status::Failure;
use crate::style::style;

pub(crate) fn scan(args: ScanArgs) -> Result<ExitCode, Failure> {
    let ScanArgs { paths, output, fail_on, show_passed, require_workloads, namespace, policy } = args;
    refuse_stdin_twice(&policy, &paths)?;
    let ChosenPolicy { engine, file, is_found } = choose(&policy)?;
    let options = ScanOptions {
        paths,
        show_passed,
        policy_file: file,
        policy_is_found: is_found,
        namespace,
        require_workloads,
    };
    let mut report = scan_manifests(&engine, &options, &mut io::stdin().lock());
    messages::write_notes(&mut report)?;
    for output in &output {
        write(output, &report)?;
    }
    Ok(ExitCode::from(report.exit_status(fail_on).code()))
}

fn write(output: &Output, report: &ScanReport) -> Result<(), Failure> {
    if let Some(path) = &output.file {
        return write_file(output, path, report).map_err(Failure::Usage);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    output::write(output.format, report, &mut out, style(&io::stdout()))?;
    Ok(out.flush()?)
}

fn write_file(output: &Output, path: &Path, report: &ScanReport) -> anyhow::Result<()> {
    let written = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        output::write(output.format, report, &mut out, Style::default())?;
        out.flush()
    };
    let name = || UntrustedText::from(path.to_string_lossy().as_ref()).terminal();
    written().with_context(|| format!("cannot write {}", name()))
}
