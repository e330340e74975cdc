//! What pods, nodes and registries say of the images of a workload (`docs/design/verdicts.md`,
//! "Proof from the cluster").

mod cache;
mod here;
mod named;
mod progress;
mod restarts;
mod rollout_view;
mod sightings;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tagwatch_core::drift::{DriftConfidence, DriftEvidence, PodSighting, Resolution, Resolutions};
use tagwatch_core::workload::{Limit, Workload};
use tagwatch_k8s::key::WorkloadKey;

use crate::pods::{PlaceId, PodIndex, ReferenceId, seconds, time};

pub(crate) use cache::EvidenceCache;
use here::{Here, WorkloadRuns};
pub(crate) use named::{NamedImages, OtherImages, ParsedImage, PlaceImages};
pub(crate) use progress::RolloutProgress;
#[cfg(test)]
pub(crate) use progress::UNFINISHED_FOR;
pub(crate) use rollout_view::{RolloutView, Standing};
use sightings::{MAX_NAMED, Sightings};

/// Attaches the evidence to the containers of a workload. Returns in how long it is to be looked at again, where its
/// numbers still change.
pub(crate) fn attach(
    workload: &mut Workload,
    (key, view): (&WorkloadKey, &RolloutView),
    (named, others): (&NamedImages, OtherImages),
    pods: &mut PodIndex,
    cache: &mut EvidenceCache,
    now: Timestamp,
) -> Option<Duration> {
    let now = seconds(now);
    let restarted_same = pods.restarted_same(key, view);
    let runs = WorkloadRuns::of(pods, view, named);
    if runs.is_cut {
        workload.limits.insert(Limit::PodContainers);
    }
    let found = Finder { index: pods, runs: &runs, restarted_same: &restarted_same, others: &others, now }
        .all(named, key, view);
    let mut places = BTreeSet::new();
    for (container, evidence) in workload.containers.iter_mut().zip(found) {
        container.drift = evidence.map(|(place, evidence)| {
            let place = format!("{place} {}", container.image.raw());
            places.insert(place.clone());
            cache.settle(key, place, evidence, now)
        });
    }
    cache.retain(key, &places);
    cache.due_in(key, now).map(|due| Duration::from_secs(due.into()))
}

/// Adds the proof of what evidence is attached to no container of: an image volume has no status, and what pods run in the
/// place of a container is reported there. By the same state of the index as the evidence, so that no report has a class of
/// another moment than its findings. Each image comes with the place of its container in the list.
pub(crate) fn attach_proofs(workload: &mut Workload, images: &[(usize, ParsedImage)], pods: &PodIndex) {
    for (at, image) in images {
        let record = image.movable().and_then(|name| pods.references.get(pods.references.find(name)?));
        let is_proven = record.and_then(|record| record.moved(&pods.same)) == Some(DriftConfidence::Proven);
        if let Some(container) = workload.containers.get_mut(*at).filter(|_| is_proven) {
            let known = container.drift.as_deref().cloned().unwrap_or_default();
            container.drift = Some(Arc::new(DriftEvidence { is_proven_elsewhere: true, ..known }));
        }
    }
}

/// Finds the evidence of the containers of one workload.
struct Finder<'a> {
    index: &'a PodIndex,
    runs: &'a WorkloadRuns<'a>,
    restarted_same: &'a BTreeSet<PlaceId>,
    others: &'a OtherImages,
    now: u32,
}

/// What is known of a container before pods are named.
struct ContainerFindings<'a> {
    place: &'a str,
    image: &'a ParsedImage,
    place_id: Option<PlaceId>,
    reference: Option<ReferenceId>,
    /// The reference that moved, and whether it is one that pods name instead.
    moved: Option<(ReferenceId, bool)>,
    mixed: Option<(ReferenceId, bool)>,
}

/// Of the references that pods name instead in one place, the first that moved, and the first that is mixed.
type OfPods = (Option<ReferenceId>, Option<ReferenceId>);

