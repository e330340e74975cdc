//! `cached-private-image`: an image that needs credentials, open to every pod on the node once it is cached.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::PullPolicy;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::CACHED_PRIVATE_IMAGE,
    group: RuleGroup::ImagePullPolicy,
    category: RuleGroup::ImagePullPolicy.category(),
    enabled: false,
    needs_reference: true,
    parameters: &[],
    severity: Severity::Medium,
    outcome: Outcome::Warn,
    since: "0.1.0",
    summary: "An image that needs credentials is used from the node without asking for them",
    why: "\
The pod names `imagePullSecrets`, so its registry wants credentials. Without
`Always` the kubelet uses a copy that is on the node without a check:
a pod of another tenant on the same node runs the private image with no
credentials at all, if it knows the name.

Kubelets of 1.35 and newer verify credentials for images on the node too
(KEP-2535, `imagePullCredentialsVerificationPolicy`). Where all nodes are
that new, or no node is shared between tenants, leave this rule off.

`Never` is left to the rule `pull-policy-never`.",
    bad: "\
imagePullSecrets:
- name: registry
containers:
- name: web
  image: registry.example/web:1.4.2
  imagePullPolicy: IfNotPresent
",
    good: "\
imagePullSecrets:
- name: registry
containers:
- name: web
  image: registry.example/web:1.4.2
  imagePullPolicy: Always
",
    fix: "\
1. Run kubelets of 1.35 or newer, which verify credentials themselves.
2. As a stopgap set `imagePullPolicy: Always`, or switch the AlwaysPullImages
   admission plugin on: the kubelet then presents the pod's own credentials
   at every start. It says nothing about freshness: a mirror or a cache can
   answer with an old digest.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let is_cached = subject.image_pull_secrets && subject.effective_pull_policy == PullPolicy::IfNotPresent;
    if !is_cached || subject.admission_pulls_always() {
        return None;
    }
    let tail = format!(
        " with {}: the pod names imagePullSecrets, but a node that has a copy gives it to any pod without \
         asking for credentials",
        message::pull_policy_facts(subject)
    );
    let field = subject.pull_policy_field();
    Some(Violation {
        outcome: Outcome::Warn,
        severity: Severity::Medium,
        message: message::runs(subject, &tail),
        resolution: format!(
            "Run kubelets of 1.35 or newer, which verify credentials for images on the node. As a stopgap \
             set {field}: Always, so that each start presents the pod's own."
        ),
    })
}
