//! The command `tagwatch scan`: reads manifests or a cluster, and the policy, writes the report, and sets the exit status.

mod cluster;

use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::mem;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use tagwatch_core::text::UntrustedText;
use tagwatch_scan::output::{self, Style};
use tagwatch_scan::report::{NoteCode, ScanReport};
use tagwatch_scan::{Baseline, Exclude, FailOn, Render, ScanOptions, scan as scan_manifests};

use crate::args::{Output, ScanArgs};
use crate::messages;
use crate::policy::{ChosenPolicy, choose_for_scan, refuse_stdin_twice};
use crate::status::Failure;
use crate::style::style;
use cluster::ClusterScan;

pub(crate) fn scan(args: ScanArgs) -> Result<ExitCode, Failure> {
    let ScanArgs {
        paths,
        output,
        fail_on,
        exit_zero,
        baseline,
        rules,
        min_severity,
        stdin_filename,
        show_passed,
        require_workloads,
        render,
        namespace,
        exclude,
        threads,
        notes,
        policy,
        cluster,
    } = args;
    let exclude = Exclude::new(exclude).map_err(|error| {
        Failure::Usage(anyhow!("--exclude: {}", UntrustedText::from(error.to_string()).terminal()))
    })?;
    if !cluster.cluster {
        refuse_stdin_twice(&policy, &paths)?;
    }
    refuse_shared_outputs(&output)?;
    if stdin_filename.is_some() && !paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::Usage(anyhow!(
            "--stdin-filename names standard input, which no PATH `-` asks for"
        )));
    }
    let fail_on = if exit_zero { FailOn::Never } else { fail_on };
    let baseline = baseline.as_deref().map(Baseline::read).transpose();
    let (known, exemptions) = match baseline.map_err(|error| Failure::Usage(anyhow!(error)))? {
        Some(Baseline::Scan(known)) => (Some(known), None),
        Some(Baseline::Policy(policy)) => (None, Some(policy)),
        None => (None, None),
    };
    let mut report = if cluster.cluster {
        let scan = ClusterScan {
            cluster: &cluster,
            namespace,
            policy: &policy,
            rules: &rules,
            exemptions: exemptions.as_deref(),
            show_passed,
            require_workloads,
        };
        scan.run()?
    } else {
        let ChosenPolicy { engine, file, is_found } =
            choose_for_scan(&policy, &rules, exemptions.as_deref())?;
        let options = ScanOptions {
            paths,
            show_passed,
            policy_file: file,
            policy_is_found: is_found,
            namespace,
            require_workloads,
            stdin_name: stdin_filename.map(|name| name.to_string_lossy().into_owned()),
            exclude,
            threads,
            omits_clean_images: !output.iter().any(|output| output.format.lists_clean_images()),
            omits_evidence: !output.iter().any(|output| output.format.shows_evidence()),
            omits_fingerprints: known.is_none()
                && !output.iter().any(|output| output.format.shows_fingerprints()),
            is_compose_file_set: env::var_os("COMPOSE_FILE").is_some_and(|files| !files.is_empty()),
            render: render.then(programs),
        };
        scan_manifests(&engine, &options, &mut io::stdin().lock())
    };
    if !rules.is_empty() {
        // What exempts other rules has nothing to exempt in this scan.
        report.notes.retain(|note| note.code != NoteCode::UnusedExemption);
    }
    if let Some(least) = min_severity {
        report.leave_out_below(least);
    }
    if let Some(known) = &known {
        report.compare_with(known);
    }
    messages::write_notes(&mut report, notes)?;
    for output in &output {
        write(output, &report, fail_on)?;
    }
    let status = report.exit_status(fail_on).code();
    // The process ends here, which frees a large report faster than its parts one by one.
    mem::forget(report);
    Ok(ExitCode::from(status))
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

/// Two formats in one stream or file are readable as neither.
fn refuse_shared_outputs(outputs: &[Output]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for Output { file, .. } in outputs {
        if !seen.insert(file.as_deref()) {
            let place = match file {
                Some(path) => format!("the file {}", shown(path)),
                None => "standard output".to_owned(),
            };
            let message =
                format!("--output: two formats for {place}; give each a file: --output FORMAT=FILE");
            return Err(Failure::Usage(anyhow!(message)));
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    UntrustedText::from(path.to_string_lossy().as_ref()).terminal()
}

fn write(output: &Output, report: &ScanReport, fail_on: FailOn) -> Result<(), Failure> {
    if let Some(path) = &output.file {
        return write_file(output, path, report, fail_on).map_err(Failure::Usage);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    output::write(output.format, report, fail_on, &mut out, style(&io::stdout()))?;
    Ok(out.flush()?)
}

fn write_file(output: &Output, path: &Path, report: &ScanReport, fail_on: FailOn) -> anyhow::Result<()> {
    let written = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        output::write(output.format, report, fail_on, &mut out, Style::default())?;
        out.flush()
    };
    written().with_context(|| format!("cannot write {}", shown(path)))
}
