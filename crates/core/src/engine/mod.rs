//! Runs the rules of a policy over a workload.

mod exempting;
mod findings;
mod pass;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::finding::Verdict;
use crate::policy::{AnnotationRemark, Decision, Policy, PolicyPart, Profile, WorkloadAnnotations};
use crate::pull_policy::{ComposePullPolicy, PullPolicy};
use crate::reference::{Reference, ReferenceError};
use crate::rules::{Parameters, RuleSet, Subject};
use crate::tag::{Classification, Classifier};
use crate::workload::{Container, Origin, Workload};
use exempting::Exempting;

/// A parsed and classified image. It depends on the text and on the policy alone, so a caller can keep it by image
/// and hand it to [`Engine::assess`] again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadImage {
    /// The parsed image, or why it does not parse.
    pub reference: Result<Reference, ReferenceError>,
    /// How mutable the reference is, by its text and the policy. What a cluster proved of it is the evidence of a container.
    pub classification: Classification,
    /// The entries of the policy that match it.
    pub parts: Vec<PolicyPart>,
}

/// Everything that the engine says about a workload.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Whether the workload is in the policy's scope. Outside of it, there are no verdicts.
    pub in_scope: Decision,
    /// One for each container, in order.
    pub verdicts: Vec<Verdict>,
    /// Exemptions of the policy that exempted something here, by their index.
    pub exemptions_used: BTreeSet<usize>,
    /// Overrides of the policy that were applied to a container, and its entries that match an image.
    pub parts_used: BTreeSet<PolicyPart>,
    /// Annotations that exempted nothing.
    pub remarks: Vec<AnnotationRemark>,
    /// In how long the workload has to be judged again, because a grace time of a rule ends then; `None` when none is
    /// running. No event announces it.
    pub due_in: Option<Duration>,
}

/// A policy, with everything needed to judge by it. It holds no state: the same workload always gets the same verdicts,
/// from any thread.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Arc<Policy>,
    classifier: Classifier,
    today: Option<Date>,
    in_cluster: bool,
    describes_passes: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self::recommended()
    }
}

impl Engine {
    /// Judges by a policy. Until a day is [set](Self::on), nothing is exempt: an exemption may have expired.
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        let policy = policy.into();
        let classifier = policy.classifier().clone();
        Self { policy, classifier, today: None, in_cluster: false, describes_passes: true }
    }

    /// Honours the exemptions that apply on a day, in UTC.
    #[must_use]
    pub fn on(mut self, today: Date) -> Self {
        self.today = Some(today);
        self
    }

    /// Judges objects of a cluster. A namespace without known labels is one that cannot be read there, and what a policy
    /// allows by labels is not allowed in it.
    #[must_use]
    pub fn in_cluster(mut self) -> Self {
        self.in_cluster = true;
        self
    }

    /// Leaves the messages of passes empty, for callers that only count them. Most results are passes.
    #[must_use]
    pub fn with_undescribed_passes(mut self) -> Self {
        self.describes_passes = false;
        self
    }

    /// The day whose exemptions are honoured.
    pub fn today(&self) -> Option<Date> {
        self.today
    }

    /// The policy that the engine judges by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The recommended profile, with nothing declared.
    pub fn recommended() -> Self {
        Self::new(Policy::of(Profile::Recommended))
    }

    /// Parses and classifies an image.
    pub fn read_image(&self, image: &str) -> ReadImage {
        let reference = Reference::parse(image);
        let classification = self.classifier.classify(reference.as_ref());
        let parts =
            reference.as_ref().map(|reference| self.policy.parts_of_image(reference)).unwrap_or_default();
        ReadImage { reference, classification, parts }
    }

    /// Judges every container of a workload, in order. Never panics, whatever the workload holds.
    pub fn judge(&self, workload: &Workload) -> Vec<Verdict> {
        self.assess(workload, |image| self.read_image(image)).verdicts
    }

    /// Judges as [`Self::judge`] does, and reports on scope, exemptions and time limits too. Each image comes from `read`,
    /// which returns what [`Self::read_image`] of an engine with the same policy returned for the same text, now or
    /// earlier.
    pub fn assess(&self, workload: &Workload, mut read: impl FnMut(&str) -> ReadImage) -> Judgement {
        let labels = workload.namespace.as_ref().map(|namespace| &namespace.labels);
        let in_scope = self.policy.includes(workload.id.namespace.as_ref(), labels);
        let mut judgement = Judgement {
            in_scope,
            verdicts: Vec::new(),
            exemptions_used: BTreeSet::new(),
            parts_used: BTreeSet::new(),
            remarks: Vec::new(),
            due_in: None,
        };
        if in_scope == Decision::No {
            return judgement;
        }
        let mut annotations =
            self.today.map(|today| self.policy.annotations(workload, today, self.in_cluster));
        for (index, container) in workload.containers.iter().enumerate() {
            let exempting = self.today.zip(annotations.as_mut()).map(|(today, annotations)| Exempting {
                policy: &self.policy,
                today,
                id: &workload.id,
                annotations,
                used: &mut judgement.exemptions_used,
            });
            let mut image = read(container.image.raw());
            judgement.parts_used.extend(image.parts.iter().copied());
            // The evidence that `moved-tag` reports, so that class and finding of one evaluation never contradict each other.
            if container.drift.as_ref().is_some_and(|drift| drift.proves_own_reference()) {
                image.classification = image.classification.with_proof();
            }
            let rules =
                self.policy.rules_for(&workload.id, container, image.reference.as_ref().ok(), |used| {
                    judgement.parts_used.insert(used);
                });
            let (verdict, due_in) =
                self.judge_container((index, container), workload, image, &rules, exempting);
            judgement.verdicts.push(verdict);
            judgement.due_in = judgement.due_in.into_iter().chain(due_in).min();
        }
        judgement.remarks = annotations.map(WorkloadAnnotations::finish).unwrap_or_default();
        judgement
    }

    fn judge_container(
        &self,
        (index, container): (usize, &Container),
        workload: &Workload,
        image: ReadImage,
        rules: &RuleSet,
        exempting: Option<Exempting<'_>>,
    ) -> (Verdict, Option<Duration>) {
        let ReadImage { reference, classification, parts: _ } = image;
        let parsed = reference.as_ref().ok();
        let effective_pull_policy = match workload.origin {
            Origin::Compose(_) => nearest(ComposePullPolicy::of(container.pull_policy.as_ref())),
            _ => container.effective_pull_policy_of(parsed),
        };
        let subject = Subject {
            container,
            origin: workload.origin,
            reference: reference.as_ref(),
            classification: &classification,
            effective_pull_policy,
            image_pull_secrets: workload.image_pull_secrets,
            // An admission plugin of Kubernetes.
            always_pull_images: self.policy.always_pull_images()
                && !matches!(workload.origin, Origin::Compose(_)),
            rules,
            parameters: &Parameters::default(),
        };
        let findings = findings::findings(&subject, exempting, self.describes_passes);
        let due_in = findings::due_in(&subject);
        (Verdict { container: index, reference, classification, effective_pull_policy, findings }, due_in)
    }
}

/// What a pull policy of Compose comes to in the words of Kubernetes, for rules that ask whether each start pulls.
fn nearest(policy: ComposePullPolicy) -> PullPolicy {
    match policy {
        ComposePullPolicy::Always => PullPolicy::Always,
        ComposePullPolicy::Never => PullPolicy::Never,
        ComposePullPolicy::Missing | ComposePullPolicy::Build | ComposePullPolicy::Refresh(_) => {
            PullPolicy::IfNotPresent
        }
    }
}
