//! `image-pull-failing`: pods that wait for an image that cannot be pulled.

use std::time::Duration;

use super::meta::{RuleGroup, RuleMeta};
use super::parameters::Parameter;
use super::rule::Violation;
use super::subject::Subject;
use super::{drift_words, ids, message};
use crate::drift::{PullFailure, PullFailureReason};
use crate::outcome::{Outcome, Severity};

/// How long a pull may fail before the rule fires: registries have short outages.
const GRACE: Duration = Duration::from_mins(5);

pub(super) static META: RuleMeta = RuleMeta {
    id: ids::IMAGE_PULL_FAILING,
    group: RuleGroup::ImageDrift,
    category: RuleGroup::ImageDrift.category(),
    enabled: true,
    needs_reference: false,
    parameters: &[Parameter::Grace],
    severity: Severity::High,
    outcome: Outcome::Fail,
    since: "0.1.0",
    summary: "Pods wait for an image that their node does not get",
    why: "\
A container does not start because its image cannot be had: the tag or the
repository does not exist (any more), the registry refuses or is away, or the
pull policy is `Never` and the node has no copy. Pods that run already hide
it: the next node that fails takes the workload down.

`ErrImagePull` and `ImagePullBackOff` count once they have lasted for `grace`;
`ErrImageNeverPull` and `InvalidImageName` count at once, for waiting does not
fix them. Of an image that does not parse, `invalid-image-reference` speaks
alone where it is on.

Pods can wait for another image than the template names: admission rewrites
it, or a StatefulSet waits for a pod that it made before the template was
corrected, and will not replace. The finding names the image that is waited
for.",
    bad: "\
containers:
- name: web
  image: registry.example/web:1.4.2
# pods wait: ImagePullBackOff
",
    good: "\
containers:
- name: web
  image: registry.example/web:1.4.3
",
    fix: "\
1. `kubectl describe pod` shows the registry's answer. Correct the name or the
   tag, or push what is missing.
2. Where credentials are missing, add `imagePullSecrets`.
3. With `imagePullPolicy: Never`, load the image onto every node first, or
   leave the policy out for a tag that is never pushed again.
4. Delete a pod that waits for an image which the template has ceased to
   name; its controller makes another one.",
};

fn grace(subject: &Subject<'_>, failure: &PullFailure) -> Duration {
    if failure.reason.is_passing() { subject.parameters.grace.unwrap_or(GRACE) } else { Duration::ZERO }
}

pub(super) fn check(subject: &Subject<'_>) -> Option<Violation> {
    let failure = subject.drift()?.pull_failure.as_ref()?;
    if failure.lasted < grace(subject, failure) {
        return None;
    }
    let of_pods = failure.image.as_ref();
    let lead = match of_pods {
        Some(image) => format!(", but pods wait for {}", drift_words::reference(image)),
        None => ", which pods wait for".to_owned(),
    };
    let tail = format!(
        "{lead} since {}: {}{}",
        drift_words::minute(failure.since),
        words(failure.reason),
        message::pods_policy_note(subject)
    );
    Some(Violation {
        outcome: Outcome::Fail,
        severity: Severity::High,
        message: message::runs_with_pods(subject, of_pods, &tail),
        resolution: resolution(subject, failure),
    })
}

pub(super) fn due_in(subject: &Subject<'_>) -> Option<Duration> {
    let failure = subject.drift()?.pull_failure.as_ref()?;
    grace(subject, failure).checked_sub(failure.lasted)
}

fn words(reason: PullFailureReason) -> &'static str {
    match reason {
        PullFailureReason::InvalidName => "InvalidImageName, the image that the pods name is no reference",
        PullFailureReason::NeverPull => "ErrImageNeverPull, the node has no copy and must not pull",
        PullFailureReason::Pull => "ErrImagePull, the node does not get it",
    }
}

fn resolution(subject: &Subject<'_>, failure: &PullFailure) -> String {
    if failure.image.is_some() {
        return "See the events of a waiting pod for the registry's answer. Delete the pod if it was made before the \
                template was corrected; else correct what admission makes of the image."
            .to_owned();
    }
    let kind = subject.container.container_type;
    match failure.reason {
        PullFailureReason::InvalidName => {
            format!("Set {} to a valid reference; admission may have changed it in the pods.", kind.image_field())
        }
        PullFailureReason::NeverPull => format!(
            "Load the image onto every node, or set {}: IfNotPresent and a tag that is never pushed again.",
            kind.pull_policy_field()
        ),
        PullFailureReason::Pull => {
            "See the events of a waiting pod for the registry's answer; correct the name or the tag, push what is \
             missing, or add imagePullSecrets."
                .to_owned()
        }
    }
}
