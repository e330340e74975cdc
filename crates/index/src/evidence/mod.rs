//! What pods, nodes and registries say of the images of a workload (`docs/design/verdicts.md`,
//! "Proof from the cluster").

mod cache;
mod restarts;
mod rollout_view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tagwatch_core::drift::{
    DriftConfidence, DriftEvidence, Mixed, PodSighting, PullFailure, PullFailureReason, RegistryAnswer,
    Resolution, Resolutions, divided, images,
};
use tagwatch_core::reference::Reference;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType, Workload};
use tagwatch_k8s::key::WorkloadKey;

use crate::owners::OwnerIndex;
use crate::pods::{
    ContainerState, ImageState, PlaceId, PodIndex, PodRecord, Record, ReferenceId, Run, place_name, seconds,
    time,
};
use crate::store::ObjectStore;

pub(crate) use cache::EvidenceCache;
use rollout_view::is_named;
pub(crate) use rollout_view::{RolloutView, means_same};

/// Pods that evidence names of a digest.
const MAX_NAMED: usize = 5;

/// Attaches the evidence to the containers of a workload. Returns in how long it is to be looked at again, where its
/// numbers still change.
pub(crate) fn attach(
    workload: &mut Workload,
    key: &WorkloadKey,
    (pods, owners): (&mut PodIndex, &OwnerIndex),
    cache: &mut EvidenceCache,
    store: &dyn ObjectStore,
    now: Timestamp,
) -> Option<Duration> {
    let now = seconds(now);
    let view = RolloutView::of(key, owners, store);
    let restarted_same = pods.restarted_same(key, &view);
    let containers = &workload.containers;
    let found = containers.iter().map(|container| {
        let others = view.other_images(container, containers, pods);
        let (view, restarted_same) = (&view, &restarted_same);
        pods.evidence_of(Asked { container, containers, key, view, restarted_same, others }, now)
    });
    let found: Vec<Option<DriftEvidence>> = found.collect();
    let mut places = Vec::new();
    for (container, evidence) in workload.containers.iter_mut().zip(found) {
        container.drift = evidence.map(|evidence| {
            let place = place_name(container.container_type, container.name.raw());
            let place = format!("{place} {}", container.image.raw());
            places.push(place.clone());
            cache.settle(key, place, evidence, now)
        });
    }
    cache.keep(key, &places);
    cache.due_in(key, now).map(|due| Duration::from_secs(due.into()))
}

/// A container with what is needed to find its evidence.
struct Asked<'a> {
    container: &'a Container,
    /// All of the workload's: several can have one place, with an image each.
    containers: &'a [Container],
    key: &'a WorkloadKey,
    view: &'a RolloutView,
    restarted_same: &'a BTreeSet<PlaceId>,
    /// Images that its pods name instead.
    others: Vec<UntrustedText>,
}

impl PodIndex {
    fn evidence_of(&self, asked: Asked<'_>, now: u32) -> Option<DriftEvidence> {
        let Asked { container, containers, key, view, restarted_same, others } = asked;
        if container.container_type == ContainerType::ImageVolume {
            return None;
        }
        let reference = Reference::parse(container.image.raw()).ok().filter(|found| found.digest().is_none());
        let reference = reference.and_then(|reference| self.references.find(&reference.canonical()));
        let record = reference.and_then(|reference| self.references.get(reference));
        let place = self.place(&place_name(container.container_type, container.name.raw()));
        let here = place.map(|place| Here { index: self, key, view, place });
        let of_pods =
            here.as_ref().map(|here| here.other_references(container, containers)).unwrap_or_default();
        let references = || {
            let own = reference.map(|id| (id, false));
            own.into_iter().chain(of_pods.iter().map(|id| (*id, true)))
        };
        let evidence = DriftEvidence {
            moved: references().find_map(|(id, is_of_pods)| self.moved(key, id, is_of_pods, now)),
            mixed: here
                .as_ref()
                .and_then(|here| references().find_map(|(id, is_of_pods)| here.mixed(id, is_of_pods, now))),
            pull_failure: here.as_ref().and_then(|here| here.pull_failure(container, containers, now)),
            restarted_same_image: place.is_some_and(|place| restarted_same.contains(&place)),
            other_images: others,
            template_image: None,
            registry: reference
                .zip(record)
                .zip(here.as_ref())
                .and_then(|((id, record), here)| here.registry(id, record)),
        };
        (evidence != DriftEvidence::default()).then_some(evidence)
    }

