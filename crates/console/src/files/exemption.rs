//! An exemption of one issue, for the policy.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tagwatch_core::policy::{ExactMatch, ExemptionSpec, Policy, TagPolicySpec, exact_exemption};
use tagwatch_core::reference::Reference;
use tagwatch_core::structured;

use super::{Content, Refusal, comment, heading};
use crate::snapshot::WorkloadIssue;
use crate::url::field;

/// Days for which it applies, where the query does not say.
pub(crate) const DEFAULT_DAYS: u16 = 30;
/// Most days: a longer exemption is a decision for the policy itself.
pub(crate) const MAX_DAYS: u16 = 365;
/// Longest reason in bytes.
pub(crate) const MAX_REASON: usize = 512;
/// Stands for a reason: a policy takes no exemption without one.
const NO_REASON: &str = "Say here why this is accepted";

/// An item of `spec.exemptions` that the policy accepts.
pub(super) fn exemption(issue: WorkloadIssue<'_>, query: Option<&str>, now: Timestamp) -> Content {
    let days = days(query)?;
    let reason = reason(query)?;
    let expires = last_day(now, days);
    let spec = spec(issue, &reason, expires);
    let policy = TagPolicySpec { exemptions: vec![spec.clone()], ..TagPolicySpec::default() };
    if let Err(mistakes) = Policy::compile(&policy) {
        let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
        return Err(Refusal::Impossible(format!("No policy accepts an exemption with these names: {first}")));
    }
    let item = structured::yaml(&[spec])
        .map_err(|_| Refusal::Impossible("The exemption cannot be written.".to_owned()))?;
    let scope = match image_glob(issue) {
        Some(image) => format!("It exempts this rule in this container for as long as its image is {image}."),
        None => "It exempts this rule in this container, whatever its image is.".to_owned(),
    };
    let intro =
        heading(issue) + &comment(&format!("Append this to spec.exemptions of the TagPolicy. {scope}"));
    Ok(intro + &item)
}

/// The image as a glob of a policy, which knows no digests: another image of the container is not exempt. `None` where the
/// image does not parse, as no glob matches it then.
fn image_glob(WorkloadIssue { issue, .. }: WorkloadIssue<'_>) -> Option<String> {
    let reference = Reference::parse(issue.image.raw()).ok()?;
    let tag = reference.tag_or_default().map(|tag| format!(":{tag}")).unwrap_or_default();
    Some(format!("{}{tag}", reference.name()))
}

fn spec(of_workload: WorkloadIssue<'_>, reason: &str, expires: Date) -> ExemptionSpec {
    let WorkloadIssue { workload, issue } = of_workload;
    let matches = ExactMatch {
        namespace: Some(&workload.namespace),
        kind: workload.kind.raw(),
        name: &workload.name,
        container: &issue.container,
    };
    let rules = vec![issue.rule.id.to_owned()];
    let mut spec = exact_exemption(matches, rules, reason, Some(expires.to_string()));
    spec.matches.images.extend(image_glob(of_workload));
    spec
}

fn days(query: Option<&str>) -> Result<u16, Refusal> {
    let Some(written) = field(query, "days").filter(|written| !written.is_empty()) else {
        return Ok(DEFAULT_DAYS);
    };
    let days = written.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
    days.ok_or_else(|| Refusal::Query(format!("days: expected a number from 1 to {MAX_DAYS}")))
}

fn reason(query: Option<&str>) -> Result<String, Refusal> {
    let reason = field(query, "reason").unwrap_or_default();
    match reason.trim() {
        "" => Ok(NO_REASON.to_owned()),
        reason if reason.len() > MAX_REASON => {
            Err(Refusal::Query(format!("reason: {} bytes, expected at most {MAX_REASON}", reason.len())))
        }
        reason => Ok(reason.to_owned()),
    }
}

/// The last day on which it applies, in UTC.
fn last_day(now: Timestamp, days: u16) -> Date {
    let today = now.to_zoned(TimeZone::UTC).date();
    today.saturating_add(i64::from(days).days())
}
