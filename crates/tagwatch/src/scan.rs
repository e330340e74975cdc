//! The command `tagwatch scan`: reads manifests and policy, writes the report, and sets the exit status.

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use tagwatch_core::text::UntrustedText;
use tagwatch_scan::output::{self, Style};
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{Render, ScanOptions, scan as scan_manifests};

use crate::args::{Output, ScanArgs};
use crate::messages;
use crate::policy::{ChosenPolicy, choose, refuse_stdin_twice};
use crate::status::Failure;
use crate::style::style;

pub(crate) fn scan(args: ScanArgs) -> Result<ExitCode, Failure> {
    let ScanArgs { paths, output, fail_on, show_passed, require_workloads, render, namespace, policy } = args;
    refuse_stdin_twice(&policy, &paths)?;
    let ChosenPolicy { engine, file, is_found } = choose(&policy)?;
    let options = ScanOptions {
        paths,
        show_passed,
        policy_file: file,
        policy_is_found: is_found,
        namespace,
        require_workloads,
        render: render.then(programs),
    };
    let mut report = scan_manifests(&engine, &options, &mut io::stdin().lock());
    write_notes(&mut report)?;
    for output in &output {
        write(output, &report)?;
    }
    Ok(ExitCode::from(report.exit_status(fail_on).code()))
}

/// The programs on the PATH.
fn programs() -> Render {
    let path = env::var_os("PATH").unwrap_or_default();
    Render {
        programs: env::split_paths(&path).collect(),
        temporary: env::temp_dir(),
        time_limit: Render::TIME_LIMIT,
    }
}

/// With `--quiet` only notes that are errors: the exit code depends on them.
pub(crate) fn write_notes(report: &mut ScanReport) -> io::Result<()> {
    let (mut stderr, style) = (io::stderr().lock(), style(&io::stderr()));
    if !messages::is_quiet() {
        return output::write_notes(report, &mut stderr, style);
    }
    let errors = report.notes.iter().filter(|note| note.code.is_error()).cloned().collect();
    let all = std::mem::replace(&mut report.notes, errors);
    let written = output::write_notes(report, &mut stderr, style);
    report.notes = all;
    written
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
