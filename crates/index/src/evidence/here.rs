//! What the pods of one workload run, place by place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tagwatch_core::drift::{
    DriftConfidence, Mixed, PullFailure, PullFailureReason, RegistryAnswer, divided, images,
};
use tagwatch_core::text::UntrustedText;

use super::named::{NamedImages, ParsedImage, PlaceImages};
use super::rollout_view::RolloutView;
use super::sightings::{Sightings, first};
use super::{Class, resolutions};
use crate::owners::RolloutId;
use crate::pods::{ImageState, PlaceId, PodIndex, ReferenceId, ReferenceRecord, Run, time};

/// Most runs of the pods of one workload that are looked at: a run is one image of one container on one platform.
const MAX_RUNS: usize = 100_000;
/// Most images that cannot be pulled that are compared with what the containers of one workload name.
const MAX_FAILING: usize = 1_000;

/// What pods run in one place.
#[derive(Debug, Default)]
pub(super) struct PlaceRuns {
    /// Of the rollouts in force, by reference and rollout.
    ran: BTreeMap<(ReferenceId, RolloutId), Vec<Run>>,
    /// Of the rollouts in force.
    failing: Vec<Failing>,
    /// References that pods run here and that no container of the workload names here, in the order of their names.
    pub(super) others: Vec<ReferenceId>,
}

/// An image that cannot be pulled.
#[derive(Debug)]
struct Failing {
    reason: PullFailureReason,
    image: ParsedImage,
    run: Run,
    rollout: RolloutId,
    /// Some container of the workload names it here.
    is_named: bool,
}

/// The runs of a workload.
pub(super) struct WorkloadRuns<'a> {
    index: &'a PodIndex,
    view: &'a RolloutView,
    places: HashMap<PlaceId, PlaceRuns>,
    /// There are more than are looked at.
    pub(super) is_cut: bool,
}

impl<'a> WorkloadRuns<'a> {
    pub(super) fn of(index: &'a PodIndex, view: &'a RolloutView, named: &NamedImages) -> Self {
        let wanted: HashMap<PlaceId, &PlaceImages> =
            named.places.iter().filter_map(|(name, images)| Some((index.place(name)?, images))).collect();
        let mut places: HashMap<PlaceId, PlaceRuns> = HashMap::new();
        let (mut failing_left, mut is_cut) = (MAX_FAILING, false);
        let compared = view.compared();
        let compared = compared.flat_map(|(key, rollout)| index.runs(key).map(move |run| (rollout, run)));
        for (at, (rollout, run)) in compared.enumerate() {
            if at == MAX_RUNS {
                is_cut = true;
                break;
            }
            let Some(images) = wanted.get(&run.place) else { continue };
            let place = places.entry(run.place).or_default();
            match run.image_state {
                ImageState::Ran(reference, _) => {
                    place.ran.entry((reference, rollout)).or_default().push(run);
                }
                ImageState::PullFailing(reason, image) if failing_left > 0 => {
                    failing_left -= 1;
                    let image = ParsedImage::of(&index.failing_image(image).into());
                    let is_named = images.names(&image);
                    place.failing.push(Failing { reason, image, run, rollout, is_named });
                }
                ImageState::PullFailing(..) => is_cut = true,
                ImageState::Earlier(..) | ImageState::Unknown => {}
            }
        }
        let mut others: HashMap<PlaceId, BTreeSet<(&str, ReferenceId)>> = HashMap::new();
        for (at, run) in view.judged().flat_map(|key| index.runs(key)).enumerate() {
            if at == MAX_RUNS {
                is_cut = true;
                break;
            }
            let (Some(images), ImageState::Ran(id, _)) = (wanted.get(&run.place), run.image_state) else {
                continue;
            };
            if let Some(record) =
                index.references.get(id).filter(|record| !images.names_reference(&record.name))
            {
                others.entry(run.place).or_default().insert((&record.name, id));
            }
        }
        for (place, found) in others.into_iter().collect::<BTreeMap<_, _>>() {
            places.entry(place).or_default().others = found.into_iter().map(|(_, id)| id).collect();
        }
        Self { index, view, places, is_cut }
    }

    pub(super) fn at(&self, place: PlaceId) -> Option<Here<'_>> {
        let runs = self.places.get(&place)?;
        Some(Here { index: self.index, view: self.view, place, runs })
    }
}

/// One place of one workload.
pub(super) struct Here<'a> {
    index: &'a PodIndex,
    view: &'a RolloutView,
    pub(super) place: PlaceId,
    pub(super) runs: &'a PlaceRuns,
}

