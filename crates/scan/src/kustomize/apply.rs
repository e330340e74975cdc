//! What kustomizations do to the files that were read.

use std::collections::BTreeSet;
use std::mem;

use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, Origin, Workload};

use super::graph::{Built, Chain, Graph, MAX_DEPTH, MAX_STEPS};
use super::image::times_applied;
use crate::manifest::{LocatedWorkload, Manifest};
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::Position;

/// Most entries of images that are compared with an image, in all.
const MAX_COMPARISONS: usize = 20_000_000;

/// Most kustomizations, and most images in place of one, that a note names.
const MAX_NAMED: usize = 3;

/// Sets patches aside and replaces images. One note says what `kustomize build` is for.
pub(crate) fn apply(files: &mut [ReadFile]) {
    let Some((first, count)) = changing(files) else { return };
    let inputs = files.iter().enumerate();
    let graph = Graph::new(
        inputs.filter_map(|(index, file)| Some((index, file.path.as_deref()?, file.kustomization.as_ref()))),
    );
    for index in graph.patches() {
        files[index].manifests.iter_mut().for_each(Manifest::set_aside_as_patch);
    }
    let Built { chains, mut is_cut } = graph.build();
    let mut comparisons_left = MAX_COMPARISONS;
    let mut applied = BTreeSet::new();
    for (index, chains) in chains {
        let mut manifests = mem::take(&mut files[index].manifests);
        let mut replaced = Replaced::default();
        replace_images(&mut manifests, &chains, files, &mut replaced, &mut comparisons_left);
        applied.append(&mut replaced.entries);
        let note = replaced.note(files);
        files[index].manifests = manifests;
        if let Some((at, message)) = note {
            let note = Note::at(&files[index].name, at, NoteCode::KustomizeImage, &message);
            files[index].notes.push(note);
        }
    }
    is_cut |= comparisons_left == 0;
    add_set_images(files, &applied);
    let file = &mut files[first];
    file.notes.push(build_note(file, count));
    if is_cut {
        let message = format!(
            "kustomizations include one another more than {MAX_DEPTH} deep, lead to more than {MAX_STEPS} files, or need \
             more than {MAX_COMPARISONS} comparisons: their images are not applied everywhere"
        );
        file.notes.push(Note::new(&file.name, NoteCode::OverBudget, &message));
    }
}

/// The first kustomization that can change images, and how many do.
fn changing(files: &[ReadFile]) -> Option<(usize, usize)> {
    let changes = |file: &ReadFile| file.kustomization.as_ref().is_some_and(|known| known.changes_images);
    let first = files.iter().position(changes)?;
    Some((first, files.iter().filter(|file| changes(file)).count()))
}

fn build_note(file: &ReadFile, count: usize) -> Note {
    let at =
        file.kustomization.as_ref().and_then(|kustomization| kustomization.at).unwrap_or(Position::START);
    let (these, change) = match count {
        1 => ("this kustomization".to_owned(), "changes"),
        count => (format!("{count} kustomizations, this one is the first,"), "change"),
    };
    let message = format!(
        "{these} {change} what will run: patches are read as patches, and entries of images are applied to the files that \
         are included; `kustomize build FOLDER | tagwatch scan - --require-workloads` checks the result itself"
    );
    Note::at(&file.name, at, NoteCode::Kustomize, &message)
}

/// Judges the images of entries that changed none of the files that were read, so that none goes unseen: the base may lie
/// elsewhere. What an entry did change is judged there.
fn add_set_images(files: &mut [ReadFile], applied: &BTreeSet<(usize, usize)>) {
    for (index, file) in files.iter_mut().enumerate() {
        let Some(kustomization) = &file.kustomization else { continue };
        let entries = kustomization.images.iter().enumerate();
        let unapplied = entries.filter(|(entry, _)| !applied.contains(&(index, *entry)));
        let set = unapplied.filter_map(|(entry, image)| Some((entry, image.sets.clone()?)));
        let (containers, places): (Vec<_>, Vec<_>) =
            set.map(|(entry, image)| image.container(format!("images[{entry}]"))).unzip();
        if containers.is_empty() {
            continue;
        }
        let at = kustomization.at.unwrap_or(Position::START);
        let id = kustomization.id(file.path.as_deref());
        let workload = Workload::new(id, Origin::Kustomization, containers);
        if file.manifests.is_empty() {
            file.manifests.push(Manifest::default());
        }
        if let Some(manifest) = file.manifests.first_mut() {
            manifest.workloads.push(LocatedWorkload {
                workload,
                places,
                at,
                ignore: [None, None],
                pull_policy_file: None,
            });
        }
    }
}

