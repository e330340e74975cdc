#![expect(clippy::unwrap_used, reason = "the texts of this table are valid")]

use tagwatch_core::reference::Reference;
use tagwatch_core::tag::{Classifier, Confidence, ReferenceGlobs, TagClass};

use crate::classify;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Class, confidence and pattern of an image under a policy that declares all of `registry.corp/` immutable, while
/// the cluster saw `registry.corp/moved:1.2.3` and an untagged `registry.corp/moved` move, and claims it of what does not
/// parse.
fn judge(image: &str) -> (TagClass, Confidence, String) {
    let classifier = Classifier::new(ReferenceGlobs::new(["registry.corp/"]).unwrap());
    let reference = Reference::parse(image);
    let found = classifier.classify(reference.as_ref());
    let tag = reference.as_ref().ok().filter(|found| found.name() == "registry.corp/moved");
    let tag = tag.map(|found| found.tag().unwrap_or("latest"));
    let has_moved = reference.is_err() || tag.is_some_and(|tag| ["1.2.3", "latest"].contains(&tag));
    let found = if has_moved { found.with_proof() } else { found };
    (found.class, found.confidence, found.matched.unwrap_or_default())
}

#[test]
fn what_does_not_parse_is_invalid() {
    let (class, confidence, matched) = judge("registry.corp/App:1.2.3");
    assert_eq!((class, confidence, matched.as_str()), (TagClass::Invalid, Confidence::Unknown, ""));
}

#[test]
fn a_digest_wins_over_all_else() {
    for name in ["nginx", "nginx:latest", "registry.corp/moved:1.2.3", "registry.corp/moved"] {
        let (class, confidence, matched) = judge(&format!("{name}@{DIGEST}"));
        assert_eq!((class, confidence), (TagClass::Digest, Confidence::Pattern), "{name}");
        assert_eq!(matched, format!("digest `{DIGEST}`"));
    }
}

#[test]
fn proof_wins_over_declaration() {
    for moved in ["registry.corp/moved:1.2.3", "registry.corp/moved", "registry.corp/moved:latest"] {
        let (class, confidence, matched) = judge(moved);
        assert_eq!((class, confidence), (TagClass::ProvenMutable, Confidence::Proven), "{moved}");
        assert_eq!(matched, "seen to resolve to several digests");
    }
}

#[test]
fn declaration_wins_over_the_tag() {
    for image in
        ["registry.corp/app:main", "registry.corp/app", "registry.corp/app:latest", "registry.corp/moved:2"]
    {
        let (class, confidence, matched) = judge(image);
        assert_eq!((class, confidence), (TagClass::DeclaredImmutable, Confidence::Declared), "{image}");
        assert_eq!(matched, "`immutable` entry `registry.corp/`");
    }
    assert_eq!(judge("registry.corp-evil/app:main").0, TagClass::Floating);
}

#[test]
fn a_digest_is_never_proven_mutable() {
    let pinned = Reference::parse(&format!("app:1.2.3@{DIGEST}")).unwrap();
    let classifier = Classifier::default();
    assert_eq!(classifier.classify(Ok(&pinned)).with_proof().class, TagClass::Digest);
    let tagged = Reference::parse("app:1.2.3").unwrap();
    assert_eq!(classifier.classify(Ok(&tagged)).class, TagClass::Version);
}

#[test]
fn no_tag_and_latest_are_kept_apart() {
    for (image, class, matched) in [
        ("nginx", TagClass::ImplicitLatest, "neither tag nor digest"),
        ("localhost:5000/app", TagClass::ImplicitLatest, "neither tag nor digest"),
        ("localhost:5000/app:latest", TagClass::Latest, "tag `latest`"),
        ("nginx:latest", TagClass::Latest, "tag `latest`"),
        ("nginx:LATEST", TagClass::Floating, "channel or branch `LATEST`"),
    ] {
        let found = classify(image);
        assert_eq!((found.class, found.confidence), (class, Confidence::Pattern), "{image}");
        assert_eq!(found.matched.as_deref(), Some(matched), "{image}");
    }
}

#[test]
fn unique_wins_over_version_and_floating() {
    for (tag, class) in [
        ("1.2.3-dev-1a2b3c4", TagClass::Unique),
        ("latest-20240110", TagClass::Unique),
        ("1.2.3-dev", TagClass::Floating),
        ("1.2.3-alpine", TagClass::Version),
        ("1.2-alpine", TagClass::Floating),
        ("web", TagClass::Unclassified),
    ] {
        assert_eq!(classify(&format!("app:{tag}")).class, class, "{tag}");
    }
}
