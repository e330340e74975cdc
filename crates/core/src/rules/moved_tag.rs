//! `moved-tag`: one reference that ran as several images.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{drift_words, ids, message, resolution};
use crate::outcome::{Outcome, Severity};

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::MOVED_TAG,
    group: RuleGroup::ImageDrift,
    category: RuleGroup::ImageDrift.category(),
    enabled: true,
    needs_reference: false,
    parameters: &[],
    severity: Severity::High,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "The cluster saw this very reference run as more than one image",
    why: "\
The tag was pushed again: pods that name the same reference ran different
images, at the same time or one after the other. What the manifest says did
not change, so no review saw it, and a rollback to the same text does not
bring the old code back.

The evidence comes from the statuses of pods: the digest that the reference
resolved to on each node. Digests are compared on nodes of one platform
alone, and an index and its manifest count as one image. The finding is
`proven` if a node lists the digests as different images, and `likely`
otherwise: an index that is pushed again with new attestations has another
digest and the same manifests. Which of the digests is the newer one, a
cluster cannot know, so no finding says it.

Where pods name another image than the template, because admission rewrites
it or because they are older, theirs is judged too, and the finding names
it: the template's own first, else the first of theirs that moved.

The proof holds for 30 days after the last pod of the other image is gone.
The rule is silent where `mixed-digests` says more of the same reference and
is not exempt.",
    bad: "\
containers:
- name: web
  image: registry.example/web:1.4.2
# ran as sha256:4f1c2d3e5a6b and sha256:9b2d7c1f0e8a
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.3
",
    fix: "\
1. Give what was pushed a tag of its own, and let the registry refuse to
   overwrite tags. A digest beside the tag pins what was tested.
2. Start the pods anew once the reference is pinned, so that all of them
   run the same image.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let moved = subject.drift()?.moved.as_ref()?;
    let of_pods = moved.reference.as_ref();
    let lead = of_pods.map(|image| format!(", but pods run {}", drift_words::reference(image)));
    let tail = format!(
        "{}, which ran as {}{}",
        lead.unwrap_or_default(),
        drift_words::digests(moved),
        message::pods_policy_note(subject)
    );
    Some(Violation {
        outcome: Outcome::Fail,
        severity: Severity::High,
        message: message::runs_with_pods(subject, of_pods, &tail),
        resolution: resolution::pin_by_digest(subject),
    })
}
