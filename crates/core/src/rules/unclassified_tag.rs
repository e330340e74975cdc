//! `unclassified-tag`: nothing in the tag shows whether it moves.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::tag::TagClass;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::UNCLASSIFIED_TAG,
    group: RuleGroup::ImageTag,
    category: RuleGroup::ImageTag.category(),
    enabled: true,
    needs_reference: true,
    parameters: &[],
    severity: Severity::Low,
    outcome: Outcome::Warn,
    since: "0.1.0",
    summary: "Nothing about the tag says whether it moves",
    why: "\
The tag is no version, holds no commit, date or build number, and is none of
the words that publishers move. It may be pushed once, or every night.
tagwatch does not guess: letters alone do not make a tag mutable. The
warning says that the manifest does not show what runs.",
    bad: "\
containers:
- name: web
  image: registry.example/shop:checkout
",
    good: "\
containers:
- name: web
  image: registry.example/shop:checkout-1.4.2
",
    fix: "\
1. Name a digest, with the tag beside it for the reader:
   `registry.example/shop:checkout@sha256:<digest>`.
2. Or tag images so that the tag says it: a full version, a commit, a date
   or a build number (`checkout-1.4.2`, `checkout-3f9c2ab`).
3. If your tags are never pushed again, put their pattern on the policy's
   `immutable` list.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    if subject.classification.class != TagClass::Unclassified {
        return None;
    }
    let tail = format!(
        ": nothing says whether {} moves; {}{}{}",
        message::tag(subject),
        message::DECLARE_IMMUTABLE,
        message::by_digest_note(subject),
        message::placeholder_note(subject)
    );
    Some(Violation {
        outcome: Outcome::Warn,
        severity: Severity::Low,
        message: message::runs(subject, &tail),
        resolution: resolution::pin(subject),
    })
}
