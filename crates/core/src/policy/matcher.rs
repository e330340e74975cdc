//! For whom an override or an exemption is.

use globset::{GlobBuilder, GlobMatcher};

use super::compile::Problems;
use super::path::FieldPath;
use super::spec::MatchSpec;
use crate::reference::Reference;
use crate::tag::ReferenceGlobs;
use crate::text::UntrustedText;
use crate::workload::{Container, WorkloadId};

/// Globs of names; none match everything.
#[derive(Debug, Clone, Default)]
pub(super) struct NameGlobs(Vec<GlobMatcher>);

impl NameGlobs {
    pub(super) fn compile(globs: &[String], path: &FieldPath, problems: &mut Problems) -> Self {
        let compile = |(index, glob): (usize, &String)| {
            let path = path.index(index);
            if glob.is_empty() {
                problems.add(&path, "this is empty; expected a name, or a glob with * ? [a-z] {a,b}");
                return None;
            }
            match GlobBuilder::new(glob).backslash_escape(false).build() {
                Ok(compiled) => Some(compiled.compile_matcher()),
                Err(error) => {
                    let glob = UntrustedText::from(glob.as_str()).terminal();
                    let reason = UntrustedText::from(error.kind().to_string()).terminal();
                    problems.add(&path, format!("the glob `{glob}` is invalid: {reason}"));
                    None
                }
            }
        };
        Self(globs.iter().enumerate().filter_map(compile).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them matches; not where there are none.
    pub(super) fn any(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob.is_match(name))
    }

    fn admit(&self, name: Option<&str>) -> bool {
        self.is_empty() || name.is_some_and(|name| self.any(name))
    }
}

/// A compiled [`MatchSpec`].
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    namespaces: NameGlobs,
    kinds: NameGlobs,
    names: NameGlobs,
    containers: NameGlobs,
    images: ReferenceGlobs,
}

impl Matcher {
    /// One without any criterion is refused: it would silently be for everybody.
    pub(super) fn compile(spec: &MatchSpec, path: &FieldPath, problems: &mut Problems) -> Self {
        let MatchSpec { namespaces, kinds, names, containers, images } = spec;
        if *spec == MatchSpec::default() {
            problems
                .add(path, "nothing is named; expected one of namespaces, kinds, names, containers, images");
        }
        Self {
            namespaces: NameGlobs::compile(namespaces, &path.field("namespaces"), problems),
            kinds: NameGlobs::compile(kinds, &path.field("kinds"), problems),
            names: NameGlobs::compile(names, &path.field("names"), problems),
            containers: NameGlobs::compile(containers, &path.field("containers"), problems),
            images: problems.reference_globs(images, &path.field("images")),
        }
    }

    /// Whether a workload has what is asked of it; a manifest without a namespace has none that could match.
    pub(super) fn admits_workload(&self, id: &WorkloadId) -> bool {
        self.namespaces.admit(id.namespace.as_ref().map(UntrustedText::raw))
            && self.kinds.admit(Some(id.kind.raw()))
            && self.names.admit(Some(id.name.raw()))
    }

    /// Whether a container has what is asked of it. What is no image reference matches no glob of images.
    pub(super) fn admits_container(&self, container: &Container, reference: Option<&Reference>) -> bool {
        self.containers.admit(Some(container.name.raw()))
            && (self.images.is_empty() || reference.is_some_and(|reference| self.images.cover(reference)))
    }

    /// Whether it asks for nothing of a container.
    pub(super) fn is_for_every_container(&self) -> bool {
        self.containers.is_empty() && self.images.is_empty()
    }
}
