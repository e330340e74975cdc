//! Whatever an image field holds, parsing and classifying end without a panic, and nothing that could drive a
//! terminal comes back out.

use std::collections::BTreeSet;

use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::tag::{Classifier, Confidence, ReferenceGlobs, TagClass};

const SEEDS: [&str; 14] = [
    "",
    "nginx",
    "registry.example.com:5000/team/app:v1.2.3-rc.1_x",
    "[2001:db8::1]:5000/app:2024-01-10T15-30-00Z",
    "in_dex.example.com/app:1.x",
    "localhost/app:php8.2.1-apache",
    "app:3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "app:build-12-run-g2414721-r0-gke.1",
    "app:latest@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "REGISTRY/app:JIRA-12345",
    "$IMAGE:{{ .Values.tag }}",
    "https://x/%TAG%<y>",
    "app:_1..2--3__v.",
    "app:ubuntu22.04.x-\u{1b}[2J\u{202e}é",
];

/// Every byte class of the grammar, and what stands outside it.
const ALPHABET: &str = "aZx09vg._-:/@[]{}$%<>*?,! \t\n\0\u{1b}\u{7f}\u{9b}é\u{661}\u{202e}\u{200b}\u{feff}😀";

/// A linear congruential generator (Knuth's MMIX constants): the same inputs in every run.
struct Generator(u64);

impl Generator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }

    fn mutate(&mut self, seed: &str) -> String {
        let alphabet: Vec<char> = ALPHABET.chars().collect();
        let mut text: Vec<char> = seed.chars().collect();
        for _ in 0..=self.below(6) {
            let at = self.below(text.len() + 1);
            let character = alphabet[self.below(alphabet.len())];
            match self.below(5) {
                0 if at < text.len() => drop(text.remove(at)),
                1 if at < text.len() => text[at] = character,
                2 => text.truncate(at),
                3 => text.extend_from_within(at..),
                _ => text.insert(at, character),
            }
        }
        text.into_iter().collect()
    }
}

fn assert_printable(text: &str, of: &str) {
    assert!(text.chars().all(|c| c == '…' || matches!(c, ' '..='~')), "{text:?} for {of:?}");
}

#[test]
fn mutated_references_never_panic_and_never_leak() {
    let mut generator = Generator(20_240_110);
    let classifier = Classifier::new(ReferenceGlobs::new(["registry.example.com:5000/**:v*"]).unwrap());
    let mut classes = BTreeSet::new();
    for round in 0..40_000 {
        let image = generator.mutate(SEEDS[round % SEEDS.len()]);
        let parsed = Reference::parse(&image);
        let found = classifier.classify(parsed.as_ref());
        assert_printable(found.matched.as_deref().unwrap_or_default(), &image);
        classes.insert(found.class);
        match &parsed {
            Ok(reference) => {
                assert_printable(&reference.canonical(), &image);
                let again = Reference::parse(&reference.canonical());
                assert_eq!(again.map(|again| again.canonical()), Ok(reference.canonical()), "{image:?}");
            }
            Err(error) => assert_printable(&error.to_string(), &image),
        }
        if parsed.is_err() {
            assert_eq!(
                (found.class, PullPolicy::default_for(parsed.as_ref().ok())),
                (TagClass::Invalid, PullPolicy::IfNotPresent)
            );
        }
    }
    // The generator reaches every class that a text alone can have, or the test would say little.
    let reached = [
        TagClass::Invalid,
        TagClass::Digest,
        TagClass::DeclaredImmutable,
        TagClass::ImplicitLatest,
        TagClass::Latest,
        TagClass::Unique,
        TagClass::Version,
        TagClass::Floating,
        TagClass::Unclassified,
    ];
    assert_eq!(classes, BTreeSet::from(reached));
}

#[test]
fn mutated_tags_never_panic() {
    let mut generator = Generator(17);
    for round in 0..40_000 {
        let seed = SEEDS[round % SEEDS.len()].rsplit(':').next().unwrap_or_default();
        let tag: String = generator
            .mutate(seed)
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c))
            .take(120)
            .collect();
        let reference = Reference::parse(&format!("app:x{tag}")).expect("only letters that a tag may have");
        let found = Classifier::default().classify(Ok(&reference));
        match found.matched.as_deref().map(|matched| matched.split('`').nth(1)) {
            Some(Some(shown)) => assert!(reference.tag().unwrap().contains(shown), "{shown} is not in {tag}"),
            Some(None) => panic!("no text in {found:?}"),
            None => {
                assert_eq!((found.class, found.confidence), (TagClass::Unclassified, Confidence::Unknown));
            }
        }
    }
}

#[test]
fn mutated_globs_never_panic_and_never_leak() {
    let mut generator = Generator(4);
    let reference = Reference::parse("registry.corp/team/app:1").unwrap();
    for round in 0..1_000 {
        let glob =
            generator.mutate(["registry.corp/team/*:v*", "**/{a,b}:[0-9]?", "nginx:", "\\"][round % 4]);
        match ReferenceGlobs::new([glob.as_str()]) {
            Ok(globs) => {
                let matched = Classifier::new(globs).classify(Ok(&reference)).matched.unwrap_or_default();
                assert!(!matched.contains(char::is_control), "{matched:?}");
            }
            Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
        }
    }
}

#[test]
fn megabytes_of_text_are_refused_unread() {
    let image = "a/".repeat(1 << 20);
    let error = Reference::parse(&image).expect_err("too long");
    assert_eq!(error.to_string(), "the image is too long; expected at most 4096 bytes");
}
