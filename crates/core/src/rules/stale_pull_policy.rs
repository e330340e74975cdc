//! `stale-pull-policy`: a reference that moves, and a pull policy that never pulls it again.

use super::meta::{RuleGroup, RuleMeta};
use super::parameters::{Parameter, PullPolicyValue};
use super::rule::Violation;
use super::subject::Subject;
use super::{compose, drift_words, ids, message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::workload::Origin;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::STALE_PULL_POLICY,
    group: RuleGroup::ImagePullPolicy,
    category: RuleGroup::ImagePullPolicy.category(),
    enabled: true,
    needs_reference: true,
    parameters: &[Parameter::Value],
    severity: Severity::Critical,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "A tag that moves is pulled only where the node has no copy of it",
    why: "\
With `IfNotPresent` the kubelet pulls an image once and never asks again. If
the tag moves, each node keeps whatever it pulled first: pods of one
workload run different code depending on the node, an old node keeps an old
vulnerability, and every pod looks the same to `kubectl`.

`imagePullPolicy` is filled in when an object is created: `Always` for
`latest` or no tag, else `IfNotPresent`. It stays as stored when the tag
changes later, so an object whose tag once was a version can run `latest`
with `IfNotPresent`.

`latest` and no tag are critical, for they move most often. A tag that may be
pushed once is a warning: one number alone (`42`), a branch with a number
(`main-1234`), and two numbers (`1.27`) of a publisher that is not known to
move them. If it is never pushed again, put it on the policy's `immutable`
list.

The rule passes, with a note, while every live pod carries `Always`: the
AlwaysPullImages admission plugin and webhooks change pods, never templates.
The policy's `admission.alwaysPullImages: true` says the same of a cluster.
And it fires where `Always` is written and live pods carry another policy,
unless all of them run by digest.

A Compose service is judged by `pull_policy`. `missing`, the default, fails
for a tag that moves. It is a warning for `latest`, which older versions of
Compose pull at every start. `every_<duration>` of more than a day is a
warning for other tags that move, and so is `build` beside `image` without
`pull_policy: build`.",
    bad: "\
containers:
- name: web
  image: nginx:1.27
  imagePullPolicy: IfNotPresent
",
    good: "\
containers:
- name: web
  image: nginx:1.27.3
  imagePullPolicy: IfNotPresent
",
    fix: "\
1. Name a digest (`nginx:1.27.3@sha256:<digest>`) or a tag that is never
   pushed again (`nginx:1.27.3`). `IfNotPresent` is right then: a copy on
   the node is the right one.
2. As a stopgap set `imagePullPolicy: Always`: the kubelet asks the registry
   at every start. Running pods are not touched, pods that start at
   different times still differ, and a mirror or a cache can answer with an
   old digest.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let judged = match subject.parameters.value {
        PullPolicyValue::Effective => Some(subject.effective_pull_policy),
        PullPolicyValue::Written => subject.container.written_pull_policy(),
    };
    let is_written = judged == Some(PullPolicy::IfNotPresent) && !subject.admission_pulls_always();
    // The template says `Always`, but the pods carry another pull policy.
    let is_carried =
        subject.pods_without_always() && !subject.pods_by_digest() && !subject.always_pull_images;
    if let Some(service) = subject.compose() {
        let is_asked =
            subject.parameters.value == PullPolicyValue::Effective || subject.container.pull_policy.is_some();
        return is_asked.then(|| compose::stale(subject, service)).flatten();
    }
    if !subject.is_mutable() || !(is_written || is_carried) {
        return None;
    }
    Some(Violation {
        outcome: if subject.may_move() { Outcome::Warn } else { Outcome::Fail },
        // By the name, not by the class: `latest` stays critical when it is proven to move.
        severity: if subject.names_latest() { Severity::Critical } else { Severity::High },
        message: message::runs(subject, &tail(subject)),
        resolution: resolution(subject),
    })
}

fn resolution(subject: &Subject<'_>) -> String {
    let pin = resolution::pin_or_pull_always(subject);
    if subject.pods_without_always() {
        return format!(
            "{pin} Look for what gives the pods another pull policy: admission, or an earlier template."
        );
    }
    pin
}

fn tail(subject: &Subject<'_>) -> String {
    let facts = message::pull_policy_facts(subject);
    let stored = subject.origin == Origin::Cluster && subject.names_latest();
    let cause = if subject.pods_without_always() {
        ", which not all pods carry: "
    } else if stored {
        ", though a new object with this tag would get Always: probably left from an earlier tag; "
    } else {
        ": "
    };
    let consequence = if subject.may_move() {
        message::DECLARE_IMMUTABLE
    } else {
        "a node that has a copy never pulls again, so nodes come to run different code"
    };
    format!(
        " with {facts}{cause}{}; {consequence}{}{}{}",
        message::moves(subject),
        message::pods_policy_note(subject),
        message::by_digest_note(subject),
        drift_words::restarted_note(subject)
    )
}
