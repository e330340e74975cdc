//! Which kustomizations include which files, and in which order their `images:` apply.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::image::ImageEntry;
use crate::manifest::Transformer;
use crate::report::ReadFile;

/// Most steps from kustomizations to what they include, in all: a folder that is included again and again would multiply
/// its files.
pub(super) const MAX_STEPS: usize = 200_000;

/// Most kustomizations that include one another.
pub(super) const MAX_DEPTH: usize = 64;

/// Kustomizations in the order in which their images apply, the innermost first. Each is given by the place of its file
/// among the inputs, as files are.
pub(super) type Chain = Vec<Step>;

/// What a kustomization does to the images of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) kustomization: usize,
    /// The number of the first entry that it applies: what a transformer adds is changed by those after it alone.
    pub(super) first_entry: usize,
}

/// A kustomization with what its paths lead to.
#[derive(Debug, Default)]
struct Links {
    resources: Vec<Resource>,
    components: Vec<usize>,
    /// With the number of the first entry that is applied to each.
    patches: Vec<(usize, usize)>,
    /// Transformers and generators.
    plugins: Vec<Resource>,
    /// The entries that it applies, in their order.
    entries: Vec<EntryPlace>,
    /// The paths that lead to no input.
    unread: Vec<String>,
}

/// Where an entry of images is, by the place of its file among the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryPlace {
    /// In a kustomization.
    Kustomization { file: usize, number: usize },
    /// In the configuration of a transformer.
    Transformer { file: usize, manifest: usize, number: usize },
}

#[derive(Debug, Clone, Copy)]
enum Resource {
    File(usize),
    Kustomization(usize),
}

