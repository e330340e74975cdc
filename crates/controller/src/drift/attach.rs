//! Hangs what is known of a workload's images on its containers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::drift::{
    DriftConfidence, DriftEvidence, Mixed, PodSighting, PullFailure, PullFailureReason, RegistryAnswer,
    Resolution, Resolutions, divided, images,
};
use tagwatch_core::reference::Reference;
use tagwatch_core::workload::{Container, ContainerType, Workload};

use super::index::DriftIndex;
use super::pods::{PlaceId, What, place_name, seconds, time};
use super::references::{Record, ReferenceId};
use super::runs::Run;
use crate::index::{Index, WorkloadKey};
use crate::stores::Stores;

/// How deep dependents are followed down from a workload.
const MAX_DEPTH: usize = 8;
/// Pods that evidence names of a digest.
const MAX_NAMED: usize = 5;
/// Images that evidence names beside the one that the template names.
const MAX_FORMER: usize = 3;

/// Hangs the evidence on the containers of a workload. Returns in how long it is to be looked at again, where its
/// numbers are still in motion.
pub(crate) fn attach(
    workload: &mut Workload,
    key: &WorkloadKey,
    index: &mut Index,
    stores: &Stores,
    now: Timestamp,
) -> Option<Duration> {
    let now = seconds(now);
    let scene = Scene::of(key, index, stores);
    let mut places = Vec::new();
    for container in &mut workload.containers {
        let evidence = index.drift.evidence(container, key, &scene, now);
        container.drift = evidence.map(|evidence| {
            let place = place_name(container.container_type, container.name.raw());
            let place = format!("{place} {}", container.image.raw());
            places.push(place.clone());
            index.drift.frozen.settle(key, place, evidence, now)
        });
    }
    index.drift.frozen.keep(key, &places);
    index.drift.frozen.due_in(key, now).map(|due| Duration::from_secs(due.into()))
}

/// Nothing is told of a workload any more.
pub(crate) fn forget(key: &WorkloadKey, index: &mut Index) {
    index.drift.frozen.keep(key, &[]);
}

/// Who counts for a workload.
struct Scene {
    /// Controllers of pods of the rollout that is in force.
    current: BTreeSet<WorkloadKey>,
    /// Those and the ones before.
    all: BTreeSet<WorkloadKey>,
    is_rolled_out: bool,
    restarted: Option<Timestamp>,
}

impl Scene {
    fn of(key: &WorkloadKey, index: &Index, stores: &Stores) -> Self {
        let (mut current, mut all) = (BTreeSet::from([key.clone()]), BTreeSet::from([key.clone()]));
        dependents(key, index, MAX_DEPTH, true, &mut current);
        dependents(key, index, MAX_DEPTH, false, &mut all);
        let object = stores.get(key);
        // Of an owner that nobody reads: several dependents that ask for pods are a rollout in progress.
        let asking = index.owners.children(key).filter(|child| child.wants_pods).count();
        Self {
            current,
            all,
            is_rolled_out: object.as_ref().map_or(asking <= 1, |object| object.is_rolled_out()),
            restarted: object.and_then(|object| object.restarted_at()),
        }
    }
}

/// The pods' controllers under a workload, of the newest revision alone or of all.
fn dependents(
    key: &WorkloadKey,
    index: &Index,
    depth: usize,
    newest_alone: bool,
    into: &mut BTreeSet<WorkloadKey>,
) {
    let newest = index.owners.children(key).map(|child| child.revision).max().unwrap_or(0);
    for child in index.owners.children(key).filter(|child| !newest_alone || child.revision == newest) {
        into.insert(child.key.clone());
        if depth > 0 {
            dependents(&child.key, index, depth - 1, newest_alone, into);
        }
    }
}

impl DriftIndex {
    fn evidence(
        &self,
        container: &Container,
        key: &WorkloadKey,
        scene: &Scene,
        now: u32,
    ) -> Option<DriftEvidence> {
        if container.container_type == ContainerType::ImageVolume {
            return None;
        }
        let reference = Reference::parse(container.image.raw()).ok().filter(|found| found.digest().is_none());
        let reference = reference.and_then(|reference| self.references.find(&reference.canonical()));
        let record = reference.and_then(|reference| self.references.get(reference));
        let place = self.place(&place_name(container.container_type, container.name.raw()));
        let here = place.map(|place| Here { index: self, key, scene, place });
        let pull_failure = here.as_ref().and_then(|here| here.pull_failure(now));
        let moved = reference.zip(record).and_then(|(id, record)| self.moved(key, id, record, now));
        let mixed = reference.zip(here.as_ref()).and_then(|(id, here)| here.mixed(id, now));
        let restarted_same_image = reference
            .zip(record)
            .zip(here.as_ref())
            .is_some_and(|((id, record), here)| here.restarted_same_image(id, record));
        let registry = reference
            .zip(record)
            .zip(here.as_ref())
            .and_then(|((id, record), here)| here.registry(id, record));
        if moved.is_none()
            && mixed.is_none()
            && pull_failure.is_none()
            && !restarted_same_image
            && registry.is_none()
        {
            return None;
        }
        let former_images = here.map(|here| here.former_images(reference)).unwrap_or_default();
        Some(DriftEvidence { moved, mixed, pull_failure, restarted_same_image, former_images, registry })
    }

