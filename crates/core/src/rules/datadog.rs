//! `kubernetes-image-pull-policy-of-container-is-not-always`: Datadog's rule of this id, exactly as Datadog evaluates it.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message};
use crate::outcome::{Outcome, Severity};
use crate::workload::ContainerType;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::DATADOG,
    group: RuleGroup::ImagePullPolicy,
    category: "Insecure Configurations",
    enabled: false,
    needs_reference: false,
    parameters: &[],
    severity: Severity::Low,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "An image with a tag other than latest, and a pull policy other than Always",
    why: "\
This is the rule of the same id in Datadog's Infrastructure as Code
scanning, for those who are measured by it. It compares text: the pull
policy is not written as `Always` (not written at all counts), and the image
contains `:`, but neither `@` nor `:latest`.

So it does not know whether a tag moves, takes a registry's port for a tag
(`registry.example:5000/web`), and judges what is no image reference
(`$IMAGE:1.2`). `stale-pull-policy` judges by the tag instead. Ephemeral
containers and image volumes are not judged.",
    bad: "\
containers:
- name: web
  image: registry.example/web:1.4.2
  imagePullPolicy: IfNotPresent
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  imagePullPolicy: IfNotPresent
",
    fix: "\
1. Name a digest (`registry.example/web:1.4.2@sha256:<digest>`): it pins the
   image, and satisfies the rule.
2. As a stopgap write `imagePullPolicy: Always`; a mirror or a cache can
   still answer with an old digest.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let container = subject.container;
    let image = container.image.raw();
    let is_judged = matches!(
        container.container_type,
        ContainerType::Container | ContainerType::Init | ContainerType::Sidecar
    );
    let is_always = container.pull_policy.as_ref().is_some_and(|written| written.raw() == "Always");
    let has_tag = image.contains(':') && !image.contains('@') && !image.contains(":latest");
    if !is_judged || is_always || !has_tag {
        return None;
    }
    let tail = format!(
        " with {}: an image with a tag asks for imagePullPolicy: Always here",
        message::pull_policy_facts(subject)
    );
    Some(Violation {
        outcome: Outcome::Fail,
        severity: Severity::Low,
        message: if subject.reference.is_ok() {
            message::runs(subject, &tail)
        } else {
            message::names(subject, &tail)
        },
        resolution:
            "Give the image by digest (@sha256:<digest>). As a stopgap set imagePullPolicy: Always: a \
                     mirror or a cache can still answer with an old digest."
                .to_owned(),
    })
}
