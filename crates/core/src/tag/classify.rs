//! The table of classes, from the top.

use super::class::{Classification, Confidence, TagClass};
use super::declared_floating::DeclaredFloating;
use super::evidence::Evidence;
use super::floating::Reading;
use super::parts::Parts;
use super::publishers::{ImmutablePreset, moves_two_numbers};
use super::reference_globs::ReferenceGlobs;
use super::{floating, unique, version};
use crate::reference::{Reference, ReferenceError};

/// Everything beyond the text of a reference that a classification depends on.
#[derive(Debug, Clone, Default)]
pub struct Classifier {
    immutable: ReferenceGlobs,
    declared_floating: DeclaredFloating,
    presets: Vec<ImmutablePreset>,
}

impl Classifier {
    /// A classifier by which the references that `immutable` matches never move.
    pub fn new(immutable: ReferenceGlobs) -> Self {
        Self { immutable, ..Self::default() }
    }

    /// Adds the policy's own words and patterns of floating tags.
    #[must_use]
    pub(crate) fn with_declared_floating(mut self, declared: DeclaredFloating) -> Self {
        self.declared_floating = declared;
        self
    }

    /// Adds publishers who never push a version again.
    #[must_use]
    pub(crate) fn with_presets(mut self, presets: &[ImmutablePreset]) -> Self {
        self.presets.extend(presets);
        self
    }

    /// The references that never move, as the policy declares.
    pub(crate) fn immutable(&self) -> &ReferenceGlobs {
        &self.immutable
    }

    /// The policy's own words and patterns of floating tags.
    pub(crate) fn declared_floating(&self) -> &DeclaredFloating {
        &self.declared_floating
    }

    /// Classifies a parsed image by its text and the policy; the first match wins (docs/design/verdicts.md, "Tag classes").
    /// What a cluster proved comes [on top of it](Classification::with_proof).
    pub fn classify(&self, reference: Result<&Reference, &ReferenceError>) -> Classification {
        let Ok(reference) = reference else {
            return Classification {
                class: TagClass::Invalid,
                confidence: Confidence::Unknown,
                matched: None,
            };
        };
        if let Some(digest) = reference.digest() {
            return pattern(TagClass::Digest, Evidence { pattern: "digest", text: digest });
        }
        if let Some(glob) = self.immutable.find(reference) {
            return Classification {
                class: TagClass::DeclaredImmutable,
                confidence: Confidence::Declared,
                matched: Some(format!("`immutable` entry `{}`", glob.terminal())),
            };
        }
        match reference.tag() {
            None => Classification {
                class: TagClass::ImplicitLatest,
                confidence: Confidence::Pattern,
                matched: Some("neither tag nor digest".to_owned()),
            },
            Some("latest") => pattern(TagClass::Latest, Evidence { pattern: "tag", text: "latest" }),
            Some(tag) => self.classify_tag(tag, reference),
        }
    }

    fn classify_tag(&self, tag: &str, reference: &Reference) -> Classification {
        if let Some(pattern) = self.declared_floating.pattern(tag) {
            return declared_floating(format!("`patterns` entry `{}`", pattern.terminal()));
        }
        let ByName { found, is_version } = classify_by_name(tag, reference);
        let says_nothing = matches!(found.class, TagClass::Floating | TagClass::Unclassified);
        if let Some(word) = self.declared_floating.word(tag).filter(|_| says_nothing) {
            return declared_floating(format!("`words` entry `{}`", word.terminal()));
        }
        match self.presets.iter().find(|preset| is_version && preset.has(reference)) {
            Some(preset) => Classification {
                class: TagClass::DeclaredImmutable,
                confidence: Confidence::Declared,
                matched: Some(format!("`immutablePresets` entry `{}`", preset.as_str())),
            },
            None => found,
        }
    }
}

fn declared_floating(matched: String) -> Classification {
    Classification { class: TagClass::Floating, confidence: Confidence::Declared, matched: Some(matched) }
}

/// What a tag's name says.
struct ByName {
    found: Classification,
    /// A full or a partial version.
    is_version: bool,
}

fn classify_by_name(tag: &str, reference: &Reference) -> ByName {
    let parts = Parts::new(tag);
    let certain =
        |class, evidence| ByName { found: pattern(class, evidence), is_version: class == TagClass::Version };
    if let Some(evidence) = unique::find(&parts) {
        return certain(TagClass::Unique, evidence);
    }
    if let Some(evidence) = version::moving(&parts) {
        return certain(TagClass::Floating, evidence);
    }
    if let Some(evidence) = version::full(&parts) {
        return certain(TagClass::Version, evidence);
    }
    let Some(floating) = floating::find(&parts) else {
        let found =
            Classification { class: TagClass::Unclassified, confidence: Confidence::Unknown, matched: None };
        return ByName { found, is_version: false };
    };
    let moves = match floating.reading {
        Reading::Moves => true,
        Reading::ByPublisher => moves_two_numbers(reference),
        Reading::Unknown => false,
    };
    let confidence = if moves { Confidence::Pattern } else { Confidence::Unknown };
    let matched = Some(floating.evidence.to_string());
    let found = Classification { class: TagClass::Floating, confidence, matched };
    ByName { found, is_version: floating.is_partial_version }
}

fn pattern(class: TagClass, evidence: Evidence<'_>) -> Classification {
    Classification { class, confidence: Confidence::Pattern, matched: Some(evidence.to_string()) }
}
