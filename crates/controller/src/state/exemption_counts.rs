//! What became of exemptions, as the status of the policy and the metrics say it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::civil::Date;
use tagwatch_core::exemption::AnnotationLevel;
use tagwatch_core::fair::in_turn;
use tagwatch_core::issue::{ExemptionReview, PolicyExemptionState};
use tagwatch_core::policy::{ExemptionProblem, Policy};
use tagwatch_core::text::UntrustedText;
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::tag_policy::{ExemptionCounts, ExemptionRemark};

use super::workload_states::StatesSnapshot;

/// Remarks that are named one by one; all of them are counted.
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
    for (key, state) in states.iter() {
        let remarks = state.exemptions.as_deref().map_or(&[][..], |outcome| &outcome.remarks);
        review.add_remarks(&key.namespace(), remarks, || ());
        let Some(outcome) = &state.exemptions else { continue };
        review.add_used(outcome.used.iter().copied());
        annotations.extend(outcome.annotations.iter().map(|level| place(*level, key)));
    }
    let mut remarks = Remarks::default();
    for (key, state) in states.iter() {
        let own = state.exemptions.iter().flat_map(|outcome| &outcome.remarks);
        for remark in own.filter(|remark| remark.level != AnnotationLevel::Namespace) {
            let place = (Some(key), remark.level);
            remarks.add_annotation(key.namespace(), place, remark.problem, &remark.message);
        }
    }
    for (namespace, problem, message, ()) in review.namespace_remarks() {
        remarks.add_annotation(namespace, (None, AnnotationLevel::Namespace), problem, message);
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
        remarks.add_own(format!("spec.exemptions[{index}]"), problem, format!("\"{reason}\": {message}"));
    }
    let count = |problem| number(remarks.counts.get(state(problem)).copied().unwrap_or_default());
    let (expired, unused, not_honoured) = (
        count(ExemptionProblem::Expired),
        count(ExemptionProblem::Unused),
        count(ExemptionProblem::NotHonoured),
    );
    let (remarks, omitted) = remarks.named();
    ExemptionCounts {
        active: number(active),
        expired,
        unused,
        not_honoured,
        remarks,
        omitted_remarks: number(omitted),
    }
}

/// The workload that has an annotation, and which of its objects; none for the annotation of the namespace, which comes
/// first.
type AnnotationPlace<'a> = (Option<&'a WorkloadKey>, AnnotationLevel);

/// Remarks, counted by state. Who may write annotations may write some on every workload.
#[derive(Default)]
struct Remarks<'a> {
    counts: BTreeMap<&'static str, usize>,
    /// Of the policy's own exemptions, in their order.
    own: Vec<ExemptionRemark>,
    /// By namespace.
    annotations: BTreeMap<&'a str, BTreeMap<AnnotationPlace<'a>, AnnotationRemarks<'a>>>,
}

/// What is wrong with one annotation, whose entries may each have a remark.
struct AnnotationRemarks<'a> {
    problem: ExemptionProblem,
    message: &'a str,
    count: usize,
}

impl<'a> Remarks<'a> {
    fn add_own(&mut self, place: String, problem: ExemptionProblem, message: String) {
        self.count(problem);
        self.own.push(ExemptionRemark { place, state: state(problem).to_owned(), message });
    }

    fn add_annotation(
        &mut self,
        namespace: &'a str,
        place: AnnotationPlace<'a>,
        problem: ExemptionProblem,
        message: &'a str,
    ) {
        self.count(problem);
        let of_namespace = self.annotations.entry(namespace).or_default();
        let first = AnnotationRemarks { problem, message, count: 0 };
        let remarks = of_namespace.entry(place).or_insert(first);
        // What is not honoured is a mistake, and named before what is unused.
        if problem > remarks.problem {
            (remarks.problem, remarks.message) = (problem, message);
        }
        remarks.count += 1;
    }

    fn count(&mut self, problem: ExemptionProblem) {
        *self.counts.entry(state(problem)).or_default() += 1;
    }

