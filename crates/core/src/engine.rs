//! Runs the rules of a policy over a workload.

use crate::finding::{Finding, Verdict};
use crate::policy::Profile;
use crate::reference::{Reference, ReferenceError};
use crate::rules::{self, Parameters, Policy, Rule, RuleSet, RuleSetting, Subject};
use crate::tag::{Classification, Classifier};
use crate::workload::{Container, Workload};

/// An image as read once: it depends on the text and on the classifier alone, so whoever judges many
/// workloads can keep it by image and hand it to [`Engine::judge_with`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadImage {
    /// The parsed image, or why it does not parse.
    pub reference: Result<Reference, ReferenceError>,
    /// How mutable the reference is.
    pub classification: Classification,
}

/// The rules that are on, with all that they need to judge. It holds no state: the same workload always gets
/// the same verdicts, from any thread.
#[derive(Debug, Clone)]
pub struct Engine {
    rules: RuleSet,
    classifier: Classifier,
}

impl Default for Engine {
    fn default() -> Self {
        Self::recommended()
    }
}

impl Engine {
    /// Judges by a set of rules, with what the policy declares and the cluster proved of images.
    pub fn new(rules: RuleSet, classifier: Classifier) -> Self {
        Self { rules, classifier }
    }

    /// The recommended profile, with nothing declared and nothing proven.
    pub fn recommended() -> Self {
        Self::new(Profile::Recommended.rules(), Classifier::default())
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
    pub fn judge_with(&self, workload: &Workload, mut read: impl FnMut(&str) -> ReadImage) -> Vec<Verdict> {
        workload
            .containers
            .iter()
            .enumerate()
            .map(|(index, container)| {
                self.judge_container(index, container, workload, read(container.image.raw()))
            })
            .collect()
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
            always_pull_images: false,
            rules: &self.rules,
            parameters: &Parameters::default(),
        });
        Verdict { container: index, reference, classification, effective_pull_policy, findings }
    }
}

fn findings(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        subject.rules.enabled().filter_map(|(rule, setting)| finding(rule, setting, subject)).collect();
    for policy in Policy::ALL {
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
        Some(outcome) if meta.policy == Policy::ImageTag => subject.tag_outcome(outcome),
        Some(outcome) => outcome,
        None => violation.outcome,
    };
    Some(Finding {
        rule: meta,
        outcome,
        severity: setting.severity.unwrap_or(violation.severity),
        message: violation.message,
        resolution: violation.resolution,
    })
}
