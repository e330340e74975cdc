//! Which kustomizations include which files, and in which order their `images:` apply.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Kustomization;
use crate::report::ReadFile;

/// Most steps from kustomizations to what they include, in all: a folder that is included again and again would multiply
/// its files.
pub(super) const MAX_STEPS: usize = 200_000;

/// Most kustomizations that include one another.
pub(super) const MAX_DEPTH: usize = 64;

/// Kustomizations in the order in which their images apply, the innermost first. Each is given by the place of its file
/// among the inputs, as files are.
pub(super) type Chain = Vec<usize>;

/// A kustomization with what its paths lead to.
#[derive(Debug, Default)]
struct Links {
    resources: Vec<Resource>,
    components: Vec<usize>,
    patches: Vec<usize>,
    has_images: bool,
}

#[derive(Debug, Clone, Copy)]
enum Resource {
    File(usize),
    Kustomization(usize),
}

/// The kustomizations among the inputs.
#[derive(Debug)]
pub(super) struct Graph(BTreeMap<usize, Links>);

/// Inputs by their paths, without symbolic links, as Kustomize compares paths.
#[derive(Default)]
struct Places {
    files: BTreeMap<PathBuf, usize>,
    folders: BTreeMap<PathBuf, usize>,
}

impl Places {
    /// What a path leads to. `None` for what is no input: an address, or a folder that is not scanned.
    fn find(&self, folder: &Path, path: &str) -> Option<Resource> {
        let target = folder.join(path).canonicalize().ok()?;
        let kustomization = self.folders.get(&target).copied().map(Resource::Kustomization);
        kustomization.or_else(|| self.files.get(&target).copied().map(Resource::File))
    }
}

/// A kustomization that no other one includes.
#[derive(Debug)]
pub(crate) struct Root {
    /// Its place among the inputs.
    pub(crate) index: usize,
    /// Those of the files that it includes, kustomizations among them.
    pub(crate) includes: BTreeSet<usize>,
    /// What it includes that is not on this machine.
    pub(crate) remote: Option<String>,
}

/// The kustomizations that are built by themselves.
pub(crate) fn roots(files: &[ReadFile]) -> Vec<Root> {
    let inputs = files.iter().enumerate();
    let graph = Graph::new(
        inputs.filter_map(|(index, file)| Some((index, file.path.as_deref()?, file.kustomization.as_ref()))),
    );
    let is_component = |index: usize| {
        files[index].kustomization.as_ref().is_some_and(|kustomization| kustomization.is_component)
    };
    let roots = graph.roots().into_iter().filter(|&index| !is_component(index));
    let root = |index| {
        let includes = graph.includes(index);
        let kustomizations =
            includes.iter().chain([&index]).filter_map(|&index| files[index].kustomization.as_ref());
        let mut resources = kustomizations.flat_map(|known| known.resources.iter().chain(&known.components));
        let remote = resources.find(|path| is_remote(path)).cloned();
        drop(resources);
        Root { index, includes, remote }
    };
    roots.map(root).collect()
}

/// Whether Kustomize would load a resource (api/internal/git/repospec.go of kubernetes-sigs/kustomize).
fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.starts_with("github.com/")
        || path.starts_with("git@")
        || path.contains("?ref=")
}

impl Graph {
    /// Everything that a kustomization leads to.
    fn includes(&self, root: usize) -> BTreeSet<usize> {
        let (mut found, mut open) = (BTreeSet::new(), vec![root]);
        while let Some(links) = open.pop().and_then(|index| self.0.get(&index)) {
            let resources = links.resources.iter().map(|resource| match *resource {
                Resource::File(index) | Resource::Kustomization(index) => index,
            });
            for index in
                resources.chain(links.components.iter().copied()).chain(links.patches.iter().copied())
            {
                if found.insert(index) && self.0.contains_key(&index) {
                    open.push(index);
                }
            }
        }
        found
    }

