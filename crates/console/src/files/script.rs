//! A fix as a shell script.

use super::{Content, Refusal, comment, heading};
use crate::remedy::Remedy;
use crate::snapshot::WorkloadIssue;

/// What the script says when its command fails. The API server names no failed test of a JSON patch, and kubectl says only
/// that the request is invalid.
const FAILED: &str = "fix.sh: the fix was not applied. If kubectl says that the request is invalid, nothing was changed: the \
                      container no longer has the image or pull policy that tagwatch checked. Open the issue again.";

/// A script for a POSIX shell that ends with the status of the command.
pub(super) fn script(issue: WorkloadIssue<'_>, remedy: &Remedy) -> Content {
    let Some(command) = &remedy.command else {
        return Err(Refusal::Impossible("There is no command for this issue.".to_owned()));
    };
    let note = remedy.note.as_deref().map(comment).unwrap_or_default();
    let title = comment(remedy.title);
    let failed = format!("{{\n  status=$?\n  echo '{FAILED}' >&2\n  exit \"$status\"\n}}");
    Ok(format!("#!/bin/sh\n{}{title}{note}set -eu\n{command} || {failed}\n", heading(issue)))
}
