//! The findings of one container: rules, precedence, passes, exemptions.

use std::time::Duration;

use super::exempting::Exempting;
use super::pass::pass;
use crate::finding::Finding;
use crate::rules::{self, PRECEDENCE, Precedence, Rule, RuleGroup, RuleMeta, RuleSetting, Subject};

/// Every finding, and a pass for each group without one, in the order of the groups.
pub(super) fn findings(
    subject: &Subject<'_>,
    mut exempting: Option<Exempting<'_>>,
    describes_passes: bool,
) -> Vec<Finding> {
    let fired = rules::enabled(subject.rules).filter_map(|(rule, setting)| check(rule, setting, subject));
    let mut findings: Vec<Finding> = fired.collect();
    drop_silent(&mut findings, subject, |row| !row.waits_for_exemptions());
    for group in RuleGroup::ALL {
        if findings.iter().all(|finding| finding.rule.group != group) {
            findings.extend(pass(group, subject, describes_passes));
        }
    }
    findings.sort_by_key(|finding| finding.rule.group);
    let waits =
        |rule: &RuleMeta| PRECEDENCE.iter().any(|row| row.rule == rule.id && row.waits_for_exemptions());
    if let Some(exempting) = &mut exempting {
        exempting.apply(subject, &mut findings, |rule| !waits(rule));
    }
    drop_silent(&mut findings, subject, Precedence::waits_for_exemptions);
    if let Some(exempting) = &mut exempting {
        exempting.apply(subject, &mut findings, waits);
    }
    findings
}

/// Drops findings of rules that yield to another one, by the rows that `is_due` picks.
fn drop_silent(findings: &mut Vec<Finding>, subject: &Subject<'_>, is_due: impl Fn(&Precedence) -> bool) {
    for row in PRECEDENCE.iter().filter(|row| is_due(row)) {
        let outcome_of =
            |id: &str| findings.iter().find(|found| found.rule.id == id).map(|found| found.outcome);
        if outcome_of(row.rule).is_some() && row.silences(subject, outcome_of(row.yields_to)) {
            findings.retain(|finding| finding.rule.id != row.rule);
        }
    }
}

fn check(rule: &'static Rule, setting: &RuleSetting, subject: &Subject<'_>) -> Option<Finding> {
    let meta = rule.meta;
    if !can_check(rule, subject) {
        return None;
    }
    let violation = (rule.check)(&Subject { parameters: &setting.parameters, ..*subject })?;
    let outcome = match setting.outcome {
        Some(outcome) if meta.group == RuleGroup::ImageTag => subject.tag_outcome(outcome),
        Some(outcome) => outcome,
        None => violation.outcome,
    };
    let outcome = subject.at_most(meta.group, outcome);
    Some(Finding {
        rule: meta,
        outcome,
        severity: setting.severity.unwrap_or(violation.severity),
        message: violation.message,
        resolution: rules::resolution_in_force(subject, violation.resolution),
        exemption: None,
    })
}

/// Whether a rule has what it needs to check a container.
pub(super) fn can_check(rule: &Rule, subject: &Subject<'_>) -> bool {
    (subject.reference.is_ok() || !rule.meta.needs_reference)
        && subject.is_judged_by(rule.meta.group)
        && !(rule.is_of_kubernetes && subject.compose().is_some())
}

/// The shortest time after which a rule has to be asked again.
pub(super) fn due_in(subject: &Subject<'_>) -> Option<Duration> {
    subject.drift()?;
    let due = rules::enabled(subject.rules).filter_map(|(rule, setting)| {
        (rule.due_in)(&Subject { parameters: &setting.parameters, ..*subject })
    });
    due.filter(|left| !left.is_zero()).min()
}