    /// What the reference resolved to in the whole cluster, with the pods of the workload's namespace by name.
    fn moved<'a>(
        &'a self,
        key: &WorkloadKey,
        id: ReferenceId,
        record: &'a Record,
        now: u32,
    ) -> Option<Resolutions> {
        let confidence = record.moved(&self.same)?;
        let images = record.images(&self.same);
        let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
        for slot in record.slots() {
            let Some(image) = images.get(&*slot.digest) else { continue };
            let class = classes.entry(*image).or_insert_with(|| Class::new(now));
            class.pods += slot.live;
            class.since = class.since.min(slot.first);
            class.last = class.last.max(slot.last);
        }
        self.name_pods(key.namespace(), &mut classes, |what, _| match what {
            What::Ran(reference, slot) if reference == id => images.get(&*record.at(slot)?.digest).copied(),
            _ => None,
        });
        Some(resolutions(confidence, classes))
    }

    /// Fills in pods of a namespace; `image_of` says which image a state is of, if it counts.
    fn name_pods<'a>(
        &'a self,
        namespace: &str,
        classes: &mut BTreeMap<&str, Class>,
        image_of: impl Fn(What, (&WorkloadKey, PlaceId)) -> Option<&'a str>,
    ) {
        let pods: BTreeMap<_, _> = self.pods.get(namespace).into_iter().flatten().collect();
        for (name, record) in pods {
            for state in &record.states {
                let image = image_of(state.what, (&record.controller, state.place));
                let class = image.and_then(|image| classes.get_mut(image));
                let Some(class) = class.filter(|class| class.here.len() < MAX_NAMED) else { continue };
                class.here.insert(self.sighting(name, record));
            }
        }
    }

    fn sighting(&self, name: &str, record: &super::pods::PodRecord) -> PodSighting {
        let node = record.node.map_or("", |node| self.nodes.name(node));
        PodSighting { pod: name.into(), node: node.into() }
    }
}

/// What is gathered of one image.
struct Class {
    pods: u32,
    since: u32,
    last: u32,
    here: BTreeSet<PodSighting>,
}

impl Class {
    fn new(now: u32) -> Self {
        Self { pods: 0, since: now, last: 0, here: BTreeSet::new() }
    }
}

fn resolutions(confidence: DriftConfidence, classes: BTreeMap<&str, Class>) -> Resolutions {
    let mut digests: Vec<Resolution> = classes
        .into_iter()
        .map(|(digest, Class { pods, since, last, here })| Resolution {
            digest: digest.to_owned(),
            pods,
            since: time(since),
            until: (pods == 0).then(|| time(last)),
            elsewhere: pods.saturating_sub(u32::try_from(here.len()).unwrap_or(u32::MAX)),
            here: here.into_iter().collect(),
        })
        .collect();
    digests.sort_by(|one, other| (one.since, &one.digest).cmp(&(other.since, &other.digest)));
    Resolutions { confidence, digests }
}

/// One container of one workload.
struct Here<'a> {
    index: &'a DriftIndex,
    key: &'a WorkloadKey,
    scene: &'a Scene,
    place: PlaceId,
}

impl<'a> Here<'a> {
    fn runs(&self, of: &'a BTreeSet<WorkloadKey>) -> impl Iterator<Item = &'a Run> {
        let place = self.place;
        let index = self.index;
        let runs =
            of.iter().filter_map(move |key| index.controllers.get(key)).flat_map(super::runs::Runs::iter);
        runs.filter(move |run| run.place == place)
    }

    /// Digests of a reference that pods of the rollout in force run, with their runs.
    fn of_reference(&self, id: ReferenceId) -> Vec<(&'a str, &'a Run)> {
        let index = self.index;
        let digest = |run: &'a Run| match run.what {
            What::Ran(reference, slot) if reference == id => {
                let slot = index.references.get(reference)?.at(slot)?;
                Some((&*slot.digest, run))
            }
            _ => None,
        };
        self.runs(&self.scene.current).filter_map(digest).collect()
    }

