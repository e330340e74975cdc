//! `mixed-digests`: pods of one workload that run different images of one reference.

use std::time::Duration;

use super::meta::{RuleGroup, RuleMeta};
use super::parameters::Parameter;
use super::rule::Violation;
use super::subject::Subject;
use super::{drift_words, ids, message, resolution};
use crate::outcome::{Outcome, Severity};

/// How long pods may differ before the rule fires: a node may pull slowly.
const GRACE: Duration = Duration::from_mins(15);

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::MIXED_DIGESTS,
    group: RuleGroup::ImageDrift,
    category: RuleGroup::ImageDrift.category(),
    enabled: true,
    needs_reference: false,
    parameters: &[Parameter::Grace],
    severity: Severity::Critical,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "Pods of one workload run different images of the same reference",
    why: "\
The rollout is over, and yet some pods run one image and some another: the
tag moved, and each node kept or pulled what it found. Requests are answered
by old and new code in turn, and every pod looks the same to `kubectl`.

Of a Deployment only pods of the rollout that is in force count; no pod
counts that is being deleted, and none at all while a rollout is in
progress, until it is stalled: pods of earlier templates run on then. A
StatefulSet with a `partition`, and what is updated `OnDelete`, counts as
rolled out while pods of earlier templates still run, and all of its pods
count. The rule waits for `grace` after the second image appeared.

Where pods name another image than the template, because admission rewrites
it or because they are older, theirs is judged too, and the finding names
it.",
    bad: "\
containers:
- name: web
  image: registry.example/web:1.4.2
# pods run sha256:4f1c2d3e5a6b and sha256:9b2d7c1f0e8a
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.3
",
    fix: "\
1. Name the digest that is meant, or a tag that is never pushed again: the
   rollout that follows brings one image to all pods.
2. As a stopgap set `imagePullPolicy: Always` and restart the rollout: each
   start asks the registry then, though a mirror or a cache can answer with
   an old digest, and a push in between mixes them again.",
};

fn grace(subject: &Subject<'_>) -> Duration {
    subject.parameters.grace.unwrap_or(GRACE)
}

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let mixed = subject.drift()?.mixed.as_ref()?;
    if mixed.lasted < grace(subject) {
        return None;
    }
    let of_pods = mixed.resolutions.reference.as_ref();
    let lead = match of_pods {
        Some(image) => format!(", but pods run {}, which they", drift_words::reference(image)),
        None => ", which its pods".to_owned(),
    };
    let tail = format!(
        "{lead} ran as {}{}",
        drift_words::digests(&mixed.resolutions),
        message::pods_policy_note(subject)
    );
    Some(Violation {
        outcome: Outcome::Fail,
        severity: Severity::Critical,
        message: message::runs_with_pods(subject, of_pods, &tail),
        resolution: resolution::pin_or_pull_always(subject),
    })
}

pub(super) fn due_in(subject: &Subject<'_>) -> Option<Duration> {
    let mixed = subject.drift()?.mixed.as_ref()?;
    grace(subject).checked_sub(mixed.lasted)
}
