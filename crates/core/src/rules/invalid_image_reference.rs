//! `invalid-image-reference`: the image does not parse. The only result of such a container.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message};
use crate::outcome::{Outcome, Severity};

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::INVALID_IMAGE_REFERENCE,
    group: RuleGroup::ImageTag,
    category: RuleGroup::ImageTag.category(),
    enabled: true,
    needs_reference: false,
    parameters: &[],
    severity: Severity::High,
    outcome: Outcome::Error,
    since: "0.1.0",
    summary: "The image is no valid reference, so no node can pull it",
    why: "\
The kubelet cannot run an image that is no reference: the container stays in
`InvalidImageName`. The API server stores such a value all the same, so the
mistake shows only once a pod starts. Most often a placeholder was never
filled in (`$IMAGE`, `{{ .Values.image }}`), a path holds upper case, or a
URL scheme stands in front.

There is nothing to judge about its tag or its pull policy, so this is the
only result of the container.",
    bad: "\
containers:
- name: web
  image: https://registry.example/web:1.4.2
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.2
",
    fix: "\
1. Write `registry/repository:tag@sha256:<digest>`: a lower-case repository,
   no scheme, no blanks, the tag before the digest.
2. If the value comes from a template, render it before it is applied, and
   make the step that renders it fail on an unset variable.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let error = subject.reference.err()?;
    let field = subject.container.container_type.image_field();
    Some(Violation {
        outcome: Outcome::Error,
        severity: Severity::High,
        message: message::names(subject, &format!(", which is no image reference: {error}")),
        resolution: format!(
            "Set {field} to a reference of the form registry/repository:<version>@sha256:<digest>. If it \
             comes from a template, fill in its variables before it is applied."
        ),
    })
}
