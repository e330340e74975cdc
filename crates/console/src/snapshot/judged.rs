//! From what the engine says of a workload to what the console shows of it.

use jiff::Timestamp;
use tagwatch_core::finding::{Finding, Outcome, Verdict};
use tagwatch_core::kinds::kind_label;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::{Policy, RuleMeta};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{self, Container};

use super::{ContainerFacts, Issue, Mend, Status, Workload};

/// The rule about images that do not come.
pub(crate) const PULL_FAILING: &str = "image-pull-failing";

/// A workload with its verdicts.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The workload.
    pub workload: &'a workload::Workload,
    /// What the engine says of it.
    pub verdicts: &'a [Verdict],
    /// What it was judged by.
    pub policy: &'a tagwatch_core::policy::Policy,
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
    /// The workload as it is shown, without history: that is for the caller to fill in. `mend` is asked for each
    /// container, and `seen` for each finding that is not a pass.
    pub fn facts(
        &self,
        mend: impl Fn(&Container) -> Mend,
        mut seen: impl FnMut(&Container, &Finding) -> Seen,
    ) -> Workload {
        let id = &self.workload.id;
        let mut issues = Vec::new();
        for (container, verdict) in self.containers() {
            let findings = verdict.findings.iter().filter(|finding| finding.outcome != Outcome::Pass);
            for finding in findings {
                let allowed = self.allowed_pull_policies(container, verdict, finding);
                issues.push(issue(container, finding, (mend(container), allowed), seen(container, finding)));
            }
        }
        Workload {
            namespace: id.namespace.clone().unwrap_or_default(),
            kind: kind_label(id.api_version.raw(), id.kind.raw()).into(),
            name: id.name.clone(),
            status: Status::of(issues.iter().map(|issue| issue.outcome)),
            reason: None,
            containers: self.containers().map(|(container, verdict)| facts(container, verdict)).collect(),
            issues,
            closed: Vec::new(),
            is_history_full: false,
            image_changes: Vec::new(),
        }
    }

    /// Only findings about pull policies are mended by one.
    fn allowed_pull_policies(
        &self,
        container: &Container,
        verdict: &Verdict,
        finding: &Finding,
    ) -> Box<[PullPolicy]> {
        if finding.rule.policy != Policy::ImagePullPolicy {
            return Box::default();
        }
        let reference = verdict.reference.as_ref().ok();
        self.policy.allowed_pull_policies(&self.workload.id, container, reference).into()
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

fn issue(
    container: &Container,
    finding: &Finding,
    (mend, allowed_pull_policies): (Mend, Box<[PullPolicy]>),
    seen: Seen,
) -> Issue {
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
        evidence_line: marked_line(&evidence, container, finding.rule),
        evidence: evidence.into(),
        field_path: container.field_path.clone(),
        mend,
        allowed_pull_policies,
        first_seen: seen.first_seen,
        exemption: finding.exemption.clone(),
    }
}

/// The line that holds the value which the rule judged: the pull policy where one is written and the rule is about
/// that; of what ran, the line above the digests, of which none is the wrong one as far as anybody knows, or why the
/// image does not come; else the image. Values stand on the line of their key, so no value can be taken for a key.
fn marked_line(evidence: &str, container: &Container, rule: &RuleMeta) -> usize {
    let kind = container.container_type;
    let line_of = |key: &str| evidence.lines().position(|line| line.trim_start().starts_with(key));
    let digests = || line_of("podsRun:").or_else(|| line_of("ranAs:"));
    let judged = match rule.policy {
        Policy::ImagePullPolicy => line_of(&format!("{}: ", kind.pull_policy_field())),
        Policy::ImageDrift => line_of("- reason: ").filter(|_| rule.id == PULL_FAILING).or_else(digests),
        Policy::ImageTag => None,
    };
    judged.or_else(|| line_of(&format!("{}: ", kind.image_field()))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tagwatch_core::rules;
    use tagwatch_core::workload::ContainerType;

    use super::*;

    /// The line of an evidence that is marked for a rule.
    fn marked<'a>(evidence: &'a str, rule: &str) -> &'a str {
        let rule = rules::registry().iter().map(|rule| rule.meta()).find(|meta| meta.id == rule).unwrap();
        let container = Container {
            name: "web".into(),
            container_type: ContainerType::Container,
            image: "web:1".into(),
            pull_policy: None,
            field_path: String::new(),
            observed: None,
            drift: None,
        };
        evidence.lines().nth(marked_line(evidence, &container, rule)).unwrap().trim()
    }

    #[test]
    fn the_value_that_a_rule_judged_is_marked() {
        let written = "- name: web\n  image: web:1\n  imagePullPolicy: Never\n";
        assert_eq!(marked(written, "floating-tag"), "image: web:1");
        assert_eq!(marked(written, "stale-pull-policy"), "imagePullPolicy: Never");
        assert_eq!(marked("- name: web\n  image: web:1\n", "stale-pull-policy"), "image: web:1");
        let ran = "container: web\npodsRun:\n- digest: sha256:a\n  pods: 1\n- digest: sha256:b\n  pods: 1\n";
        assert_eq!(marked(ran, "mixed-digests"), "podsRun:");
        let failing = format!("{ran}podsWait:\n- reason: ErrImagePull\n");
        assert_eq!(marked(&failing, "image-pull-failing"), "- reason: ErrImagePull");
        assert_eq!(marked(&failing, "moved-tag"), "podsRun:");
        assert_eq!(marked("container: web\nranAs:\n- digest: sha256:a\n", "moved-tag"), "ranAs:");
    }
}
