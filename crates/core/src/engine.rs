//! Runs the rules of a policy over a workload.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;

use crate::finding::{Finding, Outcome, Verdict};
use crate::policy::{
    AnnotationRemark, AppliedExemption, Decision, ExemptionSource, Policy, Profile, WorkloadAnnotations,
};
use crate::reference::{Reference, ReferenceError};
use crate::rules::{self, Parameters, Rule, RuleMeta, RuleSetting, Subject};
use crate::tag::{Classification, Classifier};
use crate::workload::{Container, Workload, WorkloadId};

/// An image as read once: it depends on the text and on the classifier alone, so whoever judges many
/// workloads can keep it by image and hand it to [`Engine::judge_with`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadImage {
    /// The parsed image, or why it does not parse.
    pub reference: Result<Reference, ReferenceError>,
    /// How mutable the reference is.
    pub classification: Classification,
}

/// Everything that the engine says of a workload.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Whether the policy's scope has the workload. One that it does not have is not judged.
    pub in_scope: Decision,
    /// One for each container, in order.
    pub verdicts: Vec<Verdict>,
    /// Exemptions of the policy that exempted something here, by their index.
    pub exemptions_used: BTreeSet<usize>,
    /// Annotations that exempted nothing.
    pub remarks: Vec<AnnotationRemark>,
}

/// A policy, with all that it needs to judge. It holds no state: the same workload always gets the same verdicts,
/// from any thread.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Arc<Policy>,
    classifier: Classifier,
    today: Option<Date>,
    in_cluster: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self::recommended()
    }
}

impl Engine {
    /// Judges by a policy. As long as no day is [given](Self::on), nothing is exempt: an exemption may be over.
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        let policy = policy.into();
        let classifier = policy.classifier().clone();
        Self { policy, classifier, today: None, in_cluster: false }
    }

    /// Honours exemptions as they stand on a day, in UTC.
    #[must_use]
    pub fn on(mut self, today: Date) -> Self {
        self.today = Some(today);
        self
    }

    /// Judges what lives in a cluster. There a namespace whose labels nobody knows is one that cannot be read, and what
    /// a policy allows by labels is not allowed in it.
    #[must_use]
    pub fn in_cluster(mut self) -> Self {
        self.in_cluster = true;
        self
    }

    /// Adds references that the cluster saw resolve to several digests.
    #[must_use]
    pub fn with_proven_mutable<'a>(mut self, references: impl IntoIterator<Item = &'a Reference>) -> Self {
        self.classifier = self.classifier.with_proven_mutable(references);
        self
    }

    /// The day whose exemptions are honoured.
    pub fn today(&self) -> Option<Date> {
        self.today
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The recommended profile, with nothing declared and nothing proven.
    pub fn recommended() -> Self {
        Self::new(Policy::of(Profile::Recommended))
    }

    /// Parses and classifies an image.
    pub fn read_image(&self, image: &str) -> ReadImage {
        let reference = Reference::parse(image);
        let classification = self.classifier.classify(reference.as_ref());
        ReadImage { reference, classification }
    }

    /// Judges every container of a workload, in order. Never panics, whatever the workload holds.
    pub fn judge(&self, workload: &Workload) -> Vec<Verdict> {
        self.judge_with(workload, |image| self.read_image(image))
    }

    /// Judges as [`Self::judge`] does, but asks `read` for each image, which answers with what
    /// [`Self::read_image`] of an engine with the same classifier said: now, or earlier for the same text.
    pub fn judge_with(&self, workload: &Workload, read: impl FnMut(&str) -> ReadImage) -> Vec<Verdict> {
        self.assess(workload, read).verdicts
    }

    /// Judges as [`Self::judge_with`] does, and says what came of exemptions.
    pub fn assess(&self, workload: &Workload, mut read: impl FnMut(&str) -> ReadImage) -> Judgement {
        let labels = workload.namespace.as_ref().map(|namespace| &namespace.labels);
        let in_scope = self.policy.includes(workload.id.namespace.as_ref(), labels);
        let mut judgement = Judgement {
            in_scope,
            verdicts: Vec::new(),
            exemptions_used: BTreeSet::new(),
            remarks: Vec::new(),
        };
        if in_scope == Decision::No {
            return judgement;
        }
        let mut annotations =
            self.today.map(|today| self.policy.annotations(workload, today, self.in_cluster));
        for (index, container) in workload.containers.iter().enumerate() {
            let mut verdict = self.judge_container(index, container, workload, read(container.image.raw()));
            if let Some((today, annotations)) = self.today.zip(annotations.as_mut()) {
                let exempt = Exempt { policy: &self.policy, today, id: &workload.id, container };
                exempt.apply(&mut verdict, annotations, &mut judgement.exemptions_used);
            }
            rules::drop_repeated(container, &mut verdict.findings);
            judgement.verdicts.push(verdict);
        }
        judgement.remarks = annotations.map(WorkloadAnnotations::finish).unwrap_or_default();
        judgement
    }

    fn judge_container(
        &self,
        index: usize,
        container: &Container,
        workload: &Workload,
        image: ReadImage,
    ) -> Verdict {
        let ReadImage { reference, classification } = image;
        let effective_pull_policy = container.effective_pull_policy();
        let findings = findings(&Subject {
            container,
            origin: workload.origin,
            reference: reference.as_ref(),
            classification: &classification,
            effective_pull_policy,
            image_pull_secrets: workload.image_pull_secrets,
            always_pull_images: self.policy.always_pull_images(),
            rules: &self.policy.rules_for(&workload.id, container, reference.as_ref().ok()),
            parameters: &Parameters::default(),
        });
        Verdict { container: index, reference, classification, effective_pull_policy, findings }
    }
}

