//! What the rules on pull policies say of Compose services. Compose asks no registry by itself: it pulls when a service is
//! started, so its pull policy has to fit how often the tag moves (docs/design/verdicts.md, "Compose services").

use super::rule::Violation;
use super::subject::Subject;
use super::{message, resolution};
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::ComposePullPolicy;
use crate::tag::TagClass;
use crate::workload::ComposeService;

/// `stale-pull-policy`: a copy on the machine can be older than the tag.
pub(super) fn stale(
    subject: &Subject<'_>,
    (policy, service): (ComposePullPolicy, ComposeService),
) -> Option<Violation> {
    if service.builds {
        return (policy != ComposePullPolicy::Build).then(|| skipped_build(subject));
    }
    if !subject.is_mutable() {
        return None;
    }
    let moves = message::moves(subject);
    let (outcome, severity, consequence) = match policy {
        ComposePullPolicy::Missing if subject.names_latest() => (
            Outcome::Warn,
            Severity::High,
            format!(
                "{moves}; older versions of Compose pull latest at every start all the same, current ones only on \
                 `docker compose pull`"
            ),
        ),
        ComposePullPolicy::Missing if subject.may_move() => {
            (Outcome::Warn, Severity::High, format!("{moves}; {}", message::DECLARE_IMMUTABLE))
        }
        ComposePullPolicy::Missing => (
            Outcome::Fail,
            Severity::High,
            format!(
                "{moves}; a machine that has a copy never pulls again, so machines come to run different code"
            ),
        ),
        ComposePullPolicy::Refresh(_) if policy.is_older_than_a_day() && !subject.names_latest() => (
            Outcome::Warn,
            Severity::Medium,
            format!("{moves}; a copy may be older than a day before Compose asks the registry again"),
        ),
        ComposePullPolicy::Refresh(_)
        | ComposePullPolicy::Always
        | ComposePullPolicy::Never
        | ComposePullPolicy::Build => return None,
    };
    let tail = format!(" with {}: {consequence}", message::pull_policy_facts(subject));
    Some(Violation {
        outcome,
        severity,
        message: message::runs(subject, &tail),
        resolution: resolution::pin_or_pull_always(subject),
    })
}

/// `build` and `image` beside each other
/// (<https://github.com/compose-spec/compose-spec/blob/main/build.md#using-build-and-image>).
fn skipped_build(subject: &Subject<'_>) -> Violation {
    let tail = format!(
        " with {} and a build section: Compose takes the image where it exists and skips the build",
        message::pull_policy_facts(subject)
    );
    Violation {
        outcome: Outcome::Warn,
        severity: Severity::Medium,
        message: message::runs(subject, &tail),
        resolution: "Set pull_policy: build, so that Compose always builds the image. Delete build where the image is \
                     to be pulled."
            .to_owned(),
    }
}

/// `pull-policy-never`: without a copy the service fails at once, which is no harm for a tag that stays.
pub(super) fn never(
    subject: &Subject<'_>,
    (policy, service): (ComposePullPolicy, ComposeService),
) -> Option<Violation> {
    if policy != ComposePullPolicy::Never || service.builds {
        return None;
    }
    let (outcome, severity, consequence, fix) = if subject.is_mutable() {
        let moves = message::moves(subject);
        let consequence = format!("{moves}, and each machine runs whatever it holds under it");
        let fix = format!("{} Then set pull_policy: missing.", resolution::pin(subject));
        (Outcome::Fail, Severity::High, consequence, fix)
    } else if subject.classification.class == TagClass::Unclassified {
        let consequence =
            format!("nothing says whether {} moves; {}", message::tag(subject), message::DECLARE_IMMUTABLE);
        let fix = "Set pull_policy: missing, so that machines without the image can pull it.".to_owned();
        (Outcome::Warn, Severity::Low, consequence, fix)
    } else {
        return None;
    };
    let tail = format!(" with {}: Compose never pulls; {consequence}", message::pull_policy_facts(subject));
    Some(Violation { outcome, severity, message: message::runs(subject, &tail), resolution: fix })
}