    /// What the reference resolved to in the whole cluster, with the pods of the workload's namespace by name.
    fn moved(&self, key: &WorkloadKey, id: ReferenceId, is_of_pods: bool, now: u32) -> Option<Resolutions> {
        let record = self.references.get(id)?;
        let confidence = record.moved(&self.same)?;
        let images = record.images(&self.same);
        let mut classes: BTreeMap<&str, Class<'_>> = BTreeMap::new();
        for slot in record.slots() {
            let Some(image) = images.get(&*slot.digest) else { continue };
            let class = classes.entry(*image).or_insert_with(|| Class::new(now));
            class.digests.insert((slot.live == 0, &*slot.digest));
            class.pods += slot.live;
            class.since = class.since.min(slot.first);
            class.last = class.last.max(slot.last);
        }
        self.name_pods(key.namespace(), &mut classes, |image_state, _| match image_state {
            ImageState::Ran(reference, slot) if reference == id => {
                images.get(&*record.at(slot)?.digest).copied()
            }
            _ => None,
        });
        Some(resolutions(confidence, is_of_pods.then_some(&*record.name), classes))
    }

    /// Fills in pods of a namespace; `image_of` says which image a state is of, if it counts.
    fn name_pods<'a>(
        &'a self,
        namespace: &str,
        classes: &mut BTreeMap<&str, Class<'_>>,
        image_of: impl Fn(ImageState, (&WorkloadKey, PlaceId)) -> Option<&'a str>,
    ) {
        for (name, record) in self.in_namespace(namespace) {
            for state in &record.states {
                let image = image_of(state.image_state, (&record.controller, state.place));
                let class = image.and_then(|image| classes.get_mut(image));
                let Some(class) = class.filter(|class| class.here.len() < MAX_NAMED) else { continue };
                class.here.insert(self.pod_sighting(name, record));
            }
        }
    }

    fn pod_sighting(&self, name: &str, record: &PodRecord) -> PodSighting {
        let node = record.node.map_or("", |node| self.nodes.name(node));
        PodSighting { pod: name.into(), node: node.into() }
    }
}

/// What is gathered of one image.
struct Class<'a> {
    /// The digests of it that pods ran; those that none runs any more come last.
    digests: BTreeSet<(bool, &'a str)>,
    pods: u32,
    since: u32,
    last: u32,
    here: BTreeSet<PodSighting>,
}

impl Class<'_> {
    fn new(now: u32) -> Self {
        Self { digests: BTreeSet::new(), pods: 0, since: now, last: 0, here: BTreeSet::new() }
    }
}

/// A class is named by a digest that pods ran, which its own need not be: a node may have named that one alone.
fn resolutions(
    confidence: DriftConfidence,
    of_pods: Option<&str>,
    classes: BTreeMap<&str, Class<'_>>,
) -> Resolutions {
    let mut digests: Vec<Resolution> = classes
        .into_values()
        .map(|Class { digests, pods, since, last, here }| {
            let mut digests = digests.into_iter().map(|(_, digest)| digest.to_owned());
            Resolution {
                digest: digests.next().unwrap_or_default(),
                same: digests.collect(),
                pods,
                since: time(since),
                until: (pods == 0).then(|| time(last)),
                elsewhere: pods.saturating_sub(u32::try_from(here.len()).unwrap_or(u32::MAX)),
                here: here.into_iter().collect(),
            }
        })
        .collect();
    digests.sort_by(|one, other| (one.since, &one.digest).cmp(&(other.since, &other.digest)));
    Resolutions { confidence, reference: of_pods.map(Into::into), digests }
}

/// One container of one workload.
struct Here<'a> {
    index: &'a PodIndex,
    key: &'a WorkloadKey,
    view: &'a RolloutView,
    place: PlaceId,
}

impl<'a> Here<'a> {
    fn runs(&self, of: &'a BTreeSet<WorkloadKey>) -> impl Iterator<Item = &'a Run> {
        let place = self.place;
        let index = self.index;
        of.iter().flat_map(move |key| index.runs(key)).filter(move |run| run.place == place)
    }

    /// Digests of a reference that pods of these controllers run, with their runs.
    fn of_reference(&self, id: ReferenceId, of: &'a BTreeSet<WorkloadKey>) -> Vec<(&'a str, &'a Run)> {
        let index = self.index;
        let digest = |run: &'a Run| match run.image_state {
            ImageState::Ran(reference, slot) if reference == id => {
                let slot = index.references.get(reference)?.at(slot)?;
                Some((&*slot.digest, run))
            }
            _ => None,
        };
        self.runs(of).filter_map(digest).collect()
    }

