//! A fix as a shell script.

use super::{Content, Refusal, comment, heading};
use crate::remedy::Remedy;
use crate::snapshot::WorkloadIssue;

/// A script for a POSIX shell that ends with the status of the command.
pub(super) fn script(issue: WorkloadIssue<'_>, remedy: &Remedy) -> Content {
    let Some(command) = &remedy.command else {
        return Err(Refusal::Impossible("There is no command for this issue.".to_owned()));
    };
    let note = remedy.note.as_deref().map(comment).unwrap_or_default();
    let title = comment(remedy.title);
    Ok(format!("#!/bin/sh\n{}{title}{note}set -eu\n{command}\n", heading(issue)))
}
