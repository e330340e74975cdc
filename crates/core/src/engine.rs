//! Runs the rules of a profile over a workload.

use crate::finding::{Finding, Verdict};
use crate::reference::{Reference, ReferenceError};
use crate::rules::{self, Policy, Rule, Subject};
use crate::tag::{Classification, Classifier};
use crate::workload::{Container, Origin, Workload};

/// Which rules are on.
#[derive(Debug, Clone)]
pub struct Profile {
    rules: Vec<&'static dyn Rule>,
}

impl Profile {
    /// The recommended profile (`rules.md`, section 5).
    pub fn recommended() -> Self {
        Self { rules: rules::registry().to_vec() }
    }

    /// The rules that are on, in the order of the registry.
    pub fn rules(&self) -> &[&'static dyn Rule] {
        &self.rules
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::recommended()
    }
}

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
#[derive(Debug, Clone, Default)]
pub struct Engine {
    profile: Profile,
    classifier: Classifier,
}

impl Engine {
    /// Judges by a profile, with what the policy declares and the cluster proved of images.
    pub fn new(profile: Profile, classifier: Classifier) -> Self {
        Self { profile, classifier }
    }

    /// The recommended profile, with nothing declared and nothing proven.
    pub fn recommended() -> Self {
        Self::default()
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
                self.judge_container(index, container, workload.origin, read(container.image.raw()))
            })
            .collect()
    }

    fn judge_container(
        &self,
        index: usize,
        container: &Container,
        origin: Origin,
        image: ReadImage,
    ) -> Verdict {
        let ReadImage { reference, classification } = image;
        let effective_pull_policy = container.effective_pull_policy();
        let findings = self.findings(&Subject {
            container,
            origin,
            reference: reference.as_ref(),
            classification: &classification,
            effective_pull_policy,
        });
        Verdict { container: index, reference, classification, effective_pull_policy, findings }
    }

    fn findings(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.profile.rules.iter().filter_map(|rule| finding(*rule, subject)).collect();
        // What does not parse is never a pass.
        if subject.reference.is_ok() {
            for policy in Policy::ALL {
                if findings.iter().all(|finding| finding.rule.policy != policy) {
                    findings.push(rules::pass(policy, subject));
                }
            }
        }
        findings.sort_by_key(|finding| finding.rule.policy);
        findings
    }
}

fn finding(rule: &'static dyn Rule, subject: &Subject<'_>) -> Option<Finding> {
    let violation = rule.check(subject)?;
    Some(Finding {
        rule: rule.meta(),
        outcome: violation.outcome,
        severity: violation.severity,
        message: violation.message,
        resolution: violation.resolution,
    })
}