    /// References that pods run here and that no container of the workload names here, in the order of their names.
    fn other_references(&self, container: &Container, containers: &[Container]) -> Vec<ReferenceId> {
        let name = |run: &Run| match run.image_state {
            ImageState::Ran(id, _) => self.index.references.get(id).map(|record| (&*record.name, id)),
            _ => None,
        };
        let found: BTreeSet<(&str, ReferenceId)> = self.runs(self.view.judged()).filter_map(name).collect();
        let others = found.into_iter().filter(|(name, _)| !is_named(name, container, containers));
        others.map(|(_, id)| id).collect()
    }

    fn mixed(&self, id: ReferenceId, is_of_pods: bool, now: u32) -> Option<Mixed> {
        if !self.view.is_rolled_out {
            return None;
        }
        self.view.rollouts.iter().find_map(|rollout| self.mixed_in(rollout, id, is_of_pods, now))
    }

    fn mixed_in(
        &self,
        rollout: &'a BTreeSet<WorkloadKey>,
        id: ReferenceId,
        is_of_pods: bool,
        now: u32,
    ) -> Option<Mixed> {
        let record = self.index.references.get(id)?;
        let runs = self.of_reference(id, rollout);
        let seen = || runs.iter().map(|(digest, run)| (*digest, run.platform));
        let confidence = divided(&self.index.same, seen())?;
        let images = images(&self.index.same, seen());
        let mut classes: BTreeMap<&str, Class<'_>> = BTreeMap::new();
        for (digest, run) in &runs {
            let class = classes.entry(images[digest]).or_insert_with(|| Class::new(now));
            class.digests.insert((false, *digest));
            class.pods += run.pods;
            class.since = class.since.min(run.since);
        }
        let together = classes.values().map(|class| class.since).max().unwrap_or(now);
        self.index.name_pods(self.key.namespace(), &mut classes, |image_state, (controller, place)| {
            match image_state {
                ImageState::Ran(reference, slot)
                    if reference == id && place == self.place && rollout.contains(controller) =>
                {
                    images.get(&*record.at(slot)?.digest).copied()
                }
                _ => None,
            }
        });
        let lasted = Duration::from_secs(now.saturating_sub(together).into());
        let resolutions = resolutions(confidence, is_of_pods.then_some(&*record.name), classes);
        Some(Mixed { resolutions, lasted })
    }

    /// The failure of the image that the container names is reported before those of images that pods name instead. Another
    /// container of this place speaks for its own.
    fn pull_failure(&self, container: &Container, containers: &[Container], now: u32) -> Option<PullFailure> {
        let failing = self.runs(&self.view.current).filter_map(|run| match run.image_state {
            ImageState::PullFailing(reason, image) => {
                let name = self.index.failing_image(image);
                let is_own = means_same(name, container.image.raw());
                let is_its = is_own || !is_named(name, container, containers);
                is_its.then_some((reason, !is_own, name, run))
            }
            _ => None,
        });
        let failing: Vec<(PullFailureReason, bool, &str, &Run)> = failing.collect();
        let first = failing.iter().map(|(reason, is_other, name, _)| (*reason, *is_other, *name)).min()?;
        let (reason, is_other, name) = first;
        // Two spellings of the container's own image are one to it.
        let is_it = |found: &(PullFailureReason, bool, &str)| {
            found.0 == reason && found.1 == is_other && (!is_other || found.2 == name)
        };
        let of_it = failing.iter().filter(|(reason, is_other, name, _)| is_it(&(*reason, *is_other, *name)));
        let (states, sinces): (BTreeSet<ImageState>, BTreeSet<u32>) =
            of_it.map(|(_, _, _, run)| (run.image_state, run.since)).unzip();
        let since = sinces.first().copied()?;
        let pods = self.index.in_namespace(self.key.namespace());
        let waits = |record: &PodRecord| {
            let fails =
                |state: &ContainerState| state.place == self.place && states.contains(&state.image_state);
            self.view.current.contains(&record.controller) && record.states.iter().any(fails)
        };
        let here = pods.into_iter().filter(|(_, record)| waits(record)).take(MAX_NAMED);
        Some(PullFailure {
            reason,
            image: is_other.then(|| name.into()),
            since: time(since),
            lasted: Duration::from_secs(now.saturating_sub(since).into()),
            here: here.map(|(name, record)| self.index.pod_sighting(name, record)).collect(),
        })
    }

    /// What the registry says, where that is not what every pod runs. The digest of an index and that of its manifest
    /// can be recognised as one image only where the nodes' lists are known.
    fn registry(&self, id: ReferenceId, record: &Record) -> Option<RegistryAnswer> {
        let answer = self.index.answers.get(&record.name)?;
        let runs = self.of_reference(id, &self.view.current);
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
}

#[cfg(test)]
mod tests;
