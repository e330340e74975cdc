//! What became of exemptions, as the status of the policy and the metrics say it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::civil::Date;
use tagwatch_core::exemption::AnnotationLevel;
use tagwatch_core::issue::{ExemptionReview, PolicyExemptionState};
use tagwatch_core::policy::{ExemptionProblem, Policy};
use tagwatch_core::text::UntrustedText;
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::tag_policy::{ExemptionCounts, ExemptionRemark};

use super::workload_states::StatesSnapshot;

/// Exemptions that exempt nothing and are named one by one; all of them are counted.
const MAX_REMARKS: usize = 20;

/// Counts the exemptions of this policy and of annotations, on this day.
pub(crate) fn exemption_counts(
    states: &StatesSnapshot,
    policy: &Policy,
    today: Option<Date>,
) -> ExemptionCounts {
    let mut review = ExemptionReview::default();
    // Annotations that exempt something, by place.
    let mut annotations: BTreeSet<String> = BTreeSet::new();
    let mut remarks = Remarks::default();
    for (key, state) in states.iter() {
        let remarks_here = state.exemptions.as_deref().map_or(&[][..], |outcome| &outcome.remarks);
        review.add_remarks(&key.namespace(), remarks_here, || ());
        let Some(outcome) = &state.exemptions else { continue };
        review.add_used(outcome.used.iter().copied());
        annotations.extend(outcome.annotations.iter().map(|level| place(*level, key)));
        let own = outcome.remarks.iter().filter(|remark| remark.level != AnnotationLevel::Namespace);
        for remark in own {
            remarks.add(place(remark.level, key), remark.problem, remark.message.clone());
        }
    }
    for (namespace, problem, message, ()) in review.namespace_remarks() {
        remarks.add(namespace_place(namespace), problem, message.to_owned());
    }
    let mut active = annotations.len();
    for ((index, state), exemption) in
        review.policy_states(policy, today).enumerate().zip(policy.exemptions())
    {
        let (problem, message) = match state {
            PolicyExemptionState::Active => {
                active += 1;
                continue;
            }
            PolicyExemptionState::Expired(last) => {
                (ExemptionProblem::Expired, format!("its last day was {last}"))
            }
            PolicyExemptionState::Unused => (ExemptionProblem::Unused, "it exempts nothing".to_owned()),
        };
        let reason = exemption.reason.terminal();
        remarks.add(format!("spec.exemptions[{index}]"), problem, format!("\"{reason}\": {message}"));
    }
    let count = |problem| {
        let count = remarks.counts.get(state(problem)).copied().unwrap_or_default();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    ExemptionCounts {
        active: i64::try_from(active).unwrap_or(i64::MAX),
        expired: count(ExemptionProblem::Expired),
        unused: count(ExemptionProblem::Unused),
        not_honoured: count(ExemptionProblem::NotHonoured),
        remarks: remarks.first.into_iter().collect(),
    }
}

/// Remarks, counted by state. There can be some on every workload, so only the first ones are kept.
#[derive(Default)]
struct Remarks {
    counts: BTreeMap<&'static str, usize>,
    first: BTreeSet<ExemptionRemark>,
}

impl Remarks {
    fn add(&mut self, place: String, problem: ExemptionProblem, message: String) {
        let state = state(problem);
        *self.counts.entry(state).or_default() += 1;
        self.first.insert(ExemptionRemark { place, state: state.to_owned(), message });
        if self.first.len() > MAX_REMARKS {
            self.first.pop_last();
        }
    }
}

fn state(problem: ExemptionProblem) -> &'static str {
    match problem {
        ExemptionProblem::Expired => "expired",
        ExemptionProblem::Unused => "unused",
        // The second is never said of what lives in a cluster.
        ExemptionProblem::NotHonoured | ExemptionProblem::Undecided => "notHonoured",
    }
}

/// The object of an annotation, safe for a terminal.
fn place(level: AnnotationLevel, key: &WorkloadKey) -> String {
    let [namespace, kind, name] =
        [key.namespace(), key.kind(), key.name()].map(|text| UntrustedText::from(text).terminal());
    match level {
        AnnotationLevel::Workload => format!("{kind} {namespace}/{name}"),
        AnnotationLevel::Template => format!("pod template of {kind} {namespace}/{name}"),
        AnnotationLevel::Namespace => namespace_place(key.namespace()),
    }
}

fn namespace_place(namespace: &str) -> String {
    format!("Namespace {}", UntrustedText::from(namespace).terminal())
}
