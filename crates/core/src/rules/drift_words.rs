//! What findings say of images that were seen to run.

use jiff::Timestamp;

use super::Subject;
use crate::drift::{DriftConfidence, Resolution, Resolutions};
use crate::pull_policy::PullPolicy;

/// Hex digits of a digest in a message, as other tools cut it; evidence has it in full.
const SHORT_HEX: usize = 12;
/// Digests that a message names; evidence has the others.
const MAX_NAMED: usize = 4;

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
        DriftConfidence::Likely => "; likely, for nothing is known of the nodes",
    };
    format!("{} digests: {}{more}{doubt}", all.len(), named.join(", "))
}

fn digest(resolution: &Resolution) -> String {
    let Resolution { digest, pods, since, until, here: _, elsewhere: _ } = resolution;
    let digest = short(digest);
    match until {
        Some(until) => format!("{digest} from {} until {}", minute(*since), minute(*until)),
        None => {
            format!("{digest} on {pods} {} since {}", if *pods == 1 { "pod" } else { "pods" }, minute(*since))
        }
    }
}

/// `sha256:0123456789ab`.
pub(super) fn short(digest: &str) -> &str {
    let hex = digest.find(':').map_or(0, |colon| colon + 1);
    digest.get(..hex + SHORT_HEX).unwrap_or(digest)
}

/// `2026-01-12T08:30Z`.
pub(super) fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or(text.clone(), |minute| format!("{minute}Z"))
}

/// A remark on pods whose pull policy is another than the template's, or whose image is.
pub(super) fn pods_note(subject: &Subject<'_>) -> String {
    let mut note = String::new();
    if let Some(observed) = subject.container.observed.filter(|observed| observed.pods > 0) {
        let wants_always = subject.effective_pull_policy == PullPolicy::Always;
        if wants_always && observed.always < observed.pods {
            note.push_str("; pods carry another pull policy than the Always that is written");
        } else if !wants_always && observed.always > 0 {
            note.push_str("; pods carry Always, which is not what is written");
        }
    }
    if subject.drift().is_some_and(|drift| !drift.former_images.is_empty()) {
        note.push_str("; pods still run an image that the template no longer names");
    }
    note
}

/// A remark on a rollout restart that brought the same image again.
pub(super) fn restarted_note(subject: &Subject<'_>) -> &'static str {
    if subject.drift().is_some_and(|drift| drift.restarted_same_image) {
        "; restarted, same image: the last restart ended on the digest that it began with"
    } else {
        ""
    }
}