    fn mixed(&self, id: ReferenceId, now: u32) -> Option<Mixed> {
        if !self.scene.is_rolled_out {
            return None;
        }
        let runs = self.of_reference(id);
        let seen = || runs.iter().map(|(digest, run)| (*digest, run.platform));
        let confidence = divided(&self.index.same, seen())?;
        let images = images(&self.index.same, seen());
        let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
        for (digest, run) in &runs {
            let class = classes.entry(images[digest]).or_insert_with(|| Class::new(now));
            class.pods += run.pods;
            class.since = class.since.min(run.since);
        }
        let together = classes.values().map(|class| class.since).max().unwrap_or(now);
        self.index.name_pods(self.key.namespace(), &mut classes, |what, (controller, place)| match what {
            What::Ran(reference, slot)
                if reference == id && place == self.place && self.scene.current.contains(controller) =>
            {
                let slot = self.index.references.get(id)?.at(slot)?;
                images.get(&*slot.digest).copied()
            }
            _ => None,
        });
        let lasted = Duration::from_secs(now.saturating_sub(together).into());
        Some(Mixed { resolutions: resolutions(confidence, classes), lasted })
    }

    fn pull_failure(&self, now: u32) -> Option<PullFailure> {
        let reason = |run: &Run| match run.what {
            What::Fails(reason) => Some((reason, run.since)),
            What::Ran(..) => None,
        };
        let failing: Vec<(PullFailureReason, u32)> =
            self.runs(&self.scene.current).filter_map(reason).collect();
        let reason = failing.iter().map(|(reason, _)| *reason).min()?;
        let since = failing.iter().filter(|(of, _)| *of == reason).map(|(_, since)| *since).min()?;
        let pods: BTreeMap<_, _> = self.index.pods.get(self.key.namespace()).into_iter().flatten().collect();
        let waits = |record: &super::pods::PodRecord| {
            let fails =
                |state: &super::pods::State| state.place == self.place && state.what == What::Fails(reason);
            self.scene.current.contains(&record.controller) && record.states.iter().any(fails)
        };
        let here = pods.into_iter().filter(|(_, record)| waits(record)).take(MAX_NAMED);
        Some(PullFailure {
            reason,
            since: time(since),
            lasted: Duration::from_secs(now.saturating_sub(since).into()),
            here: here.map(|(name, record)| self.index.sighting(name, record)).collect(),
        })
    }

    /// Every pod started after the last restart, and runs the one digest that the reference had before it.
    fn restarted_same_image(&self, id: ReferenceId, record: &Record) -> bool {
        let Some(restarted) = self.scene.restarted.filter(|_| self.scene.is_rolled_out) else { return false };
        let restarted = seconds(restarted);
        let runs = self.of_reference(id);
        let images: BTreeSet<&str> = record.images(&self.index.same).into_values().collect();
        let before = record.slots().map(|slot| slot.first).min();
        images.len() == 1
            && before.is_some_and(|before| before < restarted)
            && !runs.is_empty()
            && runs.iter().all(|(_, run)| run.since >= restarted)
    }

    /// What the registry says, where that is not what every pod runs. The digest of an index and that of its manifest
    /// can be told for one only where the nodes' lists are known.
    fn registry(&self, id: ReferenceId, record: &Record) -> Option<RegistryAnswer> {
        let answer = self.index.answers.get(&record.name)?;
        let runs = self.of_reference(id);
        if runs.is_empty() {
            return None;
        }
        let unknown = |reason: &str| Some(RegistryAnswer::Unknown { reason: reason.into() });
        let is_one = |(ran, run): &(&str, &Run), digest: &str| {
            let class = |digest| self.index.same.class_of(run.platform, digest);
            class(ran) == class(digest)
        };
        match &answer.digest {
            Err(reason) => unknown(reason),
            Ok(digest) if runs.iter().all(|run| is_one(run, digest)) => None,
            // What was pushed and rolled out since then is asked for at once; until then nothing is said.
            Ok(digest) if runs.iter().any(|run| !is_one(run, digest) && answer.is_older_than(run.0)) => None,
            Ok(_) if runs.iter().any(|(_, run)| run.platform.is_none()) => {
                unknown("nothing is known of the nodes, so its digest cannot be compared with what they run")
            }
            Ok(digest) => {
                let some_run_it = runs.iter().any(|run| is_one(run, digest));
                let runs: BTreeSet<&str> = runs.into_iter().map(|(ran, _)| ran).collect();
                let runs = runs.into_iter().map(str::to_owned).collect();
                Some(RegistryAnswer::Differs { digest: digest.clone(), some_run_it, runs })
            }
        }
    }

    /// Images that pods run in this container, other than the template's. While a rollout is in progress they are
    /// what everybody expects.
    fn former_images(&self, reference: Option<ReferenceId>) -> Vec<tagwatch_core::text::UntrustedText> {
        if !self.scene.is_rolled_out {
            return Vec::new();
        }
        let other = |run: &Run| match run.what {
            What::Ran(id, _) if Some(id) != reference => {
                self.index.references.get(id).map(|record| &*record.name)
            }
            _ => None,
        };
        let names: BTreeSet<&str> = self.runs(&self.scene.all).filter_map(other).collect();
        names.into_iter().take(MAX_FORMER).map(Into::into).collect()
    }
}
