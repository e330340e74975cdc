//! Exemptions by the policy and by annotations (docs/design/verdicts.md, "Exemptions").

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;

use super::date::parse_date;
use super::matcher::Matcher;
use super::selector::{Decision, selects};
use super::spec::LabelSelector;
use crate::exemption::{AnnotationLevel, AppliedExemption, ExemptionSource};
use crate::rules::{self, RuleMeta};
use crate::text::UntrustedText;
use crate::workload::{IgnoreAnnotations, Workload};

/// An exemption of a policy.
#[derive(Debug, Clone)]
pub struct Exemption {
    pub(super) matcher: Matcher,
    /// `None` for all rules.
    pub(super) rules: Option<Vec<&'static str>>,
    /// The reason that the policy gives.
    pub reason: UntrustedText,
    /// The last day on which it applies, in UTC.
    pub expires: Option<Date>,
}

impl Exemption {
    /// Whether it applies on a day, the last day included.
    pub fn is_active(&self, today: Date) -> bool {
        self.expires.is_none_or(|last| today <= last)
    }

    /// Ids of the rules that it is for; `None` for all.
    pub fn rules(&self) -> Option<&[&'static str]> {
        self.rules.as_deref()
    }

    pub(super) fn covers(&self, rule: &RuleMeta) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.contains(&rule.id))
    }
}

/// Most remarks on the annotations of one workload: an annotation can name thousands of rules that do not exist.
const MAX_REMARKS: usize = 20;

/// Where annotations can exempt, and for how long.
#[derive(Debug, Clone)]
pub(super) struct AnnotationRules {
    pub(super) enabled: bool,
    pub(super) namespace_selector: Option<LabelSelector>,
    pub(super) max_days: Option<u16>,
}

/// Why an exemption exempts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExemptionProblem {
    /// Its last day has passed.
    Expired,
    /// There is no finding that it would exempt.
    Unused,
    /// The policy does not allow it, or it lacks something.
    NotHonoured,
    /// It is applied, but whether the policy allows it depends on labels of a namespace that a scan does not know.
    Undecided,
}

/// An annotation that exempts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationRemark {
    /// The object that carries it.
    pub level: AnnotationLevel,
    /// Why it exempts nothing.
    pub problem: ExemptionProblem,
    /// In words; safe for a terminal.
    pub message: String,
}

/// One entry of `tagwatch.dev/ignore`.
#[derive(Debug)]
struct Item {
    written: String,
    container: Option<String>,
    rule: &'static str,
    used: bool,
}

/// The annotations of one level that apply.
#[derive(Debug)]
pub(crate) struct Honoured {
    level: AnnotationLevel,
    items: Vec<Item>,
    reason: UntrustedText,
    until: Option<Date>,
}

/// The annotations of a workload: those that apply, and remarks on the others.
#[derive(Debug, Default)]
pub(crate) struct WorkloadAnnotations {
    honoured: Vec<Honoured>,
    remarks: Vec<AnnotationRemark>,
}

impl WorkloadAnnotations {
    pub(super) fn read(workload: &Workload, rules: &AnnotationRules, today: Date, in_cluster: bool) -> Self {
        let mut read = Self::default();
        let labels = workload.namespace.as_ref().map(|namespace| &namespace.labels);
        let allowed = selects(rules.namespace_selector.as_ref(), labels);
        let refused = if !rules.enabled {
            Some("the policy does not allow annotations to exempt")
        } else if allowed == Decision::No {
            Some("the policy does not allow annotations to exempt in this namespace")
        } else if allowed == Decision::Undecided && in_cluster {
            // In a cluster a right is missing, or the namespace is not listed yet. Neither may bypass the selector.
            Some(
                "the policy allows annotations to exempt by labels of the namespace, and this one's labels cannot \
                 be read",
            )
        } else {
            None
        };
        let namespace = workload.namespace.as_ref().map(|namespace| &namespace.ignore);
        let levels = [
            (AnnotationLevel::Workload, Some(&workload.ignore)),
            (AnnotationLevel::Template, Some(&workload.template_ignore)),
            (AnnotationLevel::Namespace, namespace),
        ];
        for (level, annotations) in levels {
            let Some((annotations, ignore)) = annotations.and_then(|a| Some((a, a.ignore.as_ref()?))) else {
                continue;
            };
            match refused
                .map_or_else(|| honour(annotations, rules, today), |reason| Err(not_honoured(reason)))
            {
                Ok((reason, until)) => {
                    let items = read.items(level, ignore);
                    if allowed == Decision::Undecided {
                        let message = "whether it counts depends on labels of the namespace, which is not among the \
                                       inputs; it is taken to count";
                        read.remark(level, ExemptionProblem::Undecided, message.to_owned());
                    }
                    read.honoured.push(Honoured { level, items, reason, until });
                }
                Err((problem, message)) => read.remark(level, problem, message),
            }
        }
        read
    }

