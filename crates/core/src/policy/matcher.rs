//! What an override or an exemption matches.

use std::collections::BTreeSet;

use super::path::FieldPath;
use super::problems::Problems;
use super::spec::MatchSpec;
use super::subject::Subject;
use crate::glob::{Glob, GlobError, Style};
use crate::reference::Reference;
use crate::tag::ReferenceGlobs;
use crate::text::UntrustedText;
use crate::workload::Container;

/// Globs of names; an empty list admits every name.
#[derive(Debug, Clone, Default)]
pub(super) struct NameGlobs(Vec<Glob>);

impl NameGlobs {
    pub(super) fn compile(globs: &[String], path: &FieldPath, problems: &mut Problems) -> Self {
        let compile = |(index, glob): (usize, &String)| {
            if glob.is_empty() {
                let message = "this is empty; expected a name, or a glob with * ? [a-z] {a,b}";
                problems.add(&path.index(index), message);
                return None;
            }
            let error = match problems.globs().compile(glob, Style::Name) {
                Ok(compiled) => return Some(compiled),
                Err(error) => error,
            };
            let message = match error {
                GlobError::Syntax(reason) => {
                    format!(
                        "the glob `{}` is invalid: {reason}",
                        UntrustedText::from(glob.as_str()).terminal()
                    )
                }
                error => format!("this glob is refused: {error}"),
            };
            problems.add(&path.index(index), message);
            None
        };
        Self(globs.iter().enumerate().filter_map(compile).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them matches; false for an empty list.
    pub(super) fn any(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob.is_match(name))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The indexes of the globs that match all of these names.
    pub(super) fn matching_all(&self, names: &BTreeSet<&str>) -> Vec<usize> {
        let matches_all = |glob: &Glob| names.iter().all(|name| glob.is_match(name));
        self.0.iter().enumerate().filter(|(_, glob)| matches_all(glob)).map(|(index, _)| index).collect()
    }

    /// The indexes of the globs that match none of these names. A policy can have thousands of them without a wildcard,
    /// which are looked up.
    pub(super) fn unmatched(&self, names: &BTreeSet<&str>) -> Vec<usize> {
        let is_unmatched = |glob: &Glob| match glob.literal() {
            Some(name) => !names.contains(name),
            None => !names.iter().any(|name| glob.is_match(name)),
        };
        self.0.iter().enumerate().filter(|(_, glob)| is_unmatched(glob)).map(|(index, _)| index).collect()
    }

    /// The names, where no glob has a wildcard.
    pub(super) fn literals(&self) -> Option<Vec<&str>> {
        if self.is_empty() { None } else { self.0.iter().map(Glob::literal).collect() }
    }

    fn admit(&self, name: Option<&str>) -> bool {
        self.is_empty() || name.is_some_and(|name| self.any(name))
    }
}

/// Globs of kinds; an empty list admits every kind.
#[derive(Debug, Clone, Default)]
struct KindGlobs {
    /// One of them is `*`.
    is_any: bool,
    globs: NameGlobs,
}

impl KindGlobs {
    fn compile(globs: &[String], path: &FieldPath, problems: &mut Problems) -> Self {
        let is_any = globs.iter().any(|glob| glob == "*");
        Self { is_any, globs: NameGlobs::compile(globs, path, problems) }
    }

    fn admit(&self, subject: &Subject<'_>) -> bool {
        self.is_any || self.globs.is_empty() || self.globs.0.iter().any(|glob| subject.is_of_kind(glob))
    }
}

/// A compiled [`MatchSpec`]: globs and selectors parsed once, then tested against each workload.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    namespaces: NameGlobs,
    kinds: KindGlobs,
    names: NameGlobs,
    containers: NameGlobs,
    images: ReferenceGlobs,
}

impl Matcher {
    /// A spec without any criterion is refused: it would silently match everything.
    pub(super) fn compile(spec: &MatchSpec, path: &FieldPath, problems: &mut Problems) -> Self {
        let MatchSpec { namespaces, kinds, names, containers, images } = spec;
        if *spec == MatchSpec::default() {
            problems
                .add(path, "nothing is named; expected one of namespaces, kinds, names, containers, images");
        }
        Self {
            namespaces: NameGlobs::compile(namespaces, &path.field("namespaces"), problems),
            kinds: KindGlobs::compile(kinds, &path.field("kinds"), problems),
            names: NameGlobs::compile(names, &path.field("names"), problems),
            containers: NameGlobs::compile(containers, &path.field("containers"), problems),
            images: problems.reference_globs(images, &path.field("images")),
        }
    }

    /// Whether a workload matches. A manifest without a namespace matches no list of namespaces.
    pub(super) fn admits_workload(&self, subject: &Subject<'_>) -> bool {
        let id = subject.id;
        self.namespaces.admit(id.namespace.as_ref().map(UntrustedText::raw))
            && self.names.admit(Some(id.name.raw()))
            && self.kinds.admit(subject)
    }

    /// Whether a container matches. An image that does not parse matches no glob of images.
    pub(super) fn admits_container(&self, container: &Container, reference: Option<&Reference>) -> bool {
        self.containers.admit(Some(container.name.raw()))
            && (self.images.is_empty() || reference.is_some_and(|reference| self.images.cover(reference)))
    }

    /// The namespaces that it is for.
    pub(super) fn namespaces(&self) -> &NameGlobs {
        &self.namespaces
    }

    /// The namespaces and the names that it matches, each where they have no wildcards.
    pub(super) fn literals(&self) -> (Option<Vec<&str>>, Option<Vec<&str>>) {
        (self.namespaces.literals(), self.names.literals())
    }

    /// Whether it matches every container of a workload that it matches.
    pub(super) fn is_for_every_container(&self) -> bool {
        self.containers.is_empty() && self.images.is_empty()
    }
}
