//! What was found in a workload, as every output shows it. Reports, metrics, events, the console and the commands are
//! views of these types.

mod class;
mod edit_mode;
mod exemptions;
mod history;
mod id;
mod status;
mod tally;

use jiff::Timestamp;

use crate::drift::DriftConfidence;
use crate::exemption::AppliedExemption;
use crate::finding::{Finding, Verdict};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::rules::{RuleGroup, RuleMeta, ids};
use crate::tag::TagClass;
use crate::text::UntrustedText;
use crate::workload::{Container, ContainerType, Workload};
pub use class::{IssueClass, IssueGroup};
pub use edit_mode::EditMode;
pub use exemptions::{ExemptionOutcome, ExemptionReview, PolicyExemptionState};
pub use history::{Ending, ImageChange, Interval};
pub use id::{ResultId, ResultKeys};
pub use status::Status;
pub use tally::{RuleTally, Tally};

/// One result of one rule for one container of a workload. Reports list results that pass too; those are nothing to fix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Issue {
    /// The key of the result in reports, and its address in the console.
    pub id: ResultId,
    /// The rule; for a pass, the leading rule of its group.
    pub rule: &'static RuleMeta,
    pub severity: Severity,
    /// [`Outcome::Skip`] where an exemption applies.
    pub outcome: Outcome,
    /// How sure it is that digests are different images, for the rules about that.
    pub confidence: Option<DriftConfidence>,
    /// Name of the container or image volume.
    pub container: UntrustedText,
    pub container_type: ContainerType,
    pub image: UntrustedText,
    /// How mutable the image reference is.
    pub tag_class: TagClass,
    /// The pull policy as written; `None` when unset.
    pub pull_policy: Option<UntrustedText>,
    /// The pull policy that the kubelet follows.
    pub effective_pull_policy: PullPolicy,
    /// Path of the image field from the object's root.
    pub field_path: String,
    /// What is wrong, naming the container and the image; safe for a terminal.
    pub message: UntrustedText,
    /// How to fix it, best way first; empty for a pass.
    pub resolution: UntrustedText,
    /// The lines that show it, as YAML.
    pub evidence: UntrustedText,
    /// When it was first seen, with whichever outcome.
    pub first_seen: Timestamp,
    /// Since when it has this outcome.
    pub turned: Timestamp,
    /// What made a skip of it.
    pub exemption: Option<AppliedExemption>,
}

impl Issue {
    /// Every result of a workload, in the order of its containers. `keys` are those of the same containers, and
    /// `first_seen` is asked for the time of each result.
    pub fn all(
        workload: &Workload,
        verdicts: &[Verdict],
        keys: &ResultKeys<'_>,
        first_seen: impl Fn(ResultId) -> Timestamp,
    ) -> Vec<Self> {
        let judged = verdicts
            .iter()
            .filter_map(|verdict| Some((workload.containers.get(verdict.container)?, verdict)));
        let findings = judged.flat_map(|(container, verdict)| {
            verdict.findings.iter().map(move |finding| (container, verdict, finding))
        });
        findings
            .map(|(container, verdict, finding)| {
                let id = keys.of(container, finding);
                Self::new(id, container, verdict, finding, first_seen(id))
            })
            .collect()
    }

    fn new(
        id: ResultId,
        container: &Container,
        verdict: &Verdict,
        finding: &Finding,
        first_seen: Timestamp,
    ) -> Self {
        Self {
            id,
            rule: finding.rule,
            severity: finding.severity,
            outcome: finding.outcome,
            confidence: confidence(container, finding.rule),
            container: container.name.clone(),
            container_type: container.container_type,
            image: container.image.clone(),
            tag_class: verdict.classification.class,
            pull_policy: container.pull_policy.clone(),
            effective_pull_policy: verdict.effective_pull_policy,
            field_path: container.field_path.clone(),
            message: finding.message.as_str().into(),
            resolution: finding.resolution.as_str().into(),
            evidence: finding.evidence(container).into(),
            first_seen,
            turned: first_seen,
            exemption: finding.exemption.clone(),
        }
    }

    /// Whether it asks for a fix: neither a pass nor exempt.
    pub fn is_open(&self) -> bool {
        self.outcome.is_open()
    }

    /// Whether an exemption applies.
    pub fn is_exempt(&self) -> bool {
        self.outcome == Outcome::Skip
    }
}

fn confidence(container: &Container, rule: &RuleMeta) -> Option<DriftConfidence> {
    let drift = container.drift.as_deref().filter(|_| rule.group == RuleGroup::ImageDrift)?;
    match rule.id {
        ids::MOVED_TAG => drift.moved.as_ref().map(|moved| moved.confidence),
        ids::MIXED_DIGESTS => drift.mixed.as_ref().map(|mixed| mixed.resolutions.confidence),
        _ => None,
    }
}
