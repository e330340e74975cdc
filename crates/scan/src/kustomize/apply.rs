//! What kustomizations do to the files that were read.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use tagwatch_core::kinds::Kinds;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, Origin, Workload, WorkloadId};

use super::above;
use super::graph::{Built, Chain, EntryPlace, Graph, MAX_DEPTH, MAX_STEPS, Step};
use super::image::ImagePlace;
use crate::manifest::{ContainerPlace, LocatedWorkload, Manifest, Transformer};
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::{Limits, Position};

/// Most entries of images that are compared with an image, in all.
const MAX_COMPARISONS: usize = 20_000_000;

/// Most kustomizations, and most images in place of one, that a note names.
const MAX_NAMED: usize = 3;

/// Sets patches aside and replaces images. One note says what `kustomize build` is for.
pub(crate) fn apply(files: &mut [ReadFile], kinds: &Kinds, limits: Limits) {
    if files.iter().any(|file| file.kustomization.is_some()) {
        build(files);
    }
    add_transformed_images(files);
    above::set_aside_patches(files, kinds, limits);
}

fn build(files: &mut [ReadFile]) {
    let graph = Graph::new(files);
    for index in graph.patches() {
        files[index].manifests.iter_mut().for_each(Manifest::set_aside_as_patch);
    }
    let Built { chains, mut is_cut } = graph.build();
    let mut comparisons_left = MAX_COMPARISONS;
    let mut applied = BTreeSet::new();
    for (index, chains) in chains {
        let mut replaced = Replaced::default();
        for number in 0..files[index].manifests.len() {
            let mut workloads = mem::take(&mut files[index].manifests[number].workloads);
            let chains = Chains { of_file: &chains, graph: &graph, files };
            chains.replace_images(&mut workloads, &mut replaced, &mut comparisons_left);
            files[index].manifests[number].workloads = workloads;
        }
        applied.append(&mut replaced.entries);
        if let Some((at, message)) = replaced.note(files) {
            let note = Note::at(&files[index].name, at, NoteCode::KustomizeImage, &message);
            files[index].notes.push(note);
        }
    }
    is_cut |= comparisons_left == 0;
    add_set_images(files, &applied);
    let Some(first) = files.iter().position(|file| file.kustomization.is_some()) else { return };
    let note = build_note(files, &graph);
    let file = &mut files[first];
    if is_cut {
        let message = format!(
            "kustomizations include one another more than {MAX_DEPTH} deep, lead to more than {MAX_STEPS} files, or need \
             more than {MAX_COMPARISONS} comparisons: their images are not applied everywhere"
        );
        file.notes.push(Note::new(&file.name, NoteCode::OverBudget, &message));
    }
    if let Some((index, note)) = note {
        files[index].notes.push(note);
    }
}

/// What kustomizations change and include that a scan does not follow. The note is at the first of them.
fn build_note(files: &[ReadFile], graph: &Graph) -> Option<(usize, Note)> {
    let kustomizations =
        || files.iter().enumerate().filter_map(|(index, file)| Some((index, file.kustomization.as_ref()?)));
    let mut changing = kustomizations().filter(|(_, known)| known.changes_images);
    let first = changing
        .next()
        .or_else(|| kustomizations().find(|(index, _)| !unread_of(files, graph, *index).is_empty()));
    let (index, kustomization) = first?;
    let count = usize::from(kustomization.changes_images) + changing.count();
    let mut fields: BTreeMap<&str, usize> = BTreeMap::new();
    for field in kustomizations().flat_map(|(_, known)| &known.not_followed) {
        *fields.entry(field).or_default() += 1;
    }
    let mut not_followed: Vec<String> =
        fields.iter().map(|(field, count)| format!("{field} ({count})")).collect();
    let unread: BTreeSet<&str> =
        kustomizations().flat_map(|(index, _)| unread_of(files, graph, index)).map(String::as_str).collect();
    if let Some(first) = unread.first() {
        let paths = if unread.len() == 1 { "path is" } else { "paths are" };
        let such_as = if unread.len() == 1 { "" } else { "such as " };
        not_followed.push(format!("{} {paths} not among the inputs, {such_as}{first}", unread.len()));
    }
    let mut message = match count {
        0 => String::new(),
        1 => "this kustomization changes".to_owned(),
        count => format!("{count} kustomizations, this one is the first, change"),
    };
    if count > 0 {
        message.push_str(
            " what will run: patches are read as patches, and entries of images are applied to the files that are \
             included; ",
        );
    }
    if !not_followed.is_empty() {
        message.push_str("not followed: ");
        message.push_str(&not_followed.join(", "));
        message.push_str("; ");
    }
    message
        .push_str("`kustomize build FOLDER | tagwatch scan - --require-workloads` checks the result itself");
    let at = kustomization.at.unwrap_or(Position::START);
    Some((index, Note::at(&files[index].name, at, NoteCode::Kustomize, &message)))
}

