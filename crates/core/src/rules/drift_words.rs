//! Words of findings about images that pods ran.

use std::borrow::Cow;

use jiff::Timestamp;

use super::subject::Subject;
use crate::drift::{DriftConfidence, OlderRevision, Resolution, Resolutions};
use crate::text::UntrustedText;

/// Hex digits of a digest in a message, as other tools cut it; evidence has it in full.
const SHORT_HEX: usize = 12;
/// Digests that a message names; evidence has the others.
const MAX_NAMED: usize = 4;
/// Longest reference of pods that a message names beside the template's: it is never cut.
const MAX_REFERENCE: usize = 128;
/// Longest name of a `ReplicaSet` that a message names.
const MAX_REVISION_NAME: usize = 100;

/// `2 digests: sha256:0123… on 3 pods since …, sha256:4567… on 1 pod since …`. Neither is called the newer one or the
/// right one: only a registry knows.
pub(super) fn digests(resolutions: &Resolutions) -> String {
    let all = &resolutions.digests;
    let named: Vec<String> = all.iter().take(MAX_NAMED).map(digest).collect();
    let more = match all.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let doubt = match resolutions.confidence {
        DriftConfidence::Proven => "",
        DriftConfidence::Likely => "; likely, since no known node lists them as different images",
    };
    format!("{} digests: {}{more}{doubt}", all.len(), named.join(", "))
}

fn digest(resolution: &Resolution) -> String {
    let Resolution { digest, same: _, pods, since, until, here: _, elsewhere: _ } = resolution;
    let digest = short(digest);
    match until {
        Some(until) => format!("{digest} from {} until {}", minute(*since), minute(*until)),
        None => {
            format!("{digest} on {pods} {} since {}", if *pods == 1 { "pod" } else { "pods" }, minute(*since))
        }
    }
}

/// The algorithm and the first digits of a digest, such as `sha256:0123456789ab`.
pub(super) fn short(digest: &str) -> &str {
    let hex = digest.find(':').map_or(0, |colon| colon + 1);
    digest.get(..hex + SHORT_HEX).unwrap_or(digest)
}

/// The time in UTC to the minute, such as `2026-01-12T08:30Z`.
pub(super) fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or(text.clone(), |minute| format!("{minute}Z"))
}

/// The image that pods name in place of the template's. One too long for a message is in the evidence only.
pub(super) fn reference(of_pods: &UntrustedText) -> String {
    let shown = of_pods.terminal();
    if shown.chars().count() <= MAX_REFERENCE { shown } else { "another image".to_owned() }
}

/// A remark on pods whose image differs from the template's. Unless they are known to be of an older revision, it is unknown
/// whether the template or admission changed it.
pub(super) fn other_images_note(subject: &Subject<'_>) -> Cow<'static, str> {
    if let Some(older) = older_revision(subject) {
        return older_revision_note(older).into();
    }
    let note = if subject.container.is_of_pods() {
        "; live pods have it, and the template names another image"
    } else if subject.drift().is_some_and(|drift| !drift.other_images.is_empty()) {
        "; pods carry another image than the template names"
    } else {
        ""
    };
    note.into()
}

/// The older revision whose pods alone name the image.
pub(super) fn older_revision<'a>(subject: &Subject<'a>) -> Option<&'a OlderRevision> {
    subject.container.drift.as_deref()?.older_revision.as_ref()
}

fn older_revision_note(older: &OlderRevision) -> String {
    let OlderRevision { owner: _, namespace: _, kind, name, revision, is_rolled_out, has_started } = older;
    let name = name.terminal();
    // The evidence has it in full.
    let name = if name.chars().count() <= MAX_REVISION_NAME { format!(" {name}") } else { String::new() };
    let pods = if *has_started { "run" } else { "wait to start with" };
    let rollout = if *is_rolled_out { "is complete" } else { "has not finished" };
    format!(
        "; pods of the older {}{name} (revision {revision}) {pods} it: the template no longer names it, and its rollout \
         {rollout}",
        kind.terminal()
    )
}

/// A remark on a rollout restart that brought the same image again.
pub(super) fn restarted_note(subject: &Subject<'_>) -> &'static str {
    if subject.drift().is_some_and(|drift| drift.restarted_same_image) {
        "; restarted, same image: the last restart ended on the digest that it began with"
    } else {
        ""
    }
}
