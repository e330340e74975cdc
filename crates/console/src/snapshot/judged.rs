//! From what the engine says of a workload to what the console shows of it.

use jiff::Timestamp;
use tagwatch_core::finding::{Finding, Outcome, Verdict};
use tagwatch_core::rules::Policy;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{self, Container};

use super::{ContainerFacts, Issue, Mend, Status, Workload, kind_label};

/// A workload with its verdicts.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The workload.
    pub workload: &'a workload::Workload,
    /// What the engine says of it.
    pub verdicts: &'a [Verdict],
    /// How its images can be changed.
    pub mend: Mend,
}

/// What the stored report says of a finding.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The key of the result.
    pub id: String,
    /// The keys that it has under other results.
    pub other_ids: Box<[Box<str>]>,
    /// When it was first seen.
    pub first_seen: Timestamp,
}

impl Judged<'_> {
    /// The workload as it is shown, without history: that is for the caller to fill in. `seen` is asked for each
    /// finding that is not a pass.
    pub fn facts(&self, mut seen: impl FnMut(&Container, &Finding) -> Seen) -> Workload {
        let id = &self.workload.id;
        let mut issues = Vec::new();
        for (container, verdict) in self.containers() {
            let findings = verdict.findings.iter().filter(|finding| finding.outcome != Outcome::Pass);
            issues.extend(findings.map(|finding| issue(container, finding, seen(container, finding))));
        }
        Workload {
            namespace: id.namespace.clone().unwrap_or_default(),
            kind: kind_label(&id.api_version, &id.kind),
            name: id.name.clone(),
            status: Status::of(issues.iter().map(|issue| issue.outcome)),
            reason: None,
            mend: self.mend,
            containers: self.containers().map(|(container, verdict)| facts(container, verdict)).collect(),
            issues,
            closed: Vec::new(),
            image_changes: Vec::new(),
        }
    }

    fn containers(&self) -> impl Iterator<Item = (&Container, &Verdict)> {
        let containers = &self.workload.containers;
        self.verdicts.iter().filter_map(|verdict| Some((containers.get(verdict.container)?, verdict)))
    }
}

fn facts(container: &Container, verdict: &Verdict) -> ContainerFacts {
    ContainerFacts {
        name: container.name.clone(),
        container_type: container.container_type,
        image: container.image.clone(),
        tag_class: verdict.classification.class,
        matched: verdict.classification.matched.as_deref().map(UntrustedText::from),
        pull_policy: container.pull_policy.clone(),
        effective_pull_policy: verdict.effective_pull_policy,
    }
}

fn issue(container: &Container, finding: &Finding, seen: Seen) -> Issue {
    let evidence = finding.evidence(container);
    Issue {
        id: seen.id,
        other_ids: seen.other_ids,
        rule: finding.rule,
        severity: finding.severity,
        outcome: finding.outcome,
        container: container.name.clone(),
        container_type: container.container_type,
        image: container.image.clone(),
        message: finding.message.as_str().into(),
        resolution: finding.resolution.as_str().into(),
        evidence_line: marked_line(&evidence, container, finding.rule.policy),
        evidence: evidence.into(),
        field_path: container.field_path.clone(),
        first_seen: seen.first_seen,
        exemption: finding.exemption.clone(),
    }
}

/// The line that holds the value which the rule judged: the pull policy where one is written and the rule is about
/// that, else the image. Values stand on the line of their key, so no value can be taken for a key.
fn marked_line(evidence: &str, container: &Container, policy: Policy) -> usize {
    let kind = container.container_type;
    let line_of = |field: &str| {
        let key = format!("{field}: ");
        evidence.lines().position(|line| line.trim_start().starts_with(&key))
    };
    let pull_policy =
        (policy == Policy::ImagePullPolicy).then(|| line_of(kind.pull_policy_field())).flatten();
    pull_policy.or_else(|| line_of(kind.image_field())).unwrap_or_default()
}
