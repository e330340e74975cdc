//! Notes on scopes and exemptions.

use tagwatch_core::engine::{Engine, Judgement};
use tagwatch_core::exemption::AnnotationLevel;
use tagwatch_core::issue::{ExemptionReview, PolicyExemptionState};
use tagwatch_core::policy::{Decision, ExemptionProblem};
use tagwatch_core::text::UntrustedText;

use super::{Note, NoteCode};
use crate::manifest::LocatedWorkload;
use crate::policy_file::PolicyFile;
use crate::yaml::Position;

pub(super) fn workload_notes(file: &str, located: &LocatedWorkload, judgement: &Judgement) -> Vec<Note> {
    let id = &located.workload.id;
    let (kind, name) = (id.kind.raw(), id.name.raw());
    let mut notes = Vec::new();
    match judgement.in_scope {
        Decision::Yes => {}
        Decision::No => {
            let message = format!("{kind} {name} is outside the policy's scope: it is not judged");
            notes.push(Note::at(file, located.at, NoteCode::OutOfScope, &message));
        }
        Decision::Undecided => {
            let message = format!(
                "{kind} {name} is judged, though the policy's scope depends on its namespace, which is not among \
                 the inputs"
            );
            notes.push(Note::at(file, located.at, NoteCode::UndecidedScope, &message));
        }
    }
    for remark in &judgement.remarks {
        let [workload, template] = located.ignore;
        let (at, place) = match remark.level {
            AnnotationLevel::Workload => (workload, ""),
            AnnotationLevel::Template => (template, " on the pod template"),
            // Its annotation is for every workload in it: see `namespace_notes`.
            AnnotationLevel::Namespace => continue,
        };
        let message = format!("tagwatch.dev/ignore{place} of {kind} {name}: {}", remark.message);
        notes.push(Note::at(file, at.unwrap_or(located.at), code(remark.problem), &message));
    }
    notes
}

/// Where a remark on a namespace was first met: the file, and the workload in it.
pub(super) type FirstMet = (String, Position);

/// One note for each remark on the annotation of a namespace.
pub(super) fn namespace_notes(review: &ExemptionReview<UntrustedText, FirstMet>) -> Vec<Note> {
    let note = |(namespace, problem, remark, (file, at)): (&UntrustedText, _, &str, &FirstMet)| {
        let message = format!("tagwatch.dev/ignore of Namespace {}: {remark}", namespace.raw());
        Note::at(file, *at, code(problem), &message)
    };
    review.namespace_remarks().map(note).collect()
}

fn code(problem: ExemptionProblem) -> NoteCode {
    match problem {
        ExemptionProblem::Expired => NoteCode::ExpiredExemption,
        ExemptionProblem::Unused => NoteCode::UnusedExemption,
        ExemptionProblem::NotHonoured => NoteCode::ExemptionNotHonoured,
        ExemptionProblem::Undecided => NoteCode::UndecidedExemption,
    }
}

/// Workloads whose manifests name no namespace: how many, and where the first one is.
#[derive(Debug, Default)]
pub(super) struct WithoutNamespace {
    count: usize,
    first: Option<(String, Position)>,
}

impl WithoutNamespace {
    pub(super) fn add(&mut self, file: &str, at: Position) {
        self.count += 1;
        self.first.get_or_insert_with(|| (file.to_owned(), at));
    }
}

/// Names the policy that was found rather than given.
pub(super) fn found_note(policy: &PolicyFile) -> Note {
    let message = format!(
        "judged by this policy, which was found from the working folder upward; profile {}",
        policy.policy.profile()
    );
    Note::new(&policy.name, NoteCode::PolicyFound, &message)
}

/// What `helm template` prints has no namespaces, so parts of a policy that are for some would silently be for none.
pub(super) fn namespace_note(policy: &PolicyFile, without: &WithoutNamespace) -> Option<Note> {
    let (file, at) = without.first.as_ref().filter(|_| policy.selects_namespaces())?;
    let workloads = match without.count {
        1 => "1 workload names".to_owned(),
        count => format!("{count} workloads name"),
    };
    let message = format!(
        "{workloads} no namespace, so exemptions and overrides of the policy that are for namespaces cannot match; \
         --namespace says which one it is"
    );
    Some(Note::at(file, *at, NoteCode::NamespaceUnknown, &message))
}

/// Notes on exemptions of the policy that exempt nothing.
pub(super) fn policy_notes(
    engine: &Engine,
    policy: &PolicyFile,
    review: &ExemptionReview<UntrustedText, FirstMet>,
) -> Vec<Note> {
    let Some(today) = engine.today() else { return Vec::new() };
    let states = review.policy_states(engine.policy(), Some(today)).enumerate();
    let mut notes = Vec::new();
    for ((index, state), exemption) in states.zip(engine.policy().exemptions()) {
        let reason = UntrustedText::from(exemption.reason.raw()).terminal();
        let (code, what) = match state {
            PolicyExemptionState::Active => continue,
            PolicyExemptionState::Expired(last) => {
                (NoteCode::ExpiredExemption, format!("expired: its last day was {last}"))
            }
            PolicyExemptionState::Unused => {
                (NoteCode::UnusedExemption, "exempts nothing that was scanned".to_owned())
            }
        };
        let (file, at) = policy.exemption_at(index);
        let message = format!("the exemption \"{reason}\" {what}");
        notes.push(Note::at(file, at, code, &message));
    }
    notes
}
