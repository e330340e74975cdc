//! `pull-policy-never`: the kubelet never pulls, so the image must be on the node already.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{compose, ids, message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::PULL_POLICY_NEVER,
    group: RuleGroup::ImagePullPolicy,
    category: RuleGroup::ImagePullPolicy.category(),
    enabled: true,
    needs_reference: true,
    parameters: &[],
    severity: Severity::High,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "The kubelet never pulls the image, so each node runs whatever it holds",
    why: "\
With `Never` a container starts only on nodes that hold the image already;
on all others it stays in `ErrImageNeverPull`. It comes from clusters on a
laptop, where images are loaded by hand, and breaks when a node is added or
its image cache is cleaned.

With a tag that moves it is worse: each node runs the bytes that were once
loaded under that name, and nothing ever brings them in line. That fails.
With a tag or digest that does not move, or a tag of unknown class, it is a
warning: it works where nodes are preloaded.

A Compose service with `pull_policy: never` fails for a tag that moves. Where
the tag stays it is no finding: without the image the service fails at once.",
    bad: "\
containers:
- name: web
  image: registry.example/web:main
  imagePullPolicy: Never
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.2
  imagePullPolicy: IfNotPresent
",
    fix: "\
1. Name a digest or a tag that is never pushed again, and set
   `imagePullPolicy: IfNotPresent`: nodes that hold the image do not pull,
   all others can.
2. Keep `Never` only where every node is preloaded on purpose, and exempt
   those workloads with a reason.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    if let Some(service) = subject.compose() {
        return compose::never(subject, service);
    }
    if subject.effective_pull_policy != PullPolicy::Never {
        return None;
    }
    let (outcome, severity, consequence) = if subject.is_mutable() {
        let moves = message::moves(subject);
        (Outcome::Fail, Severity::High, format!("{moves}, and each node runs whatever it holds under it"))
    } else {
        (Outcome::Warn, Severity::Low, "it starts only on nodes that are preloaded with the image".to_owned())
    };
    let tail = format!(
        " with {}: the kubelet never pulls; {consequence}{}",
        message::pull_policy_facts(subject),
        message::always_note(subject)
    );
    Some(Violation {
        outcome,
        severity,
        message: message::runs(subject, &tail),
        resolution: resolution(subject),
    })
}

fn resolution(subject: &Subject<'_>) -> String {
    let field = subject.pull_policy_field();
    if subject.is_mutable() {
        format!(
            "{} Then set {field}: IfNotPresent, so that nodes without the image can pull it.",
            resolution::pin(subject)
        )
    } else {
        format!(
            "Set {field}: IfNotPresent: nodes that hold the image do not pull, all others can. Keep Never only \
             where every node is preloaded on purpose."
        )
    }
}
