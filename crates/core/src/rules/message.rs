//! Messages of findings. Every message names the container and the image, can be read on its own, and is safe for a
//! terminal.

use super::drift_words;
use super::subject::Subject;
use crate::pull_policy::{ComposePullPolicy, PullPolicy};
use crate::reference::{MAX_BYTES, Reference};
use crate::tag::TagClass;
use crate::text::UntrustedText;
use crate::workload::{ComposeService, ContainerType, Origin};

/// Longest message in characters (docs/design/reports.md, "Shape").
const MAX_CHARS: usize = 512;

/// Kubernetes allows 63 characters in a container's name; a manifest can hold anything.
const MAX_NAME: usize = 63;

/// Longest tag, pattern or unknown pull policy that a tail repeats: a tag is never cut either.
const MAX_QUOTED: usize = 64;

/// Longest tail. The longest name and the length of the longest image still fit before it.
const MAX_TAIL: usize = 370;

/// `container web runs nginx:latest`, then the tail.
pub(crate) fn runs(subject: &Subject<'_>, tail: &str) -> String {
    fit(
        subject,
        verb(subject),
        &subject.container.image.terminal(),
        tail,
        &drift_words::other_images_note(subject),
    )
}

/// The same, with a tail that names the image that pods carry instead, where there is one.
pub(super) fn runs_with_pods(subject: &Subject<'_>, of_pods: Option<&UntrustedText>, tail: &str) -> String {
    if of_pods.is_none() {
        return runs(subject, tail);
    }
    fit(subject, verb(subject), &subject.container.image.terminal(), tail, "")
}

fn verb(subject: &Subject<'_>) -> &'static str {
    if drift_words::older_revision(subject).is_some_and(|older| !older.has_started) {
        return "names";
    }
    verb_of(subject.origin, subject.container.container_type)
}

fn verb_of(origin: Origin, container_type: ContainerType) -> &'static str {
    match (origin, container_type) {
        (Origin::HelmValues, _) => "names",
        (Origin::Kustomization, _) => "sets",
        (_, ContainerType::ImageVolume) => "mounts",
        _ => "runs",
    }
}

/// `container web names "$IMAGE:1.2"`, then the tail: for an image that does not parse, and can hold blanks.
pub(super) fn names(subject: &Subject<'_>, tail: &str) -> String {
    if subject.container.image.raw().is_empty() {
        return format!("{} names no image", container_words(subject));
    }
    let image = format!("\"{}\"", subject.container.image.terminal());
    fit(subject, "names", &image, tail, &drift_words::other_images_note(subject))
}

/// A cut reference would read as another image, so one that does not fit is described by its length. The note follows
/// the tail, and is never cut.
fn fit(subject: &Subject<'_>, verb: &str, image: &str, tail: &str, note: &str) -> String {
    let lead = format!("{} {verb} ", container_words(subject));
    let chars = |text: &str| text.chars().count();
    let tail = shorten(&UntrustedText::from(tail).terminal(), MAX_TAIL - chars(note)) + note;
    if chars(&lead) + chars(image) + chars(&tail) <= MAX_CHARS {
        return lead + image + &tail;
    }
    let raw = subject.container.image.raw();
    // A cluster's objects are kept without the rest of a longer one.
    if raw.len() > MAX_BYTES {
        return format!("{lead}an image reference of more than {MAX_BYTES} bytes{tail}");
    }
    format!("{lead}an image reference of {} characters{tail}", chars(raw))
}

/// The message without its container and image, for a place that shows them already: `the tag latest moves with every
/// push`. A message that does not begin with them stays as it is.
pub fn reason<'m>(
    message: &'m str,
    container_type: ContainerType,
    name: &UntrustedText,
    image: &UntrustedText,
) -> &'m str {
    let image = image.terminal();
    let origins = [
        Origin::Manifest,
        Origin::Compose(ComposeService::default()),
        Origin::HelmValues,
        Origin::Kustomization,
    ];
    let lead = |origin: Origin| {
        let words = words_of(origin, container_type, name);
        let rest = message.strip_prefix(words.as_str())?.strip_prefix(' ')?;
        let behind_verb = |verb: &str| rest.strip_prefix(verb)?.strip_prefix(' ');
        behind_verb(verb_of(origin, container_type))
            .and_then(|rest| rest.strip_prefix(image.as_str()))
            .or_else(|| {
                behind_verb("names")?.strip_prefix('"')?.strip_prefix(image.as_str())?.strip_prefix('"')
            })
    };
    let Some(rest) = origins.into_iter().find_map(lead) else { return message };
    let rest =
        [": ", ", which is ", ", which "].iter().find_map(|joint| rest.strip_prefix(joint)).unwrap_or(rest);
    if rest.is_empty() { message } else { rest.trim_start() }
}

/// The container with its type, such as `init container setup`.
fn container_words(subject: &Subject<'_>) -> String {
    words_of(subject.origin, subject.container.container_type, &subject.container.name)
}

fn words_of(origin: Origin, container_type: ContainerType, name: &UntrustedText) -> String {
    let words = match origin {
        Origin::Cluster | Origin::Manifest => container_type.words(),
        Origin::Compose(_) => "service",
        Origin::HelmValues => "value",
        Origin::Kustomization => "entry",
    };
    match name.terminal() {
        name if name.is_empty() => format!("{words} without a name"),
        name => format!("{words} {}", shorten(&name, MAX_NAME)),
    }
}

