//! `missing-tag`: neither tag nor digest.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message, resolution};
use crate::outcome::{Outcome, Severity};

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::MISSING_TAG,
    group: RuleGroup::ImageTag,
    category: RuleGroup::ImageTag.category(),
    enabled: true,
    needs_reference: true,
    parameters: &[],
    severity: Severity::High,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "The image names neither a tag nor a digest, so it means latest",
    why: "\
Without a tag and without a digest Kubernetes reads an image as `latest`.
What that is changes with every push to the repository. Two pods of one
workload can run different versions, a restart can bring a new one
without a rollout, and there is no older version to roll back to, for the
manifest names none.

The port of a registry is not a tag: `registry.example:5000/web` has none.",
    bad: "\
containers:
- name: web
  image: nginx
",
    good: "\
containers:
- name: web
  image: nginx:1.27.3
",
    fix: resolution::NAME_WHAT_STAYS,
};

/// Fires by the text alone, also on a reference that was seen to move, so that the finding and an
/// exemption from it stay the same when the proof comes in.
pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    if !subject.is_mutable() || subject.tag().is_some() {
        return None;
    }
    let tail = format!(
        ", which names neither tag nor digest: {}{}{}",
        message::moves(subject),
        message::by_digest_note(subject),
        message::placeholder_note(subject)
    );
    Some(Violation {
        outcome: subject.tag_outcome(Outcome::Fail),
        severity: Severity::High,
        message: message::runs(subject, &tail),
        resolution: resolution::pin(subject),
    })
}
