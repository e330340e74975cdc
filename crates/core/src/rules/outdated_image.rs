//! `outdated-image`: the registry has another image under the tag than the pods run.

use super::meta::{RuleGroup, RuleMeta};
use super::rule::Violation;
use super::subject::Subject;
use super::{drift_words, ids, message, resolution};
use crate::drift::RegistryAnswer;
use crate::outcome::{Outcome, Severity};

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::OUTDATED_IMAGE,
    group: RuleGroup::ImageDrift,
    category: RuleGroup::ImageDrift.category(),
    enabled: false,
    needs_reference: false,
    parameters: &[],
    severity: Severity::Medium,
    outcome: Outcome::Warn,
    since: "0.1.0",
    summary: "The registry has another image under this tag than the one that runs",
    why: "\
The tag was pushed again, and every node still runs what it pulled before. All
pods agree, so the cluster alone cannot know: only the registry can say it.

The rule is off by default, for it sends requests to registries. An answer
that does not come (no such tag, no access, too many requests, no answer in
time) is an error that names the reason, never a pass.",
    bad: "\
containers:
- name: web
  image: registry.example/web:1.4.2
# the registry has sha256:9b2d7c1f0e8a
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.3
",
    fix: "\
1. Name the digest that is meant, or a tag that is never pushed again.
2. If the new image is wanted, roll it out under a tag or a digest of its
   own.",
};

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let (outcome, tail) = match subject.drift()?.registry.as_ref()? {
        RegistryAnswer::Differs { digest, some_run_it, runs: _ } => (
            Outcome::Warn,
            format!(
                ", and the registry has {} under that name, which {}",
                drift_words::short(digest),
                if *some_run_it { "some pods run and others do not" } else { "no pod runs" }
            ),
        ),
        RegistryAnswer::Unknown { reason } => {
            (Outcome::Error, format!(", and what the registry has is unknown: {}", reason.terminal()))
        }
    };
    Some(Violation {
        outcome,
        severity: Severity::Medium,
        message: message::runs(subject, &tail),
        resolution: resolution::pin_by_digest(subject),
    })
}
