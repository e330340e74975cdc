//! From the issues of a workload to what the console shows of it.

use tagwatch_core::engine::Engine;
use tagwatch_core::finding::Verdict;
use tagwatch_core::issue::{EditMode, ExemptionOutcome, Issue, ResultId, ResultKeys, Status};
use tagwatch_core::kinds::kind_label;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::Policy;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::{RuleGroup, ids};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{self, Container};

use super::fix::{ClosingChanges, fixes};
use super::{ContainerFacts, ContainerFix, Workload};

/// Most issues of one workload that are kept: the worst ones. Of each, the words take about a kilobyte.
const MAX_ISSUES: usize = 2_000;

/// A workload with the engine's verdicts on it, from which [`Workload`] is made.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub struct WorkloadInput<'a> {
    pub workload: &'a workload::Workload,
    pub uid: &'a str,
    pub status: Status,
    /// What the engine says of it.
    pub verdicts: &'a [Verdict],
    pub issues: &'a [Issue],
    /// The engine that said it.
    pub engine: &'a Engine,
    /// What became of exemptions here.
    pub exemptions: Option<&'a ExemptionOutcome>,
}

/// Why a workload has no results although it is known.
const FAILED: &str = "tagwatch could not check this workload: the check ended in a bug of tagwatch (a panic). Its log \
                      says where; please report it. The report of this workload stays as it was.";

impl Workload {
    /// A workload on which the evaluation failed: an error, and no results.
    pub fn failed(workload: &workload::Workload, policy: &Policy) -> Self {
        Self { status: Status::Error, reason: Some(FAILED.to_owned()), ..Self::unjudged(workload, policy) }
    }

    /// What is known of a workload without results.
    fn unjudged(workload: &workload::Workload, policy: &Policy) -> Self {
        let id = &workload.id;
        let labels = workload.namespace.as_ref().map(|namespace| &namespace.labels);
        let team = policy.metric_labels().first().and_then(|label| labels?.get(label));
        Self {
            namespace: id.namespace.clone().unwrap_or_default(),
            kind: kind_label(id.api_version.raw(), id.kind.raw()).into(),
            name: id.name.clone(),
            status: Status::Compliant,
            reason: None,
            containers: Vec::new(),
            issues: Vec::new(),
            other_ids: Vec::new(),
            closed: Vec::new(),
            is_history_full: false,
            known_since: None,
            created: workload.created,
            image_changes: Vec::new(),
            namespace_facts: workload.namespace.clone(),
            team: team.map(|team| team.as_str().into()),
            exemptions: None,
        }
    }
}

impl WorkloadInput<'_> {
    /// The workload as it is shown, without history, which the caller fills in. `edit_mode` is asked for each container.
    pub fn facts(&self, edit_mode: impl Fn(&Container) -> EditMode) -> Workload {
        let (issues, left_out) = self.shown_issues();
        let keys = ResultKeys::new(self.uid, &self.workload.containers);
        let mut fixes = fixes(self.engine, self.workload, self.verdicts);
        let mut fix =
            |verdict: &Verdict| fixes.get_mut(verdict.container).map(std::mem::take).unwrap_or_default();
        let judged = self
            .verdicts
            .iter()
            .filter_map(|verdict| Some((self.workload.containers.get(verdict.container)?, verdict)));
        let mut containers: Vec<ContainerFacts> = judged
            .map(|(container, verdict)| {
                self.container(container, verdict, edit_mode(container), fix(verdict))
            })
            .collect();
        // There are as many of these as workloads, and most have a container or two.
        containers.shrink_to_fit();
        Workload {
            status: self.status,
            reason: self.reason(left_out),
            containers,
            other_ids: issues.iter().map(|issue| other_ids(&keys, issue)).collect(),
            issues,
            known_since: self.issues.iter().map(|issue| issue.first_seen).min(),
            exemptions: self.exemptions.cloned().map(Box::new),
            ..Workload::unjudged(self.workload, self.engine.policy())
        }
    }

    /// Issues that do not pass, the worst ones where there are too many, and how many are left out.
    fn shown_issues(&self) -> (Vec<Issue>, usize) {
        let mut issues: Vec<(usize, &Issue)> =
            self.issues.iter().enumerate().filter(|(_, issue)| issue.outcome != Outcome::Pass).collect();
        let left_out = issues.len().saturating_sub(MAX_ISSUES);
        if left_out > 0 {
            issues.sort_by_key(|(at, issue)| (issue.is_exempt(), issue.severity, issue.outcome, *at));
            issues.truncate(MAX_ISSUES);
            issues.sort_by_key(|(at, _)| *at);
        }
        (issues.into_iter().map(|(_, issue)| issue.clone()).collect(), left_out)
    }

    /// What is not shown, or not checked.
    fn reason(&self, left_out: usize) -> Option<String> {
        let limits = self.workload.limits.iter().map(|limit| limit.words().to_owned());
        let left_out = (left_out > 0).then(|| format!("{left_out} more issues are not shown"));
        let reasons: Vec<String> = limits.chain(left_out).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    fn container(
        &self,
        container: &Container,
        verdict: &Verdict,
        edit_mode: EditMode,
        (fix, closing): (Option<ContainerFix>, ClosingChanges),
    ) -> ContainerFacts {
        ContainerFacts {
            name: container.name.clone(),
            container_type: container.container_type,
            image: container.image.clone(),
            tag_class: verdict.classification.class,
            matched: verdict.classification.matched.as_deref().map(UntrustedText::from),
            pull_policy: container.pull_policy.clone(),
            effective_pull_policy: verdict.effective_pull_policy,
            edit_mode,
            allowed_pull_policies: self.allowed_pull_policies(container, verdict),
            fix,
            closing,
        }
    }

    /// Another pull policy fixes findings about pull policies alone.
    fn allowed_pull_policies(&self, container: &Container, verdict: &Verdict) -> Box<[PullPolicy]> {
        let mut findings = verdict.findings.iter().filter(|finding| finding.outcome != Outcome::Pass);
        if !findings.any(|finding| finding.rule.group == RuleGroup::ImagePullPolicy) {
            return Box::default();
        }
        let reference = verdict.reference.as_ref().ok();
        self.engine.policy().allowed_pull_policies(&self.workload.id, container, reference).into()
    }
}

