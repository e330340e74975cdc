//! What became of exemptions, in one workload and over all of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::engine::Judgement;
use crate::exemption::{AnnotationLevel, ExemptionSource};
use crate::policy::{AnnotationRemark, ExemptionProblem, Policy};

/// What became of exemptions in one workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExemptionOutcome {
    /// Exemptions of the policy that exempted something, by their index.
    pub used: Box<[usize]>,
    /// Levels whose annotation exempted something.
    pub annotations: Box<[AnnotationLevel]>,
    /// The last day of the first of these annotations to expire.
    pub until: Option<Date>,
    /// Annotations that exempted nothing.
    pub remarks: Box<[AnnotationRemark]>,
}

impl ExemptionOutcome {
    /// That of a workload; `None` where no exemption concerns it, as for most.
    pub fn of(judgement: &Judgement) -> Option<Box<Self>> {
        let findings = judgement.verdicts.iter().flat_map(|verdict| &verdict.findings);
        let by_annotation = findings.filter_map(|finding| {
            let exemption = finding.exemption.as_ref()?;
            match exemption.source {
                ExemptionSource::Annotation(level) => Some((level, exemption.expires)),
                ExemptionSource::Policy(_) => None,
            }
        });
        let (annotations, until): (BTreeSet<AnnotationLevel>, Vec<Option<Date>>) = by_annotation.unzip();
        let outcome = Self {
            until: until.into_iter().flatten().min(),
            used: judgement.exemptions_used.iter().copied().collect(),
            annotations: annotations.into_iter().collect(),
            remarks: judgement.remarks.clone().into(),
        };
        (outcome != Self::default()).then(|| Box::new(outcome))
    }
}

/// What became of one exemption of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyExemptionState {
    /// It exempts at least one finding.
    Active,
    /// Its last day was this one.
    Expired(Date),
    /// It exempts no finding.
    Unused,
}

/// What became of exemptions over many workloads: which ones of the policy are used, and which annotations of
/// namespaces are not. `N` names a namespace, `P` says where a remark was first met.
#[derive(Debug)]
pub struct ExemptionReview<N, P = ()> {
    used: BTreeSet<usize>,
    workloads: BTreeMap<N, usize>,
    /// Remarks on annotations of namespaces, each with the number of workloads that have it.
    remarks: BTreeMap<(N, ExemptionProblem, String), (usize, P)>,
}

impl<N, P> Default for ExemptionReview<N, P> {
    fn default() -> Self {
        Self { used: BTreeSet::new(), workloads: BTreeMap::new(), remarks: BTreeMap::new() }
    }
}

impl<N: Ord + Clone, P> ExemptionReview<N, P> {
    /// Adds the exemptions of the policy that a workload uses.
    pub fn add_used(&mut self, used: impl IntoIterator<Item = usize>) {
        self.used.extend(used);
    }

    /// Adds what a workload says of its namespace's annotation.
    pub fn add_remarks(&mut self, namespace: &N, remarks: &[AnnotationRemark], place: impl Fn() -> P) {
        *self.workloads.entry(namespace.clone()).or_default() += 1;
        for remark in remarks.iter().filter(|remark| remark.level == AnnotationLevel::Namespace) {
            let key = (namespace.clone(), remark.problem, remark.message.clone());
            self.remarks.entry(key).or_insert_with(|| (0, place())).0 += 1;
        }
    }

    /// Remarks on annotations of namespaces: namespace, problem, words, and where it was first met. An entry that one
    /// workload uses is not unused.
    pub fn namespace_remarks(&self) -> impl Iterator<Item = (&N, ExemptionProblem, &str, &P)> {
        self.remarks.iter().filter_map(|((namespace, problem, message), (count, place))| {
            let is_used =
                *problem == ExemptionProblem::Unused && self.workloads.get(namespace) != Some(count);
            (!is_used).then_some((namespace, *problem, message.as_str(), place))
        })
    }

    /// The state of each exemption of the policy, in order. Without a day none is expired.
    pub fn policy_states<'a>(
        &'a self,
        policy: &'a Policy,
        today: Option<Date>,
    ) -> impl Iterator<Item = PolicyExemptionState> + 'a {
        policy.exemptions().iter().enumerate().map(move |(index, exemption)| {
            let is_over = today.is_some_and(|today| !exemption.is_active(today));
            match exemption.expires {
                Some(last) if is_over => PolicyExemptionState::Expired(last),
                _ if self.used.contains(&index) => PolicyExemptionState::Active,
                _ => PolicyExemptionState::Unused,
            }
        })
    }
}