    /// `files` are the inputs with their paths; some are kustomizations.
    pub(super) fn new<'f>(files: impl Iterator<Item = (usize, &'f Path, Option<&'f Kustomization>)>) -> Self {
        let (mut places, mut kustomizations) = (Places::default(), Vec::new());
        for (index, path, kustomization) in files {
            let Ok(path) = path.canonicalize() else { continue };
            match (kustomization, path.parent()) {
                (Some(kustomization), Some(folder)) => {
                    places.folders.insert(folder.to_path_buf(), index);
                    kustomizations.push((index, folder.to_path_buf(), kustomization));
                }
                _ => drop(places.files.insert(path, index)),
            }
        }
        let links = kustomizations.into_iter().map(|(index, folder, kustomization)| {
            let find = |path: &String| places.find(&folder, path);
            let file = |path: &String| match find(path) {
                Some(Resource::File(index)) => Some(index),
                _ => None,
            };
            let component = |path: &String| match find(path) {
                Some(Resource::Kustomization(index)) => Some(index),
                _ => None,
            };
            let links = Links {
                resources: kustomization.resources.iter().filter_map(find).collect(),
                components: kustomization.components.iter().filter_map(component).collect(),
                patches: kustomization.patches.iter().filter_map(file).collect(),
                has_images: !kustomization.images.is_empty(),
            };
            (index, links)
        });
        Self(links.collect())
    }

    /// The files that kustomizations name as patches.
    pub(super) fn patches(&self) -> BTreeSet<usize> {
        self.0.values().flat_map(|links| &links.patches).copied().collect()
    }

    /// What the kustomizations that no other one includes are built of: those are the ones that are applied.
    pub(super) fn build(&self) -> Built {
        let mut build = Build { graph: self, steps_left: MAX_STEPS, is_cut: false };
        let mut chains: BTreeMap<usize, BTreeSet<Chain>> = BTreeMap::new();
        for root in self.roots() {
            let mut found = Vec::new();
            build.accumulate(root, &mut found, 0);
            for (file, chain) in found {
                chains.entry(file).or_default().insert(chain);
            }
        }
        Built { chains, is_cut: build.is_cut }
    }

    fn roots(&self) -> Vec<usize> {
        let included = self.0.values().flat_map(|links| {
            let resources = links.resources.iter().filter_map(|resource| match resource {
                Resource::Kustomization(index) => Some(*index),
                Resource::File(_) => None,
            });
            resources.chain(links.components.iter().copied())
        });
        let included: BTreeSet<usize> = included.collect();
        self.0.keys().copied().filter(|index| !included.contains(index)).collect()
    }
}

/// Which kustomizations change the images of which files.
#[derive(Debug)]
pub(super) struct Built {
    /// Of each file, a chain for each way to it.
    pub(super) chains: BTreeMap<usize, BTreeSet<Chain>>,
    /// Whether [`MAX_STEPS`] or [`MAX_DEPTH`] was reached.
    pub(super) is_cut: bool,
}

struct Build<'g> {
    graph: &'g Graph,
    steps_left: usize,
    is_cut: bool,
}

impl Build<'_> {
    /// Resources come first, then the components, which change what was there before them, then patches and the
    /// kustomization's own images (api/internal/target/kusttarget.go of kubernetes-sigs/kustomize). A circle, which
    /// Kustomize refuses, ends with the depth.
    fn accumulate(&mut self, index: usize, found: &mut Vec<(usize, Chain)>, depth: usize) {
        let Some(links) = self.graph.0.get(&index) else { return };
        if depth == MAX_DEPTH || self.steps_left == 0 {
            self.is_cut = true;
            return;
        }
        for resource in &links.resources {
            match *resource {
                Resource::File(file) => found.push((file, Chain::new())),
                Resource::Kustomization(inner) => {
                    let mut of_inner = Vec::new();
                    self.accumulate(inner, &mut of_inner, depth + 1);
                    found.append(&mut of_inner);
                }
            }
        }
        for component in &links.components {
            self.accumulate(*component, found, depth + 1);
        }
        found.extend(links.patches.iter().map(|file| (*file, Chain::new())));
        if links.has_images {
            for (_, chain) in found.iter_mut() {
                chain.push(index);
            }
        }
        self.steps_left = self.steps_left.saturating_sub(1 + found.len());
    }
}
