//! Every exemption that a caller may know of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tagwatch_core::exemption::{AnnotationLevel, ExemptionSource};
use tagwatch_core::issue::{ExemptionReview, PolicyExemptionState};
use tagwatch_core::policy::ExemptionProblem;
use tagwatch_core::text::UntrustedText;

use crate::filter::{Exempt, ExemptionState, Filter};
use crate::snapshot::Workload;
use crate::url::address;
use crate::view::View;

pub(super) struct ListedExemption {
    pub(super) state: ExemptionState,
    pub(super) source: UntrustedText,
    pub(super) href: Option<String>,
    pub(super) reason: Option<UntrustedText>,
    pub(super) problem: Option<String>,
    pub(super) rules: BTreeSet<&'static str>,
    /// Issues that the caller may see.
    pub(super) issues: usize,
    pub(super) expires: Option<Date>,
}

/// Where an exemption is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Policy(usize),
    Namespace(UntrustedText),
    /// Level, namespace, kind, name.
    Workload(AnnotationLevel, UntrustedText, UntrustedText, UntrustedText),
}

/// Every exemption, unordered. Callers who may not see every namespace get those that exempt something which they see:
/// the others name what they may not know.
pub(super) fn all(view: &View) -> Vec<ListedExemption> {
    let mut active = active(view);
    let mut others = annotations_without_effect(view);
    if view.sees_all() {
        others.extend(policy_without_effect(view, &mut active));
    }
    active.into_values().chain(others).collect()
}

/// Exemptions that exempt issues, by place.
fn active(view: &View) -> BTreeMap<Place, ListedExemption> {
    let mut active: BTreeMap<Place, ListedExemption> = BTreeMap::new();
    for found in view.issues() {
        let Some(exemption) = &found.issue.exemption else { continue };
        let place = match exemption.source {
            ExemptionSource::Policy(index) => Place::Policy(index),
            ExemptionSource::Annotation(level) => Place::of(level, found.workload),
        };
        let entry = active.entry(place).or_insert_with_key(|place| ListedExemption {
            state: ExemptionState::Active,
            source: place.words().into(),
            href: Some(place.href()),
            reason: Some(exemption.reason.clone()),
            problem: None,
            rules: BTreeSet::new(),
            issues: 0,
            expires: exemption.expires,
        });
        entry.rules.insert(found.issue.rule.id);
        entry.issues += 1;
    }
    active
}

/// Annotations that exempt nothing, with the reason.
fn annotations_without_effect(view: &View) -> Vec<ListedExemption> {
    let mut review: ExemptionReview<UntrustedText> = ExemptionReview::default();
    let mut listed = Vec::new();
    for workload in view.workloads() {
        let remarks = workload.exemptions.as_deref().map_or(&[][..], |outcome| &outcome.remarks);
        review.add_remarks(&workload.namespace, remarks, || ());
        for remark in remarks.iter().filter(|remark| remark.level != AnnotationLevel::Namespace) {
            let place = Place::of(remark.level, workload);
            listed.push(ListedExemption::without_effect(&place, remark.problem, remark.message.clone()));
        }
    }
    for (namespace, problem, message, ()) in review.namespace_remarks() {
        let place = Place::Namespace(namespace.clone());
        listed.push(ListedExemption::without_effect(&place, problem, message.to_owned()));
    }
    listed
}

/// Exemptions of the policy that are over, or exempt nothing. Of those that exempt issues which are not shown, `active`
/// gets an entry.
fn policy_without_effect(view: &View, active: &mut BTreeMap<Place, ListedExemption>) -> Vec<ListedExemption> {
    let Some(engine) = &view.facts().engine else { return Vec::new() };
    let mut review: ExemptionReview<UntrustedText> = ExemptionReview::default();
    for workload in view.workloads() {
        review.add_used(workload.exemptions.iter().flat_map(|outcome| outcome.used.iter().copied()));
    }
    let policy = engine.policy();
    let mut listed = Vec::new();
    let states = review.policy_states(policy, engine.today());
    for ((index, exemption), state) in policy.exemptions().iter().enumerate().zip(states) {
        let (place, rules) = (Place::Policy(index), exemption.rules().unwrap_or(&["all"]));
        let (state, problem) = match state {
            PolicyExemptionState::Active => (ExemptionState::Active, None),
            PolicyExemptionState::Expired(_) => (ExemptionState::Expired, None),
            PolicyExemptionState::Unused if view.facts().is_policy_unchecked => continue,
            PolicyExemptionState::Unused => {
                (ExemptionState::Unused, Some("There is no finding that it would exempt.".to_owned()))
            }
        };
        let entry = ListedExemption {
            state,
            source: place.words().into(),
            href: None,
            reason: Some(exemption.reason.clone()),
            problem,
            rules: rules.iter().copied().collect(),
            issues: 0,
            expires: exemption.expires,
        };
        if state == ExemptionState::Active {
            active.entry(place).or_insert(entry);
        } else {
            listed.push(entry);
        }
    }
    listed
}

impl ListedExemption {
    fn without_effect(place: &Place, problem: ExemptionProblem, message: String) -> Self {
        let state = match problem {
            ExemptionProblem::Expired => ExemptionState::Expired,
            ExemptionProblem::Unused => ExemptionState::Unused,
            // The second is never said of what lives in a cluster.
            ExemptionProblem::NotHonoured | ExemptionProblem::Undecided => ExemptionState::NotHonoured,
        };
        Self {
            state,
            source: place.words().into(),
            href: Some(place.href()),
            reason: None,
            problem: Some(message),
            rules: BTreeSet::new(),
            issues: 0,
            expires: None,
        }
    }
}

impl Place {
    fn of(level: AnnotationLevel, workload: &Workload) -> Self {
        let Workload { namespace, kind, name, .. } = workload;
        match level {
            AnnotationLevel::Namespace => Self::Namespace(namespace.clone()),
            level => Self::Workload(level, namespace.clone(), kind.clone(), name.clone()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Policy(index) => format!("spec.exemptions[{index}] of the policy"),
            Self::Namespace(namespace) => format!("annotation of Namespace {}", namespace.raw()),
            Self::Workload(level, namespace, kind, name) => {
                let of = if *level == AnnotationLevel::Template { "pod template of " } else { "" };
                format!("annotation of {of}{} {}/{}", kind.raw(), namespace.raw(), name.raw())
            }
        }
    }

    fn href(&self) -> String {
        match self {
            // The issues of one exemption are no filter: those that are exempt are.
            Self::Policy(_) => Filter { exempt: Some(Exempt::Yes), ..Filter::default() }.address(),
            Self::Namespace(namespace) => address("/namespaces", &[namespace]),
            Self::Workload(_, namespace, kind, name) => address("/workloads", &[namespace, kind, name]),
        }
    }
}