    /// The remarks that are named, and how many exemptions and annotations are not: the policy's own first, then as many of
    /// each namespace, so that the annotations of one leave those of the others and the policy's own in sight.
    fn named(self) -> (Vec<ExemptionRemark>, usize) {
        let Self { own, annotations, counts: _ } = self;
        let all = own.len() + annotations.values().map(BTreeMap::len).sum::<usize>();
        let mut named = own;
        named.truncate(MAX_REMARKS);
        let room = MAX_REMARKS - named.len();
        let of_namespaces = annotations.into_iter().map(|(namespace, of_namespace)| {
            of_namespace.into_iter().map(move |(place, remarks)| (namespace, place, remarks))
        });
        let mut chosen: Vec<_> = in_turn(of_namespaces).take(room).collect();
        chosen.sort_by_key(|(namespace, place, _)| (*namespace, *place));
        let remark =
            |(namespace, (key, level), remarks): (&str, AnnotationPlace<'_>, AnnotationRemarks<'_>)| {
                let AnnotationRemarks { problem, message, count } = remarks;
                let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
                ExemptionRemark {
                    place: key.map_or_else(|| namespace_place(namespace), |key| place(level, key)),
                    state: state(problem).to_owned(),
                    message: format!("{message}{more}"),
                }
            };
        named.extend(chosen.into_iter().map(remark));
        let omitted = all - named.len();
        (named, omitted)
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tagwatch_core::issue::ExemptionOutcome;
    use tagwatch_core::policy::AnnotationRemark;

    use super::*;
    use crate::state::{WorkloadState, WorkloadStates};

    type Remark = (AnnotationLevel, ExemptionProblem, String);

    /// The policy has two exemptions that exempt nothing.
    fn counts(workloads: &[(&str, &str, &[Remark])]) -> ExemptionCounts {
        let exemption =
            |name: &str| json!({ "match": { "names": [name] }, "rules": ["latest-tag"], "reason": "why" });
        let (_, policy) = Policy::read(&json!({ "exemptions": [exemption("a"), exemption("b")] })).unwrap();
        let mut states = WorkloadStates::default();
        for (namespace, name, remarks) in workloads {
            let remark = |(level, problem, message): &(AnnotationLevel, ExemptionProblem, String)| {
                AnnotationRemark { level: *level, problem: *problem, message: message.clone() }
            };
            let remarks = remarks.iter().map(remark).collect();
            let exemptions = Some(Box::new(ExemptionOutcome { remarks, ..ExemptionOutcome::default() }));
            let state = WorkloadState { exemptions, ..WorkloadState::failed() };
            states.insert(&WorkloadKey::new("v1", "Pod", namespace, name, name), state);
        }
        exemption_counts(&states.snapshot(), &policy, None)
    }

    fn places(counts: &ExemptionCounts) -> Vec<&str> {
        counts.remarks.iter().map(|remark| remark.place.as_str()).collect()
    }

    #[test]
    fn an_annotation_has_one_remark_behind_those_of_the_policy() {
        let unknown = |number| {
            let message = format!("there is no rule \"x{number}\"");
            (AnnotationLevel::Workload, ExemptionProblem::NotHonoured, message)
        };
        let mut remarks =
            vec![(AnnotationLevel::Workload, ExemptionProblem::Unused, "`latest-tag`".to_owned())];
        remarks.extend((1..20).map(unknown));
        remarks.push((AnnotationLevel::Template, ExemptionProblem::Unused, "`missing-tag`".to_owned()));
        let counts = counts(&[("blue", "noisy", &remarks[..])]);
        let named =
            ["spec.exemptions[0]", "spec.exemptions[1]", "Pod blue/noisy", "pod template of Pod blue/noisy"];
        assert_eq!(places(&counts), named);
        let ExemptionRemark { state, message, .. } = &counts.remarks[2];
        assert_eq!(
            (state.as_str(), message.as_str()),
            ("notHonoured", "there is no rule \"x1\" (and 19 more)")
        );
        assert_eq!(counts.remarks[3].message, "`missing-tag`");
        assert_eq!((counts.unused, counts.not_honoured, counts.omitted_remarks), (4, 19, 0));
    }

    #[test]
    fn the_annotations_of_one_namespace_leave_the_others_in_sight() {
        let unused = |level| [(level, ExemptionProblem::Unused, "`latest-tag`".to_owned())];
        let (workload, namespace) = (unused(AnnotationLevel::Workload), unused(AnnotationLevel::Namespace));
        let names: Vec<String> = (0..30).map(|number| format!("noisy-{number:02}")).collect();
        let mut workloads: Vec<_> = names.iter().map(|name| ("blue", name.as_str(), &workload[..])).collect();
        workloads.extend([("red", "web", &workload[..]), ("shop", "api", &namespace[..])]);
        let counts = counts(&workloads);
        let places = places(&counts);
        assert_eq!(places.len(), MAX_REMARKS);
        assert_eq!(places[..3], ["spec.exemptions[0]", "spec.exemptions[1]", "Pod blue/noisy-00"]);
        assert_eq!(places[18..], ["Pod red/web", "Namespace shop"]);
        assert_eq!((counts.unused, counts.omitted_remarks), (34, 14));
    }
}
