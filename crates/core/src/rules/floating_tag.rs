//! `floating-tag`: any other tag that moves, by its name or by proof from the cluster.

use super::meta::{RuleGroup, RuleMeta};
use super::parameters::Parameter;
use super::rule::Violation;
use super::subject::Subject;
use super::{ids, message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::tag::TagClass;

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::FLOATING_TAG,
    group: RuleGroup::ImageTag,
    category: RuleGroup::ImageTag.category(),
    enabled: true,
    needs_reference: true,
    parameters: &[Parameter::Words, Parameter::Patterns],
    severity: Severity::Medium,
    outcome: Outcome::Warn,
    since: "0.1.0",
    summary: "The tag is one that its publisher moves, such as 1.27, stable or main",
    why: "\
A partial version (`1.27`), a channel (`stable`, `nightly`), a branch
(`main`), a distribution (`bookworm`) or a variant (`alpine`) is a pointer:
its publisher moves it to newer bytes while the name stays. The same
manifest runs other code tomorrow, and no rollout shows it.

It is a warning as long as only the name says so, and a failure once the
cluster saw the reference resolve to more than one digest, whatever its name
looks like and whatever was declared.

For some tags the name alone does not say whether they move, and tagwatch says
that it cannot tell: one number alone (`42`) is a major version or a build
number, and a branch with a number (`main-1234`) may be one build. Two numbers
(`1.27`) are a line of releases for one publisher and a full version for the
next. Where the publisher is known to move them (Docker Official Images,
Bitnami, .NET, Red Hat and others), they float for certain.

If such a tag is never pushed again, put it on the policy's `immutable` list.
Versions of `registry.k8s.io` are there by default (`immutablePresets`).",
    bad: "\
containers:
- name: web
  image: nginx:1.27
  imagePullPolicy: Always
",
    good: "\
containers:
- name: web
  image: nginx:1.27.3
",
    fix: "\
1. Name a digest, with the version beside it for the reader:
   `nginx:1.27.3@sha256:<digest>`. A tool that updates digests keeps it
   current, and each update is a change that can be reviewed and rolled
   back.
2. Or name a tag that is never pushed again: the full version, a commit, a
   date or a build number.
3. If this tag is never pushed again although its name looks so, put it on
   the policy's `immutable` list.",
};

/// Fires for every moving tag but `latest`, proven ones among them: a tag that was seen to move floats, whatever
/// its name says. The severity stays medium then, since `moved-tag` reports the proof itself.
pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let is_named = subject.tag().is_none_or(|tag| tag == "latest");
    if !subject.is_mutable() || is_named {
        return None;
    }
    let outcome = match subject.classification.class {
        TagClass::ProvenMutable => Outcome::Fail,
        _ => Outcome::Warn,
    };
    Some(Violation {
        outcome: subject.tag_outcome(outcome),
        severity: Severity::Medium,
        message: message::runs(subject, &tail(subject)),
        resolution: resolution::pin(subject),
    })
}

fn tail(subject: &Subject<'_>) -> String {
    let consequence = match subject.classification.class {
        TagClass::ProvenMutable => ", so it moves, whatever its name says".to_owned(),
        _ if subject.may_move() => format!("; {}", message::DECLARE_IMMUTABLE),
        _ => ", so the same manifest can run other code tomorrow".to_owned(),
    };
    format!(
        ": {}{consequence}{}{}",
        message::moves(subject),
        message::by_digest_note(subject),
        message::placeholder_note(subject)
    )
}
