//! `pull-policy-not-always`: the kubelet does not ask the registry at each start.

use super::meta::{RuleGroup, RuleMeta};
use super::parameters::{Parameter, PullPolicyValue};
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::tag::TagClass;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::PULL_POLICY_NOT_ALWAYS,
    group: RuleGroup::ImagePullPolicy,
    category: RuleGroup::ImagePullPolicy.category(),
    enabled: false,
    needs_reference: true,
    parameters: &[Parameter::Value, Parameter::IncludePinned],
    severity: Severity::Medium,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "The pull policy is not Always, so a copy on the node is used unasked",
    why: "\
Some organisations want each start to ask the registry, whatever the tag:
so that a tag which should not move and did is noticed, and that the
registry's access control counts at each start. This rule is for them; the
recommended profile judges by the tag instead (`stale-pull-policy`).

By default the value that counts is judged, the API server's default filled
in; the parameter `value: written` wants `Always` to be written. An image
that a digest pins is exempt, unless `includePinned: true` is set.",
    bad: "\
containers:
- name: web
  image: registry.example/web:1.4.2
  imagePullPolicy: IfNotPresent
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.2
  imagePullPolicy: Always
",
    fix: "\
1. Name a digest (`registry.example/web:1.4.2@sha256:<digest>`): it pins the
   image, so nothing has to be asked.
2. As a stopgap set `imagePullPolicy: Always`. It asks the registry at every
   start; a mirror or a cache can still answer with an old digest.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let parameters = subject.parameters;
    let is_always = match parameters.value {
        PullPolicyValue::Effective => {
            subject.effective_pull_policy == PullPolicy::Always || subject.admission_pulls_always()
        }
        PullPolicyValue::Written => {
            let written = subject.container.pull_policy.as_ref();
            written.is_some_and(|written| written.raw() == subject.words().always)
        }
    };
    let is_exempt = subject.classification.class == TagClass::Digest && !parameters.include_pinned;
    if is_always || is_exempt {
        return None;
    }
    let field = subject.pull_policy_field();
    let always = subject.words().always;
    let tail = format!(
        " with {}: this policy asks for {always}, so that each start asks the registry",
        message::pull_policy_facts(subject)
    );
    Some(Violation {
        outcome: Outcome::Fail,
        severity: Severity::Medium,
        message: message::runs(subject, &tail),
        resolution: if subject.classification.class == TagClass::Digest {
            format!("Set {field}: {always}.")
        } else {
            format!("{} As a stopgap set {field}: {always}.", resolution::pin_by_digest(subject))
        },
    })
}