impl<'a> Here<'a> {
    /// Digests of a reference that pods of the rollouts in force run, with their runs, rollout by rollout.
    fn of_reference(&self, id: ReferenceId) -> impl Iterator<Item = (RolloutId, Vec<(&'a str, &'a Run)>)> {
        let index = self.index;
        let digest = move |run: &'a Run| match run.image_state {
            ImageState::Ran(reference, slot) => {
                let slot = index.references.get(reference)?.at(slot)?;
                Some((&*slot.digest, run))
            }
            ImageState::PullFailing(..) | ImageState::Earlier(..) | ImageState::Unknown => None,
        };
        let rollouts = self.runs.ran.range((id, RolloutId::FIRST)..=(id, RolloutId::LAST));
        rollouts.map(move |((_, rollout), runs)| (*rollout, runs.iter().filter_map(digest).collect()))
    }

    /// Whether pods of one rollout run several images of a reference, and none is in progress that could replace them.
    pub(super) fn is_mixed(&self, id: ReferenceId) -> bool {
        self.view.is_settled() && self.of_reference(id).any(|(_, runs)| self.divided(&runs).is_some())
    }

    fn divided(&self, runs: &[(&str, &Run)]) -> Option<DriftConfidence> {
        divided(&self.index.same, runs.iter().map(|(digest, run)| (*digest, run.platform)))
    }

    pub(super) fn mixed(
        &self,
        id: ReferenceId,
        is_of_pods: bool,
        sightings: &Sightings<'_>,
        now: u32,
    ) -> Option<Mixed> {
        let record = self.index.references.get(id)?;
        let (confidence, rollout, runs) =
            self.of_reference(id).find_map(|(rollout, runs)| Some((self.divided(&runs)?, rollout, runs)))?;
        let images = images(&self.index.same, runs.iter().map(|(digest, run)| (*digest, run.platform)));
        let mut classes: BTreeMap<&str, Class<'_>> = BTreeMap::new();
        for (digest, run) in &runs {
            let class = classes.entry(images[digest]).or_insert_with(|| Class::new(now));
            class.digests.insert((false, *digest));
            class.pods += run.pods;
            class.since = class.since.min(run.since);
            class.name(sightings.own(self.place, run.image_state, rollout));
        }
        let together = classes.values().map(|class| class.since).max().unwrap_or(now);
        let lasted = Duration::from_secs(now.saturating_sub(together).into());
        let resolutions = resolutions(confidence, is_of_pods.then_some(&*record.name), classes);
        Some(Mixed { resolutions, lasted })
    }

    /// The failure of the image that the container names is reported before those of images that pods name instead. Another
    /// container of this place speaks for its own.
    pub(super) fn pull_failure(
        &self,
        own: &ParsedImage,
        sightings: &Sightings<'_>,
        now: u32,
    ) -> Option<PullFailure> {
        let its: Vec<(PullFailureReason, bool, &Failing)> = self
            .runs
            .failing
            .iter()
            .filter_map(|failing| {
                let is_own = failing.is_named && failing.image.means(own);
                (is_own || !failing.is_named).then_some((failing.reason, !is_own, failing))
            })
            .collect();
        let order =
            |(reason, is_other, failing): &(_, bool, &'a Failing)| (*reason, *is_other, name_of(failing));
        let (reason, is_other, name) = its.iter().map(order).min()?;
        // Two spellings of the container's own image are one to it.
        let is_it = |found: &&(PullFailureReason, bool, &Failing)| {
            found.0 == reason && found.1 == is_other && (!is_other || name_of(found.2) == name)
        };
        let of_it = || its.iter().filter(is_it).map(|(_, _, failing)| failing);
        let since = of_it().map(|failing| failing.run.since).min()?;
        let states: BTreeSet<(ImageState, RolloutId)> =
            of_it().map(|failing| (failing.run.image_state, failing.rollout)).collect();
        let here = states.into_iter().flat_map(|(state, rollout)| sightings.own(self.place, state, rollout));
        Some(PullFailure {
            reason,
            image: is_other.then(|| UntrustedText::from(name)),
            since: time(since),
            lasted: Duration::from_secs(now.saturating_sub(since).into()),
            here: first(here),
        })
    }

    /// What the registry says, where that is not what every pod runs. The digest of an index and that of its manifest
    /// can be recognised as one image only where the nodes' lists are known.
    pub(super) fn registry(&self, id: ReferenceId, record: &ReferenceRecord) -> Option<RegistryAnswer> {
        let answer = self.index.answers.get(&record.name)?;
        let runs: Vec<(&str, &Run)> = self.of_reference(id).flat_map(|(_, runs)| runs).collect();
        if runs.is_empty() {
            return None;
        }
        let unknown = |reason: &str| Some(RegistryAnswer::Unknown { reason: reason.into() });
        let is_one = |(ran, run): &(&str, &Run), digest: &str| {
            let class = |digest| self.index.same.class_of(run.platform, digest);
            class(ran) == class(digest)
        };
        let is_comparable = |(ran, run): &(&str, &Run), digest: &str| {
            self.index.same.are_comparable(run.platform, ran, digest)
        };
        match &answer.digest {
            Err(reason) => unknown(reason),
            Ok(digest) if runs.iter().all(|run| is_one(run, digest)) => None,
            // What was pushed and rolled out since then is asked for at once; until then nothing is said.
            Ok(digest) if runs.iter().any(|run| !is_one(run, digest) && answer.is_older_than(run.0)) => None,
            Ok(_) if runs.iter().any(|(_, run)| run.platform.is_none()) => {
                unknown("nothing is known of the nodes, so its digest cannot be compared with what they run")
            }
            Ok(digest) if runs.iter().any(|run| !is_one(run, digest) && !is_comparable(run, digest)) => {
                unknown("its digest is of another algorithm than what the nodes run")
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

fn name_of(failing: &Failing) -> &str {
    failing.image.text.raw()
}