    fn remark(&mut self, level: AnnotationLevel, problem: ExemptionProblem, message: String) {
        self.remarks.push(AnnotationRemark { level, problem, message });
    }

    fn items(&mut self, level: AnnotationLevel, ignore: &UntrustedText) -> Vec<Item> {
        let mut items = Vec::new();
        for written in ignore.raw().split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (container, id) = match written.rsplit_once('/') {
                Some((container, id)) => (Some(container.trim().to_owned()), id.trim()),
                None => (None, written),
            };
            match rules::find(id) {
                Some(meta) => {
                    items.push(Item { written: written.to_owned(), container, rule: meta.id, used: false });
                }
                None => self.remark(level, ExemptionProblem::NotHonoured, rules::unknown(id)),
            }
        }
        items
    }

    /// Finds the exemption of a finding, and marks every entry that covers it as used.
    pub(crate) fn exempts(&mut self, container: &str, rule: &RuleMeta) -> Option<AppliedExemption> {
        let mut applied = None;
        for honoured in &mut self.honoured {
            for item in &mut honoured.items {
                let is_here = item.container.as_deref().is_none_or(|name| name == container);
                if is_here && item.rule == rule.id {
                    item.used = true;
                    applied = applied.or_else(|| {
                        Some(AppliedExemption {
                            reason: honoured.reason.clone(),
                            source: ExemptionSource::Annotation(honoured.level),
                            expires: honoured.until,
                        })
                    });
                }
            }
        }
        applied
    }

    /// Remarks on entries that exempted nothing here. An entry of a namespace applies to many workloads, so only a caller
    /// that sees them all can call it unused.
    pub(crate) fn finish(mut self) -> Vec<AnnotationRemark> {
        for honoured in std::mem::take(&mut self.honoured) {
            for item in honoured.items.iter().filter(|item| !item.used) {
                let written = UntrustedText::from(item.written.as_str()).terminal();
                let message = format!("`{written}` exempts nothing: no such finding");
                self.remark(honoured.level, ExemptionProblem::Unused, message);
            }
        }
        let mut seen = BTreeSet::new();
        self.remarks.retain(|remark| seen.insert((remark.level, remark.problem, remark.message.clone())));
        let more = self.remarks.len().saturating_sub(MAX_REMARKS);
        if let Some(last) = self.remarks.get(MAX_REMARKS - 1).filter(|_| more > 0) {
            let (level, problem) = (last.level, last.problem);
            self.remarks.truncate(MAX_REMARKS - 1);
            self.remark(level, problem, format!("{} more entries exempt nothing", more + 1));
        }
        self.remarks
    }
}

fn not_honoured(message: impl Into<String>) -> (ExemptionProblem, String) {
    (ExemptionProblem::NotHonoured, message.into())
}

/// The reason and the last day, where the annotations apply today.
fn honour(
    annotations: &IgnoreAnnotations,
    rules: &AnnotationRules,
    today: Date,
) -> Result<(UntrustedText, Option<Date>), (ExemptionProblem, String)> {
    if let Some(key) = annotations.too_long() {
        let most = IgnoreAnnotations::MAX_BYTES;
        return Err(not_honoured(format!("{key} is longer than {most} bytes, so it exempts nothing")));
    }
    let reason = annotations.reason.clone().filter(|reason| !reason.raw().trim().is_empty());
    let Some(reason) = reason else {
        return Err(not_honoured(format!(
            "{} is missing; an exemption needs a reason",
            IgnoreAnnotations::REASON
        )));
    };
    let until = annotations.until.as_ref().map(|until| parse_date(until.raw())).transpose();
    let until = until.map_err(|error| not_honoured(format!("{}: {error}", IgnoreAnnotations::UNTIL)))?;
    if let Some(last) = until.filter(|&last| last < today) {
        return Err((ExemptionProblem::Expired, format!("expired: its last day was {last}")));
    }
    if let Some(days) = rules.max_days {
        let limit = today.saturating_add(i64::from(days).days());
        if until.is_none_or(|last| last > limit) {
            return Err(not_honoured(format!(
                "the policy wants {} at most {days} days ahead, that is by {limit}",
                IgnoreAnnotations::UNTIL
            )));
        }
    }
    Ok((reason, until))
}