/// Makes skips of what is exempt. A pass needs no exemption, and uses none.
struct Exempt<'a> {
    policy: &'a Policy,
    today: Date,
    id: &'a WorkloadId,
    container: &'a Container,
}

impl Exempt<'_> {
    /// The policy's exemptions go before annotations, the first one that covers before the others.
    fn apply(
        &self,
        verdict: &mut Verdict,
        annotations: &mut WorkloadAnnotations,
        used: &mut BTreeSet<usize>,
    ) {
        let Verdict { reference, findings, .. } = verdict;
        let reference = reference.as_ref().ok();
        // What is repeated needs no exemption, and uses none either.
        self.exempt(findings, |rule| !rules::may_repeat(rule), reference, annotations, used);
        rules::drop_repeated(self.container, findings);
        self.exempt(findings, rules::may_repeat, reference, annotations, used);
    }

    /// Makes skips of findings of these rules.
    fn exempt(
        &self,
        findings: &mut [Finding],
        is_of: impl Fn(&RuleMeta) -> bool,
        reference: Option<&Reference>,
        annotations: &mut WorkloadAnnotations,
        used: &mut BTreeSet<usize>,
    ) {
        let of_rules = findings.iter_mut().filter(|finding| is_of(finding.rule));
        for finding in of_rules.filter(|finding| finding.outcome != Outcome::Pass) {
            let covering =
                self.policy.exempting(self.id, self.container, reference, finding.rule, self.today);
            let mut exemption = None;
            for (index, covers) in covering {
                used.insert(index);
                exemption = exemption.or_else(|| {
                    Some(AppliedExemption {
                        reason: covers.reason.clone(),
                        source: ExemptionSource::Policy(index),
                        expires: covers.expires,
                    })
                });
            }
            let annotation = annotations.exempts(self.container.name.raw(), finding.rule);
            if let Some(exemption) = exemption.or(annotation) {
                finding.outcome = Outcome::Skip;
                finding.exemption = Some(exemption);
            }
        }
    }
}

fn findings(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        subject.rules.enabled().filter_map(|(rule, setting)| finding(rule, setting, subject)).collect();
    for policy in rules::Policy::ALL {
        if findings.iter().all(|finding| finding.rule.policy != policy) {
            findings.extend(rules::pass(policy, subject));
        }
    }
    findings.sort_by_key(|finding| finding.rule.policy);
    findings
}

fn finding(rule: &'static dyn Rule, setting: &RuleSetting, subject: &Subject<'_>) -> Option<Finding> {
    let subject = Subject { parameters: &setting.parameters, ..*subject };
    let violation = rule.check(&subject)?;
    let meta = rule.meta();
    let outcome = match setting.outcome {
        Some(outcome) if meta.policy == rules::Policy::ImageTag => subject.tag_outcome(outcome),
        Some(outcome) => outcome,
        None => violation.outcome,
    };
    Some(Finding {
        rule: meta,
        outcome,
        severity: setting.severity.unwrap_or(violation.severity),
        message: violation.message,
        resolution: violation.resolution,
        exemption: None,
    })
}
