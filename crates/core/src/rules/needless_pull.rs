//! `needless-pull`: a digest pins the image, and the kubelet asks the registry all the same.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::{Subject, Words};
use super::{ids, message};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::{ComposePullPolicy, PullPolicy};
use crate::tag::TagClass;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::NEEDLESS_PULL,
    group: RuleGroup::ImagePullPolicy,
    category: RuleGroup::ImagePullPolicy.category(),
    enabled: false,
    needs_reference: true,
    parameters: &[],
    severity: Severity::Info,
    outcome: Outcome::Warn,
    since: "0.1.0",
    summary: "A digest pins the image, yet each start asks the registry for it",
    why: "\
With `Always` the kubelet asks the registry at every container start. For an
image that a digest pins the answer is always the same, so the request buys
nothing, and a registry that is down or limits requests keeps pods from
starting.

There is one good reason for it: an image that needs credentials, on nodes
that several tenants share. The rule is silent where the pod names
`imagePullSecrets` and `cached-private-image` is on.",
    bad: "\
containers:
- name: web
  image: nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  imagePullPolicy: Always
",
    good: "\
containers:
- name: web
  image: nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  imagePullPolicy: IfNotPresent
",
    fix: "\
Set `imagePullPolicy: IfNotPresent`, or leave it out: that is the default
for an image that is given by digest alone.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let asks = match subject.compose() {
        Some((policy, _)) => matches!(policy, ComposePullPolicy::Always | ComposePullPolicy::Refresh(_)),
        None => subject.effective_pull_policy == PullPolicy::Always,
    };
    let is_needless = subject.classification.class == TagClass::Digest && asks;
    if !is_needless {
        return None;
    }
    let facts = message::pull_policy_facts(subject);
    let tail = format!(" with {facts}: a digest pins it, so asking the registry at every start buys nothing");
    let field = subject.pull_policy_field();
    let Words { if_not_present, machine, .. } = subject.words();
    Some(Violation {
        outcome: Outcome::Warn,
        severity: Severity::Info,
        message: message::runs(subject, &tail),
        resolution: format!("Set {field}: {if_not_present}: a copy on the {machine} is the right one."),
    })
}