/// Gives each container the images that the chains make of its own: one for each that differs.
fn replace_images(
    manifests: &mut [Manifest],
    chains: &BTreeSet<Chain>,
    files: &[ReadFile],
    replaced: &mut Replaced,
    comparisons_left: &mut usize,
) {
    for located in manifests.iter_mut().flat_map(|manifest| &mut manifest.workloads) {
        let containers = mem::take(&mut located.workload.containers);
        let places = mem::take(&mut located.places);
        for (container, place) in containers.into_iter().zip(places) {
            let chained = ChainedImage { container: &container, chains, files, at: place.image };
            for image in chained.images(replaced, comparisons_left) {
                let image = UntrustedText::from(image);
                located.workload.containers.push(Container { image, ..container.clone() });
                located.places.push(place);
            }
        }
    }
}

/// An image, and the chains of kustomizations that can replace it.
struct ChainedImage<'a> {
    container: &'a Container,
    chains: &'a BTreeSet<Chain>,
    files: &'a [ReadFile],
    at: Position,
}

impl ChainedImage<'_> {
    /// The distinct images that the chains make of it, in their order.
    fn images(&self, replaced: &mut Replaced, comparisons_left: &mut usize) -> Vec<String> {
        let written = self.container.image.raw();
        let (mut images, mut seen) = (Vec::new(), BTreeSet::new());
        for chain in self.chains {
            let image = self.follow(chain, replaced, comparisons_left);
            if seen.insert(image.clone()) {
                images.push(image);
            }
        }
        if images.iter().any(|image| image != written) {
            replaced.count += 1;
            replaced.first.get_or_insert_with(|| (self.at, written.to_owned(), images.clone()));
        }
        images
    }

    fn follow(&self, chain: &Chain, replaced: &mut Replaced, comparisons_left: &mut usize) -> String {
        let mut image = self.container.image.raw().to_owned();
        let times = times_applied(&self.container.field_path);
        for &index in chain {
            let kustomization = self.files[index].kustomization.iter();
            let entries = kustomization.flat_map(|kustomization| &kustomization.images);
            for (number, entry) in entries.enumerate() {
                for _ in 0..times.min(*comparisons_left) {
                    *comparisons_left -= 1;
                    if let Some(other) = entry.replace(&image) {
                        image = other;
                        replaced.by.insert(index);
                        replaced.entries.insert((index, number));
                    }
                }
            }
        }
        image
    }
}

/// What was replaced in a file.
#[derive(Default)]
struct Replaced {
    count: usize,
    /// The first image as written, and what it became.
    first: Option<(Position, String, Vec<String>)>,
    /// The kustomizations that did it.
    by: BTreeSet<usize>,
    /// Their entries that did it, by kustomization and number.
    entries: BTreeSet<(usize, usize)>,
}

impl Replaced {
    fn note(self, files: &[ReadFile]) -> Option<(Position, String)> {
        let (at, written, images) = self.first?;
        let by = self.by.iter().map(|index| files[*index].name.as_str());
        let images = listed(images.iter().map(String::as_str));
        let others = match self.count - 1 {
            0 => String::new(),
            1 => "; 1 more image likewise".to_owned(),
            more => format!("; {more} more images likewise"),
        };
        Some((at, format!("{written} is judged as {images}, by the images of {}{others}", listed(by))))
    }
}

/// The first names, and how many there are beyond them.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names[..names.len().min(MAX_NAMED)].join(" and ");
    if names.len() > MAX_NAMED { format!("{shown} and {} more", names.len() - MAX_NAMED) } else { shown }
}
