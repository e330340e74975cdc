//! `unpinned-image`: no digest pins the image.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::tag::TagClass;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::UNPINNED_IMAGE,
    group: RuleGroup::ImageTag,
    category: RuleGroup::ImageTag.category(),
    enabled: false,
    needs_reference: true,
    parameters: &[],
    severity: Severity::High,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "No digest pins the image, so its tag decides which code runs",
    why: "\
A tag is a name that its publisher can give to other bytes at any time, a
full version or a commit too: registries allow it unless they are
configured otherwise. A digest is computed from the content, so the same
manifest runs the same code on each node, today and next year, and a registry
that was broken into cannot swap it.

The severity is high where the tag moves by its name or was seen to move,
else medium. What the policy's `immutable` list declares is no digest and
violates the rule too.",
    bad: "\
containers:
- name: web
  image: nginx:1.27.3
",
    good: "\
containers:
- name: web
  image: nginx:1.27.3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
",
    fix: "\
1. Name a digest, with the version beside it for the reader:
   `nginx:1.27.3@sha256:<digest>`. `docker buildx imagetools inspect
   nginx:1.27.3` prints the digest.
2. Let a tool update digests, so that each update is a change that can be
   reviewed and rolled back.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    if subject.classification.class == TagClass::Digest {
        return None;
    }
    let severity = if subject.is_mutable() { Severity::High } else { Severity::Medium };
    let tail = format!(
        ", which no digest pins: a new push of {} changes which code runs{}{}",
        message::tag(subject),
        message::by_digest_note(subject),
        message::placeholder_note(subject)
    );
    Some(Violation {
        outcome: subject.tag_outcome(Outcome::Fail),
        severity,
        message: message::runs(subject, &tail),
        resolution: resolution::pin_by_digest(subject),
    })
}