/// The paths of a kustomization that lead to no input, unless a note on rendering says so.
fn unread_of<'a>(files: &[ReadFile], graph: &'a Graph, kustomization: usize) -> &'a [String] {
    let is_said = files[kustomization].notes.iter().any(|note| note.code == NoteCode::NotRendered);
    if is_said { &[] } else { graph.unread(kustomization) }
}

/// Judges the images of entries that changed none of the files that were read, so that none goes unseen: the base may lie
/// elsewhere. What an entry did change is judged there.
fn add_set_images(files: &mut [ReadFile], applied: &BTreeSet<EntryPlace>) {
    for (index, file) in files.iter_mut().enumerate() {
        let number = |manifest, number| EntryPlace::Transformer { file: index, manifest, number };
        for (manifest, read) in file.manifests.iter_mut().enumerate() {
            let mut numbers = 0..;
            read.transformers.retain(|_| {
                numbers.next().is_some_and(|position| !applied.contains(&number(manifest, position)))
            });
        }
        let Some(kustomization) = &file.kustomization else { continue };
        let entries = kustomization.images.iter().enumerate();
        let unapplied = entries.filter(|(number, _)| {
            !applied.contains(&EntryPlace::Kustomization { file: index, number: *number })
        });
        let set = unapplied.filter_map(|(_, entry)| Some(entry.sets.clone()?.container(entry.path.clone())));
        let set: Vec<_> = set.collect();
        if set.is_empty() {
            continue;
        }
        let at = kustomization.at.unwrap_or(Position::START);
        let id = kustomization.id(file.path.as_deref());
        if file.manifests.is_empty() {
            file.manifests.push(Manifest::default());
        }
        if let Some(manifest) = file.manifests.first_mut() {
            manifest.workloads.push(setting(id, at, set));
        }
    }
}

/// The same for transformers that are left.
fn add_transformed_images(files: &mut [ReadFile]) {
    let manifests = files.iter_mut().flat_map(|file| &mut file.manifests);
    for manifest in manifests.filter(|manifest| !manifest.transformers.is_empty()) {
        for Transformer { id, at, image, .. } in mem::take(&mut manifest.transformers) {
            let set = image.and_then(|(entry, _)| entry.set_image());
            manifest
                .workloads
                .extend(set.map(|set| setting(id, at, vec![set.container("imageTag".to_owned())])));
        }
    }
}

/// An object of Kustomize that sets images.
fn setting(id: WorkloadId, at: Position, set: Vec<(Container, ContainerPlace)>) -> LocatedWorkload {
    let (containers, places) = set.into_iter().unzip();
    LocatedWorkload {
        workload: Workload::new(id, Origin::Kustomization, containers),
        places,
        at,
        ignore: [None, None],
        pull_policy_file: None,
    }
}

/// The chains of kustomizations that can replace the images of a file.
struct Chains<'a> {
    of_file: &'a BTreeSet<Chain>,
    graph: &'a Graph,
    files: &'a [ReadFile],
}

impl Chains<'_> {
    /// Gives each container the images that the chains make of its own: one for each that differs.
    fn replace_images(
        &self,
        workloads: &mut [LocatedWorkload],
        replaced: &mut Replaced,
        comparisons_left: &mut usize,
    ) {
        for located in workloads {
            let Workload { id, containers, .. } = &mut located.workload;
            let places = mem::take(&mut located.places);
            for (container, place) in mem::take(containers).into_iter().zip(places) {
                let images = self.images(&container, id, place.image, replaced, comparisons_left);
                for image in images {
                    containers.push(Container { image: UntrustedText::from(image), ..container.clone() });
                    located.places.push(place);
                }
            }
        }
    }

    /// The distinct images that the chains make of that of a container, in their order.
    fn images(
        &self,
        container: &Container,
        id: &WorkloadId,
        at: Position,
        replaced: &mut Replaced,
        comparisons_left: &mut usize,
    ) -> Vec<String> {
        let (written, place) = (container.image.raw(), ImagePlace::new(id, &container.field_path));
        let (mut images, mut seen) = (Vec::new(), BTreeSet::new());
        for chain in self.of_file {
            let image = self.follow(chain, written, &place, replaced, comparisons_left);
            if seen.insert(image.clone()) {
                images.push(image);
            }
        }
        if images.iter().any(|image| image != written) {
            replaced.count += 1;
            replaced.first.get_or_insert_with(|| (at, written.to_owned(), images.clone()));
        }
        images
    }

    fn follow(
        &self,
        chain: &Chain,
        written: &str,
        place: &ImagePlace<'_>,
        replaced: &mut Replaced,
        comparisons_left: &mut usize,
    ) -> String {
        let mut image = written.to_owned();
        for &Step { kustomization, first_entry } in chain {
            for &at in self.graph.entries(kustomization).iter().skip(first_entry) {
                let Some(entry) = self.graph.entry(at, self.files) else { continue };
                for _ in 0..entry.times_applied(place).min(*comparisons_left) {
                    *comparisons_left -= 1;
                    if let Some(other) = entry.replace(&image) {
                        image = other;
                        replaced.by.insert(kustomization);
                        replaced.entries.insert(at);
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
    /// Their entries that did it.
    entries: BTreeSet<EntryPlace>,
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
