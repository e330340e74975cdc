//! Turns findings into skips where an exemption covers them.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::exemption::{AppliedExemption, ExemptionSource};
use crate::finding::Finding;
use crate::outcome::Outcome;
use crate::policy::{Policy, WorkloadAnnotations};
use crate::rules::{RuleMeta, Subject};
use crate::workload::WorkloadId;

/// The exemptions of a workload on a day, and which of them were used.
pub(super) struct Exempting<'a> {
    pub(super) policy: &'a Policy,
    pub(super) today: Date,
    pub(super) id: &'a WorkloadId,
    pub(super) annotations: &'a mut WorkloadAnnotations,
    /// The policy's exemptions that covered a finding, by their index.
    pub(super) used: &'a mut BTreeSet<usize>,
}

impl Exempting<'_> {
    /// Exempts findings of the rules that `is_of` picks. A pass needs no exemption, and uses none.
    pub(super) fn apply(
        &mut self,
        subject: &Subject<'_>,
        findings: &mut [Finding],
        is_of: impl Fn(&RuleMeta) -> bool,
    ) {
        let of_rules = findings.iter_mut().filter(|finding| is_of(finding.rule));
        for finding in of_rules.filter(|finding| finding.outcome != Outcome::Pass) {
            if let Some(exemption) = self.exemption(subject, finding.rule) {
                finding.outcome = Outcome::Skip;
                finding.exemption = Some(exemption);
            }
        }
    }

    /// The first exemption of the policy that covers a finding, else an annotation. Each that covers it is used.
    fn exemption(&mut self, subject: &Subject<'_>, rule: &RuleMeta) -> Option<AppliedExemption> {
        let (container, reference) = (subject.container, subject.reference.ok());
        let mut first = None;
        for (index, covers) in self.policy.exempting(self.id, container, reference, rule, self.today) {
            self.used.insert(index);
            first = first.or_else(|| {
                Some(AppliedExemption {
                    reason: covers.reason.clone(),
                    source: ExemptionSource::Policy(index),
                    expires: covers.expires,
                })
            });
        }
        let annotation = self.annotations.exempts(container.name.raw(), rule);
        first.or(annotation)
    }
}