impl Finder<'_> {
    /// The evidence of each container, with its place.
    fn all(
        &self,
        named: &NamedImages,
        key: &WorkloadKey,
        view: &RolloutView,
    ) -> Vec<Option<(String, DriftEvidence)>> {
        let mut of_pods: HashMap<PlaceId, OfPods> = HashMap::new();
        let known: Vec<Option<ContainerFindings<'_>>> = named
            .containers
            .iter()
            .map(|container| container.as_ref().map(|(place, image)| self.known(place, image, &mut of_pods)))
            .collect();
        let wanted = known.iter().flatten().filter_map(|known| Some(known.moved?.0)).collect();
        let sightings = Sightings::new(self.index, view, key.namespace(), wanted);
        let mut moved: HashMap<(ReferenceId, bool), Option<Resolutions>> = HashMap::new();
        let evidence = known.into_iter().map(|known| {
            let known = known?;
            let evidence = self.evidence(&known, &sightings, &mut moved);
            (evidence != DriftEvidence::default()).then(|| (known.place.to_owned(), evidence))
        });
        evidence.collect()
    }

    fn known<'k>(
        &self,
        place: &'k str,
        image: &'k ParsedImage,
        of_pods: &mut HashMap<PlaceId, OfPods>,
    ) -> ContainerFindings<'k> {
        let reference = image.movable().and_then(|canonical| self.index.references.find(canonical));
        let place_id = self.index.place(place);
        let here = place_id.and_then(|place| self.runs.at(place));
        let (other_moved, other_mixed) = here.as_ref().map_or((None, None), |here| {
            *of_pods.entry(here.place).or_insert_with(|| {
                let others = || here.runs.others.iter().copied();
                (others().find(|id| self.is_moved(*id)), others().find(|id| here.is_mixed(*id)))
            })
        });
        let own = |is: &dyn Fn(ReferenceId) -> bool| reference.filter(|id| is(*id)).map(|id| (id, false));
        let moved = own(&|id| self.is_moved(id)).or(other_moved.map(|id| (id, true)));
        let mixed = own(&|id| here.as_ref().is_some_and(|here| here.is_mixed(id)))
            .or(other_mixed.map(|id| (id, true)));
        ContainerFindings { place, image, place_id, reference, moved, mixed }
    }

    fn is_moved(&self, id: ReferenceId) -> bool {
        self.index.references.get(id).is_some_and(|record| record.moved(&self.index.same).is_some())
    }

    fn evidence(
        &self,
        known: &ContainerFindings<'_>,
        sightings: &Sightings<'_>,
        moved: &mut HashMap<(ReferenceId, bool), Option<Resolutions>>,
    ) -> DriftEvidence {
        let now = self.now;
        let here: Option<Here<'_>> = known.place_id.and_then(|place| self.runs.at(place));
        let here = here.as_ref();
        let record = known.reference.and_then(|id| Some((id, self.index.references.get(id)?)));
        DriftEvidence {
            moved: known.moved.and_then(|(id, is_of_pods)| {
                let resolutions = moved.entry((id, is_of_pods));
                resolutions.or_insert_with(|| self.index.moved(id, is_of_pods, sightings, now)).clone()
            }),
            mixed: known.mixed.and_then(|(id, is_of_pods)| here?.mixed(id, is_of_pods, sightings, now)),
            pull_failure: here.and_then(|here| here.pull_failure(known.image, sightings, now)),
            restarted_same_image: known.place_id.is_some_and(|place| self.restarted_same.contains(&place)),
            other_images: self.others.at(known.place),
            template_image: None,
            older_revision: None,
            registry: record.zip(here).and_then(|((id, record), here)| here.registry(id, record)),
            // `moved` says it.
            is_proven_elsewhere: false,
        }
    }
}

impl PodIndex {
    /// What the reference resolved to in the whole cluster, with the pods of the workload's namespace by name.
    fn moved(
        &self,
        id: ReferenceId,
        is_of_pods: bool,
        sightings: &Sightings<'_>,
        now: u32,
    ) -> Option<Resolutions> {
        let record = self.references.get(id)?;
        let confidence = record.moved(&self.same)?;
        let images = record.images(&self.same);
        let mut classes: BTreeMap<&str, Class<'_>> = BTreeMap::new();
        for (slot_id, slot) in record.numbered_slots() {
            let Some(image) = images.get(&*slot.digest) else { continue };
            let class = classes.entry(*image).or_insert_with(|| Class::new(now));
            class.digests.insert((slot.live == 0, &*slot.digest));
            class.pods += slot.live;
            class.since = class.since.min(slot.first);
            class.last = class.last.max(slot.last);
            class.name(sightings.in_namespace(id, slot_id));
        }
        Some(resolutions(confidence, is_of_pods.then_some(&*record.name), classes))
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

    /// Names pods of it.
    fn name(&mut self, pods: impl Iterator<Item = PodSighting>) {
        self.here.extend(pods);
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
            let here: Vec<PodSighting> = here.into_iter().take(MAX_NAMED).collect();
            Resolution {
                digest: digests.next().unwrap_or_default(),
                same: digests.collect(),
                pods,
                since: time(since),
                until: (pods == 0).then(|| time(last)),
                elsewhere: pods.saturating_sub(u32::try_from(here.len()).unwrap_or(u32::MAX)),
                here,
            }
        })
        .collect();
    digests.sort_by(|one, other| (one.since, &one.digest).cmp(&(other.since, &other.digest)));
    Resolutions { confidence, reference: of_pods.map(Into::into), digests }
}

#[cfg(test)]
mod tests;
