//! The results of a report: one for each rule and container.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::exemption::ExemptionSource;
use tagwatch_core::issue::{Interval, Issue};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::text::UntrustedText;

use super::bounds::{self, MAX_LONG, MAX_SHORT};
use super::{MANAGER, ReportResult, ReportTimestamp, property};

/// The issues in reading order: what needs attention first, then by group, rule and container. Of issues with one key,
/// which consumers would drop silently, the first stays.
pub(super) fn in_order(issues: &[Issue]) -> Vec<&Issue> {
    let mut ordered: Vec<&Issue> = issues.iter().collect();
    ordered.sort_by(|one, other| order(one).cmp(&order(other)));
    let mut seen = BTreeSet::new();
    ordered.retain(|issue| seen.insert(issue.id));
    ordered
}

fn order(issue: &Issue) -> impl Ord + use<'_> {
    let Issue { outcome, rule, container, container_type, image, .. } = issue;
    let what = (outcome, rule.group.as_str(), rule.id);
    (what, container.raw(), container_type, image.raw())
}

/// The result as the report holds it.
pub(super) fn to_result(issue: &Issue) -> ReportResult {
    let Issue { rule, outcome, severity, message, turned, .. } = issue;
    ReportResult {
        source: Some(MANAGER.into()),
        policy: rule.group.as_str().into(),
        rule: Some(rule.id.into()),
        category: Some(rule.category.into()),
        severity: Some(severity.as_str().into()),
        result: Some(outcome.as_str().into()),
        scored: Some(!matches!(outcome, Outcome::Warn | Outcome::Skip)),
        message: Some(message.json().to_owned()),
        timestamp: Some(ReportTimestamp { seconds: turned.as_second(), nanos: 0 }),
        properties: Some(properties(issue)),
        ..ReportResult::default()
    }
}

fn properties(issue: &Issue) -> BTreeMap<Cow<'static, str>, String> {
    let written = issue.pull_policy.as_ref();
    let mut properties = BTreeMap::from([
        (property::CONTAINER.into(), short(&issue.container)),
        (property::CONTAINER_TYPE.into(), issue.container_type.as_str().to_owned()),
        (property::IMAGE.into(), bounds::shown(&issue.image, MAX_LONG)),
        (property::IMAGE_PULL_POLICY.into(), written.map_or(Interval::UNSET.to_owned(), short)),
        (property::EFFECTIVE_PULL_POLICY.into(), issue.effective_pull_policy.as_str().to_owned()),
        (property::TAG_CLASS.into(), issue.tag_class.as_str().to_owned()),
        (property::FIELD_PATH.into(), bounds::cut(issue.field_path.clone(), MAX_SHORT)),
        (property::EVIDENCE.into(), issue.evidence.json().to_owned()),
        (property::FIRST_SEEN.into(), issue.first_seen.to_string()),
        (property::RESULT_ID.into(), issue.id.to_string()),
    ]);
    if let Some(confidence) = issue.confidence {
        properties.insert(property::CONFIDENCE.into(), confidence.as_str().to_owned());
    }
    let resolution = issue.resolution.json();
    if !resolution.is_empty() {
        properties.insert(property::RESOLUTION.into(), bounds::cut(resolution.to_owned(), MAX_LONG));
    }
    if let Some(exemption) = &issue.exemption {
        properties.insert(property::EXEMPTION.into(), short(&exemption.reason));
        properties.insert(property::EXEMPTION_SOURCE.into(), source(exemption.source));
        properties
            .extend(exemption.expires.map(|last| (property::EXEMPTION_EXPIRES.into(), last.to_string())));
    }
    properties
}

fn source(source: ExemptionSource) -> String {
    match source {
        ExemptionSource::Policy(index) => format!("spec.exemptions[{index}]"),
        ExemptionSource::Annotation(level) => format!("annotation on the {}", level.words()),
    }
}

fn short(text: &UntrustedText) -> String {
    bounds::shown(text, MAX_SHORT)
}