/// The kustomizations among the inputs.
#[derive(Debug)]
pub(super) struct Graph {
    links: BTreeMap<usize, Links>,
    /// The entries that are [`EntryPlace::Transformer`], and that a kustomization leads to.
    transformers: BTreeMap<EntryPlace, ImageEntry>,
    /// Whether [`MAX_STEPS`] was reached on the way to transformers.
    is_cut: bool,
}

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
    let graph = Graph::new(files);
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
        while let Some(links) = open.pop().and_then(|index| self.links.get(&index)) {
            let resources = links.resources.iter().chain(&links.plugins).map(|resource| match *resource {
                Resource::File(index) | Resource::Kustomization(index) => index,
            });
            for index in resources
                .chain(links.components.iter().copied())
                .chain(links.patches.iter().map(|(file, _)| *file))
            {
                if found.insert(index) && self.links.contains_key(&index) {
                    open.push(index);
                }
            }
        }
        found
    }

    pub(super) fn new(files: &[ReadFile]) -> Self {
        let (mut places, mut kustomizations) = (Places::default(), Vec::new());
        for (index, file) in files.iter().enumerate() {
            let Some(path) = file.path.as_deref().and_then(|path| path.canonicalize().ok()) else { continue };
            match (&file.kustomization, path.parent()) {
                (Some(kustomization), Some(folder)) => {
                    places.folders.insert(folder.to_path_buf(), index);
                    kustomizations.push((index, folder.to_path_buf(), kustomization));
                }
                _ => drop(places.files.insert(path, index)),
            }
        }
        let links = kustomizations.iter().map(|(index, folder, kustomization)| {
            let mut unread = Vec::new();
            let mut find = |path: &String| {
                let found = places.find(folder, path);
                if found.is_none() {
                    unread.push(path.clone());
                }
                found
            };
            let file = |resource| match resource {
                Resource::File(index) => Some(index),
                Resource::Kustomization(_) => None,
            };
            let component = |resource| match resource {
                Resource::Kustomization(index) => Some(index),
                Resource::File(_) => None,
            };
            let entries = (0..kustomization.images.len())
                .map(|number| EntryPlace::Kustomization { file: *index, number });
            let own = kustomization.changes.patches.iter().map(|path| (path, 0));
            let patches =
                own.chain(kustomization.transformer_patches.iter().map(|(path, first)| (path, *first)));
            let plugins = kustomization.transformers.iter().chain(&kustomization.generators);
            let links = Links {
                resources: kustomization.resources.iter().filter_map(&mut find).collect(),
                components: kustomization
                    .components
                    .iter()
                    .filter_map(&mut find)
                    .filter_map(component)
                    .collect(),
                patches: patches.filter_map(|(path, first)| Some((file(find(path)?)?, first))).collect(),
                plugins: plugins.filter_map(&mut find).collect(),
                entries: entries.collect(),
                unread,
            };
            (*index, links)
        });
        let mut graph = Self { links: links.collect(), transformers: BTreeMap::new(), is_cut: false };
        let mut steps_left = MAX_STEPS;
        for (index, folder, kustomization) in &kustomizations {
            let transformers = kustomization.transformers.iter().filter_map(|path| places.find(folder, path));
            let transformers = graph.files_of(transformers.collect(), &mut steps_left);
            graph.add_transformers(*index, &transformers, files, &mut steps_left, |path| {
                places.find(folder, path)
            });
        }
        graph.is_cut = steps_left == 0;
        graph
    }

    /// The files that resources consist of.
    fn files_of(&self, mut open: Vec<Resource>, steps_left: &mut usize) -> Vec<usize> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        open.reverse();
        while let Some(resource) = open.pop().filter(|_| *steps_left > 0) {
            *steps_left -= 1;
            match resource {
                Resource::File(index) => found.push(index),
                Resource::Kustomization(index) if seen.insert(index) => {
                    let inner = self.links.get(&index).into_iter().flat_map(|links| &links.resources);
                    open.extend(inner.rev().copied());
                }
                Resource::Kustomization(_) => {}
            }
        }
        found
    }

    /// Gives a kustomization the patches and the entries of its transformers. Their paths are relative to the kustomization
    /// that names them (`LoadTransformers` in api/internal/plugins/loader/loader.go of kubernetes-sigs/kustomize).
    fn add_transformers(
        &mut self,
        index: usize,
        transformers: &[usize],
        files: &[ReadFile],
        steps_left: &mut usize,
        find: impl Fn(&str) -> Option<Resource>,
    ) {
        let Some(links) = self.links.get_mut(&index) else { return };
        for &file in transformers {
            let manifests = files.get(file).into_iter().flat_map(|file| &file.manifests).enumerate();
            let numbered = manifests.flat_map(|(manifest, read)| {
                read.transformers.iter().enumerate().map(move |(number, one)| (manifest, number, one))
            });
            for (manifest, number, Transformer { changes, image, .. }) in numbered {
                for path in &changes.patches {
                    if *steps_left == 0 {
                        return;
                    }
                    *steps_left -= 1;
                    match find(path) {
                        Some(Resource::File(patch)) => links.patches.push((patch, links.entries.len())),
                        Some(Resource::Kustomization(_)) => {}
                        None => links.unread.push(path.clone()),
                    }
                }
                if let Some((fields, specs)) = image {
                    let place = EntryPlace::Transformer { file, manifest, number };
                    links.entries.push(place);
                    self.transformers.entry(place).or_insert_with(|| {
                        ImageEntry::of_transformer(fields.clone(), "imageTag".to_owned(), specs.clone())
                    });
                }
            }
        }
    }

    /// An entry that kustomizations apply.
    pub(super) fn entry<'a>(&'a self, place: EntryPlace, files: &'a [ReadFile]) -> Option<&'a ImageEntry> {
        match place {
            EntryPlace::Kustomization { file, number } => {
                files.get(file)?.kustomization.as_ref()?.images.get(number)
            }
            EntryPlace::Transformer { .. } => self.transformers.get(&place),
        }
    }

    /// The entries that a kustomization applies.
    pub(super) fn entries(&self, kustomization: usize) -> &[EntryPlace] {
        self.links.get(&kustomization).map(|links| links.entries.as_slice()).unwrap_or_default()
    }

    /// The paths of a kustomization that lead to no input, such as those of remote bases.
    pub(super) fn unread(&self, kustomization: usize) -> &[String] {
        self.links.get(&kustomization).map(|links| links.unread.as_slice()).unwrap_or_default()
    }

    /// The files that kustomizations name as patches.
    pub(super) fn patches(&self) -> BTreeSet<usize> {
        self.links.values().flat_map(|links| &links.patches).map(|(file, _)| *file).collect()
    }

    /// What the kustomizations that no other one includes are built of: those are the ones that are applied.
    pub(super) fn build(&self) -> Built {
        let mut build = Build { graph: self, steps_left: MAX_STEPS, is_cut: self.is_cut };
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
        let included = self.links.values().flat_map(|links| {
            let resources =
                links.resources.iter().chain(&links.plugins).filter_map(|resource| match resource {
                    Resource::Kustomization(index) => Some(*index),
                    Resource::File(_) => None,
                });
            resources.chain(links.components.iter().copied())
        });
        let included: BTreeSet<usize> = included.collect();
        self.links.keys().copied().filter(|index| !included.contains(index)).collect()
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
        let Some(links) = self.graph.links.get(&index) else { return };
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
        let step = |first_entry| Step { kustomization: index, first_entry };
        if !links.entries.is_empty() {
            for (_, chain) in found.iter_mut() {
                chain.push(step(0));
            }
        }
        found.extend(links.patches.iter().map(|(file, first)| {
            let has_entries = *first < links.entries.len();
            (*file, has_entries.then(|| step(*first)).into_iter().collect())
        }));
        self.steps_left = self.steps_left.saturating_sub(1 + found.len());
    }
}
