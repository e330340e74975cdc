//! A baseline from the findings of a scan.

use std::io;

use tagwatch_core::outcome::Outcome;
use tagwatch_core::workload::WorkloadId;
use tagwatch_scan::output::NoteDetail;
use tagwatch_scan::report::FindingEntry;
use tagwatch_scan::{ScanOptions, scan};

use super::{BaselineFinding, BaselineInput};
use crate::args::PolicyBaselineArgs;
use crate::messages;
use crate::policy::{ChosenPolicy, choose_to_extend, refuse_stdin_twice};
use crate::status::Failure;

/// `None` when not all input could be read.
pub(super) fn find(args: &PolicyBaselineArgs) -> Result<Option<BaselineInput>, Failure> {
    refuse_stdin_twice(&args.policy, &args.paths)?;
    let ChosenPolicy { engine, file, is_found } = choose_to_extend(&args.policy, args.output.as_deref())?;
    let options = ScanOptions {
        paths: args.paths.clone(),
        policy_file: file.clone().filter(|_| is_found),
        policy_is_found: is_found,
        namespace: args.namespace.clone(),
        ..ScanOptions::default()
    };
    let mut report = scan(&engine, &options, &mut io::stdin().lock());
    messages::write_notes(&mut report, NoteDetail::default())?;
    if !report.is_complete() {
        return Ok(None);
    }
    if let Some(least) = args.min_severity {
        report.leave_out_below(least);
    }
    let (metadata, spec) = file.map(|file| (file.metadata, file.spec)).unwrap_or_default();
    let is_open = |finding: &&FindingEntry| !matches!(finding.result, Outcome::Pass | Outcome::Skip);
    let findings = report.findings.iter().filter(is_open).map(finding).collect();
    Ok(Some(BaselineInput { metadata, spec, findings }))
}

fn finding(entry: &FindingEntry) -> BaselineFinding {
    let place = &entry.place;
    BaselineFinding {
        id: WorkloadId {
            api_version: place.api_version.clone(),
            kind: place.kind.clone(),
            namespace: place.namespace.clone(),
            name: place.name.clone(),
        },
        container: place.container.clone(),
        rule: entry.rule.to_owned(),
    }
}
