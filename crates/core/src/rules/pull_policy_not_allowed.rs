//! `pull-policy-not-allowed`: the pull policy is not written, or is not an allowed one.

use super::meta::{RuleGroup, RuleMeta};
use super::parameters::Parameter;
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::PULL_POLICY_NOT_ALLOWED,
    group: RuleGroup::ImagePullPolicy,
    category: RuleGroup::ImagePullPolicy.category(),
    enabled: false,
    needs_reference: true,
    parameters: &[Parameter::Allowed],
    severity: Severity::Medium,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "The pull policy is not written, or not one that this policy allows",
    why: "\
What is not written is filled in when the object is created, by the tag that
it has on that day, and stays when the tag changes later. A reader of the
manifest cannot see it. This rule wants the value to be written; the
parameter `allowed` says which values may be, each of the three by default.

Objects in a cluster always carry a value, so a missing one shows only in
manifests and in templates of custom kinds.",
    bad: "\
containers:
- name: web
  image: registry.example/web:1.4.2
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.2
  imagePullPolicy: IfNotPresent
",
    fix: "\
Write `imagePullPolicy`: `IfNotPresent` for an image that does not move,
which a digest or a full version says.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let allowed = match subject.parameters.allowed.as_slice() {
        [] => PullPolicy::ALL.as_slice(),
        allowed => allowed,
    };
    let written = subject.container.written_pull_policy();
    if written.is_some_and(|written| allowed.contains(&written)) {
        return None;
    }
    let names: Vec<&str> = allowed.iter().map(|policy| policy.as_str()).collect();
    let names = names.join(" or ");
    let facts = message::pull_policy_facts(subject);
    let tail = format!(" with {facts}: this policy asks for {names} to be written");
    let field = subject.pull_policy_field();
    Some(Violation {
        outcome: Outcome::Fail,
        severity: Severity::Medium,
        message: message::runs(subject, &tail),
        resolution: format!("Write {field}: {names}."),
    })
}