/// The keys that an issue had if its outcome, or whether its image is part of its keys, was another.
fn other_ids(keys: &ResultKeys<'_>, issue: &Issue) -> Box<[ResultId]> {
    let moved = Outcome::ALL.map(|outcome| keys.under_other_images(issue, outcome));
    keys.under_other_outcomes(issue).chain(moved).collect()
}

/// The line of an issue's evidence, from 0, with the value that the rule is about: the pull policy where one is written
/// and the rule is about that; for digests, the line above them, of which none is known to be the wrong one, or why the
/// pull fails; else the image. Values are on the line of their key, so no value can be taken for a key.
pub(crate) fn evidence_line(issue: &Issue) -> usize {
    let Issue { rule, container_type, evidence, .. } = issue;
    let lines = || evidence.raw().lines();
    let line_of = |key: &str| lines().position(|line| line.trim_start().starts_with(key));
    let digests = || line_of("podsRun:").or_else(|| line_of("ranAs:"));
    let judged = match rule.group {
        RuleGroup::ImagePullPolicy => line_of(&format!("{}: ", container_type.pull_policy_field())),
        RuleGroup::ImageDrift => {
            line_of("- reason: ").filter(|_| rule.id == ids::IMAGE_PULL_FAILING).or_else(digests)
        }
        RuleGroup::ImageTag => None,
    };
    judged.or_else(|| line_of(&format!("{}: ", container_type.image_field()))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tagwatch_core::rules;
    use tagwatch_core::workload::{ContainerType, Origin, WorkloadId};

    use super::*;

    /// The line of an evidence that is marked for a rule.
    fn marked<'a>(evidence: &'a str, rule: &str) -> &'a str {
        let rule = rules::all().find(|meta| meta.id == rule).unwrap();
        let container = Container {
            name: "web".into(),
            container_type: ContainerType::Container,
            image: "web:1".into(),
            pull_policy: None,
            field_path: String::new(),
            observed: None,
            drift: None,
        };
        let name = UntrustedText::from("web");
        let id = WorkloadId { api_version: name.clone(), kind: name.clone(), namespace: None, name };
        let workload = workload::Workload::new(id, Origin::Cluster, vec![container]);
        let keys = ResultKeys::new("uid", &workload.containers);
        let verdicts = Engine::recommended().judge(&workload);
        let first_seen = |_: ResultId| Timestamp::UNIX_EPOCH;
        let mut issue = Issue::all(&workload, &verdicts, &keys, first_seen).remove(0);
        (issue.rule, issue.evidence) = (rule, evidence.into());
        evidence.lines().nth(evidence_line(&issue)).unwrap().trim()
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
