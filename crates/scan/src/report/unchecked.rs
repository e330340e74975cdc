//! Notes on what is not checked of a workload of a cluster, and on the controller that it is not reported under. A report
//! has them as properties of its results.

use super::{Note, NoteCode};
use crate::manifest::LocatedWorkload;

pub(super) fn notes(file: &str, located: &LocatedWorkload) -> Vec<Note> {
    let workload = &located.workload;
    let (kind, name) = (workload.id.kind.raw(), workload.id.name.raw());
    let note = |code, message: &str| Note::at(file, located.at, code, &format!("{kind} {name} {message}"));
    let too_large = workload.limits.iter().map(|limit| {
        note(NoteCode::WorkloadTooLarge, &format!("is not checked completely: {}", limit.words()))
    });
    let unfollowed = workload.unfollowed.iter().map(|controller| {
        note(NoteCode::UnfollowedController, &format!("is reported on its own: it {}", controller.words()))
    });
    too_large.chain(unfollowed).collect()
}
