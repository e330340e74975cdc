//! Patches that are scanned without the kustomization that names them, such as a folder of patches alone. A container without
//! an image would be an error in a manifest, so the kustomizations in the folders above are asked. A file beside a
//! kustomization that does not include it is no manifest either: scripts add such patches by `kustomize edit add patch`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use tagwatch_core::kinds::Kinds;

use super::file::{FILE_NAMES, Kustomization};
use crate::input;
use crate::manifest::Manifest;
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::{Documents, Limits, Source};

/// Most folders above a file in which a kustomization is looked for. Kustomize takes no file from outside of the folder of
/// its kustomization.
const MAX_FOLDERS: usize = 32;

/// Most folders of kustomizations between one and a transformer that it names.
const MAX_DEPTH: usize = 4;

/// What marks the root of a repository: nothing above it belongs to it.
const REPOSITORY: &str = ".git";

/// Sets those patches aside. A note names the kustomization of each.
pub(super) fn set_aside_patches(files: &mut [ReadFile], kinds: &Kinds, limits: Limits) {
    let mut above = Above { reader: Reader { kinds, limits }, by_folder: BTreeMap::new() };
    for file in files {
        let lacks_image = |manifest: &Manifest| {
            let mut containers = manifest.workloads.iter().flat_map(|located| &located.workload.containers);
            containers.any(|container| container.image.raw().is_empty())
        };
        if !file.manifests.iter().any(lacks_image) {
            continue;
        }
        let Some(path) = file.path.as_deref().and_then(|path| path.canonicalize().ok()) else { continue };
        let Some(kustomization) = above.naming(&path) else { continue };
        file.manifests.iter_mut().for_each(Manifest::set_aside_as_patch);
        let message = match kustomization {
            Naming::Patch(kustomization) => format!(
                "read as a patch, since {} above names it as one; scan that folder to see what it changes",
                kustomization.display()
            ),
            Naming::Nothing(kustomization) => format!(
                "read as a patch, since a container lacks an image and {} beside it does not include it",
                kustomization.display()
            ),
        };
        file.notes.push(Note::new(&file.name, NoteCode::Kustomize, &message));
    }
}

/// What a kustomization says of a file, with its path below the repository.
enum Naming {
    Patch(PathBuf),
    /// It is in the same folder, and does not include the file.
    Nothing(PathBuf),
}

/// A kustomization and the files that it names.
struct Known {
    path: PathBuf,
    resources: BTreeSet<PathBuf>,
    patches: BTreeSet<PathBuf>,
}

/// The kustomizations above the inputs.
struct Above<'a> {
    reader: Reader<'a>,
    by_folder: BTreeMap<PathBuf, Option<Known>>,
}

impl Above<'_> {
    fn naming(&mut self, path: &Path) -> Option<Naming> {
        for folder in path.ancestors().skip(1).take(MAX_FOLDERS) {
            if let Some(known) = self.known(folder).filter(|known| known.patches.contains(path)) {
                return Some(Naming::Patch(below_repository(&known.path)));
            }
            if folder.join(REPOSITORY).exists() {
                break;
            }
        }
        let beside = self.known(path.parent()?)?;
        (!beside.resources.contains(path)).then(|| Naming::Nothing(below_repository(&beside.path)))
    }

    fn known(&mut self, folder: &Path) -> Option<&Known> {
        let read = || self.reader.read(folder);
        self.by_folder.entry(folder.to_path_buf()).or_insert_with(read).as_ref()
    }
}

/// Reads kustomizations that are no inputs.
struct Reader<'a> {
    kinds: &'a Kinds,
    limits: Limits,
}

impl Reader<'_> {
    /// The kustomization of a folder, with the patches that it and its transformers name.
    fn read(&self, folder: &Path) -> Option<Known> {
        let (path, kustomization) = self.kustomization(folder)?;
        let inline = kustomization.transformer_patches.into_iter().map(|(path, _)| path);
        let mut patches: Vec<String> = kustomization.changes.patches.into_iter().chain(inline).collect();
        for transformer in &kustomization.transformers {
            self.add_patches_of(&folder.join(transformer), &mut patches, MAX_DEPTH);
        }
        let found = |names: &[String]| {
            names.iter().filter_map(|name| folder.join(name).canonicalize().ok()).collect()
        };
        Some(Known { path, resources: found(&kustomization.resources), patches: found(&patches) })
    }

    fn kustomization(&self, folder: &Path) -> Option<(PathBuf, Kustomization)> {
        let path = FILE_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())?;
        let mut kustomization = Kustomization::default();
        self.documents(&path, |document| {
            kustomization.add(document.root(), self.kinds, &mut Manifest::default());
        })?;
        Some((path, kustomization))
    }

    /// Adds the patches that the transformers of a file, or of the kustomization of a folder, name.
    fn add_patches_of(&self, path: &Path, names: &mut Vec<String>, depth: usize) {
        if path.is_dir() {
            let Some((_, kustomization)) = self.kustomization(path).filter(|_| depth > 0) else { return };
            for resource in &kustomization.resources {
                self.add_patches_of(&path.join(resource), names, depth - 1);
            }
            return;
        }
        self.documents(path, |document| {
            let read = Manifest::read(document, self.kinds);
            names.extend(read.transformers.into_iter().flat_map(|transformer| transformer.changes.patches));
        });
    }

    /// `None` where it cannot be read: then it names nothing.
    fn documents(&self, path: &Path, mut each: impl FnMut(&crate::yaml::Document<'_>)) -> Option<()> {
        let (mut file, mut buffer) = (File::open(path).ok()?, Vec::new());
        let source: Source<'_> = input::read_manifest(&mut file, &mut buffer, self.limits).ok()?;
        for document in Documents::new(&source, self.limits).flatten() {
            each(&document);
        }
        Some(())
    }
}

fn below_repository(path: &Path) -> PathBuf {
    let root = path.ancestors().find(|folder| folder.join(REPOSITORY).exists());
    root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path).to_path_buf()
}