/// The pull policy as written and as effective.
pub(crate) fn pull_policy_facts(subject: &Subject<'_>) -> String {
    let field = subject.pull_policy_field();
    let compose = subject.compose().map(|(policy, _)| policy.to_string());
    let is_known = match &compose {
        Some(_) => |written: &UntrustedText| ComposePullPolicy::parse(written.raw()).is_some(),
        None => |written: &UntrustedText| PullPolicy::parse(written.raw()).is_some(),
    };
    let effective = compose.as_deref().unwrap_or(subject.effective_pull_policy.as_str());
    match subject.container.pull_policy.as_ref().filter(|written| !written.raw().is_empty()) {
        None => format!("{field} unset (effective: {effective})"),
        Some(written) if is_known(written) => match subject.origin {
            Origin::Cluster => format!("stored {effective}"),
            Origin::Manifest | Origin::HelmValues | Origin::Kustomization => format!("{field}: {effective}"),
            Origin::Compose(_) => format!("{field}: {}", shorten(&written.terminal(), MAX_QUOTED)),
        },
        Some(unknown) => format!(
            "{field} \"{}\", which {} does not know (effective: {effective}, as if unset)",
            shorten(&unknown.terminal(), MAX_QUOTED),
            subject.words().platform
        ),
    }
}

/// Why the reference can be expected to move, as a clause.
pub(crate) fn moves(subject: &Subject<'_>) -> String {
    let tag = tag(subject);
    if subject.classification.class == TagClass::ProvenMutable {
        return format!("the cluster saw {tag} resolve to more than one digest");
    }
    match subject.tag() {
        None => format!("{} reads no tag as latest, which moves with every push", subject.words().platform),
        Some("latest") => "the tag latest moves with every push".to_owned(),
        Some(_) if subject.may_move() => {
            format!("{tag} may be one that moves, or one that is pushed once{}", matched(subject))
        }
        Some(_) => format!("{tag} floats{}", matched(subject)),
    }
}

/// The tag as a message names it, such as `the tag 1.27`.
pub(super) fn tag(subject: &Subject<'_>) -> String {
    match subject.tag() {
        None => "the implied tag latest".to_owned(),
        Some(tag) if tag.len() <= MAX_QUOTED => format!("the tag {tag}"),
        Some(_) => "its tag".to_owned(),
    }
}

/// ` (partial version 1.27)`, or nothing where no pattern matched.
pub(crate) fn matched(subject: &Subject<'_>) -> String {
    match &subject.classification.matched {
        Some(pattern) if pattern.chars().count() <= MAX_QUOTED => format!(" ({pattern})"),
        _ => String::new(),
    }
}

/// Advice where tagwatch cannot decide whether a tag moves.
pub(super) const DECLARE_IMMUTABLE: &str =
    "if it is never pushed again, put it on the policy's `immutable` list";

/// A remark on live pods that run by digest, which softens a tag rule. It names no number of pods: scaling would change
/// it, and the report would be written again each time.
pub(super) fn by_digest_note(subject: &Subject<'_>) -> &'static str {
    if subject.pods_by_digest() {
        "; every live pod runs by digest all the same, probably through admission"
    } else {
        ""
    }
}

/// A remark on live pods that pull at each start although the template has another pull policy.
pub(crate) fn always_note(subject: &Subject<'_>) -> &'static str {
    if subject.always_pull_images && subject.admission_pulls_always() {
        "; the policy declares AlwaysPullImages, so every pod carries Always all the same"
    } else if subject.pods_with_always() {
        "; every live pod carries Always all the same, probably through admission"
    } else {
        ""
    }
}

/// Why it is no finding that pods lack the `Always` of the template.
pub(crate) fn without_always_note(subject: &Subject<'_>) -> &'static str {
    if subject.pods_by_digest() {
        by_digest_note(subject)
    } else if subject.always_pull_images {
        "; the policy declares AlwaysPullImages, though not every pod shows it"
    } else {
        ""
    }
}

/// A remark on live pods whose pull policy is another than the template's.
pub(crate) fn pods_policy_note(subject: &Subject<'_>) -> &'static str {
    let Some(observed) = subject.container.observed.filter(|observed| observed.pods > 0) else { return "" };
    let wants_always = subject.effective_pull_policy == PullPolicy::Always;
    match (wants_always, observed.always) {
        (true, 0) => "; pods carry another pull policy than the Always that is written",
        (true, _) if observed.is_divided() => {
            "; some pods carry another pull policy than the Always that is written"
        }
        (false, _) if observed.is_divided() => "; some pods carry Always, which is not what is written",
        (false, _) if observed.all_always() => "; pods carry Always, which is not what is written",
        _ => "",
    }
}

/// An upper-case host and a tag in double underscores are legal, but most are placeholders such as `REGISTRY/app:1` and
/// `app:__TAG__`.
pub(crate) fn placeholder_note(subject: &Subject<'_>) -> &'static str {
    if subject.reference.is_ok_and(Reference::looks_like_placeholder_host) {
        "; its registry is written in upper case: probably a placeholder"
    } else if subject.reference.is_ok_and(Reference::looks_like_placeholder_tag) {
        "; its tag is written in double underscores: probably a placeholder"
    } else {
        ""
    }
}

fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max - 1).chain(['…']).collect(),
    }
}
