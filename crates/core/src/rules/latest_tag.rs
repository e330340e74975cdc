//! `latest-tag`: the tag is exactly `latest`.

use super::meta::{RuleGroup, RuleMeta};
use super::parameters::Parameter;
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::tag::TagClass;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::LATEST_TAG,
    group: RuleGroup::ImageTag,
    category: RuleGroup::ImageTag.category(),
    enabled: true,
    needs_reference: true,
    parameters: &[Parameter::Tags],
    severity: Severity::High,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "The tag is latest, which moves with every push",
    why: "\
`latest` is whatever was pushed last without a tag of its own. The manifest
does not say which version runs, a restart or a new node can bring another
one without a rollout, and a rollback changes nothing, for the older
manifest says `latest` too.

A digest pins the image whatever the tag beside it is, so
`nginx:latest@sha256:<digest>` does not violate this rule.

The parameter `tags` names further tags that no workload may run. They violate
this rule alone, whatever else they look like.",
    bad: "\
containers:
- name: web
  image: nginx:latest
",
    good: "\
containers:
- name: web
  image: nginx:1.27.3
",
    fix: resolution::NAME_WHAT_STAYS,
};

/// Whether the policy's `tags` name this tag, which neither a digest nor the `immutable` list fixes.
fn is_forbidden(subject: &Subject<'_>) -> bool {
    let is_fixed = matches!(subject.classification.class, TagClass::Digest | TagClass::DeclaredImmutable);
    let is_listed = |tag: &str| subject.parameters.tags.iter().any(|listed| listed == tag);
    !is_fixed && subject.tag().is_some_and(is_listed)
}

/// Fires by the text alone, also on a reference that was seen to move, so that the finding and an
/// exemption from it stay the same when the proof comes in.
pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let is_latest = subject.is_mutable() && subject.tag() == Some("latest");
    if !is_latest && !is_forbidden(subject) {
        return None;
    }
    let reason = if is_latest {
        let moves = message::moves(subject);
        format!("{moves}, so nothing says which version runs or which one to roll back to")
    } else {
        format!("the policy forbids {}", message::tag(subject))
    };
    let tail =
        format!(": {reason}{}{}", message::by_digest_note(subject), message::placeholder_note(subject));
    Some(Violation {
        outcome: subject.tag_outcome(Outcome::Fail),
        severity: Severity::High,
        message: message::runs(subject, &tail),
        resolution: if is_latest { resolution::pin(subject) } else { resolution::pin_by_digest(subject) },
    })
}
