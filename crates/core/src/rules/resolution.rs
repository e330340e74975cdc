//! How to fix a finding, with the names of its own image. The best way comes first: a digest, or a tag that is never
//! pushed again. `Always` is called a stopgap, since a mirror or a cache can answer with an old digest.

use super::drift_words;
use super::subject::{Subject, Words};
use crate::drift::OlderRevision;
use crate::pull_policy::PullPolicy;
use crate::tag::TagClass;

/// How to fix an image whose tag means the newest push, for the page of a rule.
pub(super) const NAME_WHAT_STAYS: &str = "\
1. Name a digest, with the version beside it for the reader:
   `nginx:1.27.3@sha256:<digest>`. `docker buildx imagetools inspect
   nginx:1.27.3` prints the digest.
2. Or name a tag that is never pushed again: a full version, a commit, a
   date or a build number.";

/// Longest image name that a resolution repeats: the longest repository path and a host beside it still fit
/// the 1 KiB that reports give to a resolution, twice over.
const MAX_NAME: usize = 320;

/// `Set image to nginx:<version>@sha256:<digest>, or …`.
pub(super) fn pin(subject: &Subject<'_>) -> String {
    let field = subject.container.container_type.image_field();
    let name = name(subject);
    let tag = subject.tag().filter(|&tag| tag != "latest").unwrap_or("<version>");
    let rest = match subject.classification.class {
        TagClass::ProvenMutable => "since this very reference was seen to move.".to_owned(),
        TagClass::Unclassified => unless_immutable(name),
        _ if subject.may_move() => unless_immutable(name),
        _ => never_pushed_again(name),
    };
    format!("Set {field} to {name}:{tag}@sha256:<digest>, {rest}")
}

/// `Set image to nginx:1.27.3@sha256:<digest>.`: the only way where no tag is accepted.
pub(super) fn pin_by_digest(subject: &Subject<'_>) -> String {
    let field = subject.container.container_type.image_field();
    let tag = subject.tag().filter(|&tag| tag != "latest").unwrap_or("<version>");
    format!("Set {field} to {}:{tag}@sha256:<digest>.", name(subject))
}

fn never_pushed_again(name: &str) -> String {
    format!("or to a tag that is never pushed again, such as {name}:<full version>.")
}

fn unless_immutable(name: &str) -> String {
    let never_pushed_again = never_pushed_again(name);
    format!("{never_pushed_again} If the tag is never pushed again, put it on the policy's `immutable` list.")
}

/// What to do about a violation: what its rule says, unless only pods of an older revision name the image, where a patch of
/// the template would change nothing.
pub(crate) fn in_force(subject: &Subject<'_>, of_rule: String) -> String {
    drift_words::older_revision(subject).map_or(of_rule, of_older_revision)
}

fn of_older_revision(older: &OlderRevision) -> String {
    let OlderRevision { owner, namespace, kind, name, revision: _, is_rolled_out, has_started: _ } = older;
    if *is_rolled_out {
        let (kind, name) = (kind.terminal(), name.terminal());
        return format!(
            "Scale the {kind} {name} to 0 or delete it. The pod template no longer names this image, and the rollout is \
             complete, but this {kind} still asks for pods."
        );
    }
    let (object, namespace) = (owner.terminal(), namespace.terminal());
    let stalled = "The pod template no longer names this image, but the rollout has not finished.";
    // `kubectl rollout` knows no other kind that makes ReplicaSets.
    if !owner.raw().starts_with("deployment.apps/") {
        return format!("{stalled} Finish or undo the rollout of {object}.");
    }
    format!(
        "{stalled} Finish it: `kubectl rollout status {object} --namespace {namespace}` says what it waits for. Or undo it, \
         which goes back to this image: `kubectl rollout undo {object} --namespace {namespace}`."
    )
}

/// Adds the stopgap for as long as the reference can move, unless it is in place.
pub(super) fn pin_or_pull_always(subject: &Subject<'_>) -> String {
    if subject.effective_pull_policy == PullPolicy::Always {
        return pin(subject);
    }
    let Words { reader, always, .. } = subject.words();
    let field = subject.pull_policy_field();
    format!(
        "{} As a stopgap set {field}: {always}: {reader} then asks the registry at every start, though a \
         mirror or a cache can still answer with an old digest.",
        pin(subject)
    )
}

/// The image as written, without tag and digest. Only a parsed image is repeated: its characters are harmless.
fn name<'a>(subject: &Subject<'a>) -> &'a str {
    let written = subject.container.image.raw();
    let bare = written.split_once('@').map_or(written, |(name, _)| name);
    let bare = match subject.tag() {
        Some(tag) => bare.strip_suffix(tag).and_then(|name| name.strip_suffix(':')).unwrap_or(bare),
        None => bare,
    };
    if subject.reference.is_ok() && bare.len() <= MAX_NAME { bare } else { "<image>" }
}
