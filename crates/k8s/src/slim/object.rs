//! What is kept of a watched object, whatever its kind.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use tagwatch_core::kinds::{KindRole, REVISION_ANNOTATIONS, Siblings, revision_annotation};
use tagwatch_core::workload::{Container, IgnoreAnnotations};

use super::rollout::{self, RevisionChange, UntimedRollout, WireSpec};
use super::template::{PodTemplate, Templates};
use super::wire::WireObject;
use super::{PodImages, meta};
use crate::key::WorkloadKey;
use crate::served::ServedKind;

/// A watched object of any kind but Pods.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct SlimObject {
    key: WorkloadKey,
    owner: Option<WorkloadKey>,
    /// `None` in most `ReplicaSet`s: their owner's template says the same.
    templates: Option<Box<[PodTemplate]>>,
    extras: Option<Box<Extras>>,
    revision: u32,
    /// When its spec or its status was last written, in Unix seconds; where `managedFields` do not say, the latest time that it
    /// says otherwise.
    changed: u32,
    is_written_known: bool,
    /// When it was created, in Unix seconds; 0 where it does not say.
    created: u32,
    rolled_out: Option<bool>,
    role: KindRole,
    siblings: Siblings,
    finished: bool,
    /// Its `spec.replicas` is zero, as in a `ReplicaSet` that a rollout has superseded.
    at_zero: bool,
    by_hand: bool,
    cut: bool,
    is_template_seen: bool,
    in_deletion: bool,
}

/// What few objects say beside their templates.
#[derive(Debug, Clone, Default, PartialEq)]
struct Extras {
    ignore: IgnoreAnnotations,
    restarted_at: Option<Timestamp>,
    remarks: Box<[String]>,
    revision_change: Option<RevisionChange>,
    stalled_from: Option<u32>,
    untimed: Option<UntimedRollout>,
}

impl Extras {
    /// `None` if there is nothing to keep.
    fn kept(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

impl SlimObject {
    /// Reads an object of this kind.
    pub fn read(object: &WireObject, served: &ServedKind) -> Self {
        let (kind, metadata) = (&*served.kind, &object.metadata);
        let traits = &kind.traits;
        let owner = WorkloadKey::controller_of(metadata);
        let is_credible = owner.as_ref().is_none_or(|owner| owner.may_control(kind.group(), kind.kind()));
        // Where a watched owner is reported instead, its template says the same.
        let is_owned = traits.role == KindRole::Dependent
            && is_credible
            && owner.as_ref().is_some_and(|owner| owner.watched_kind().is_some());
        let speaks = !is_owned && traits.role != KindRole::Link;
        let read = speaks.then(|| Templates::read(object, served));
        let cut = read.as_ref().is_some_and(|read| read.is_cut);
        let spec = if traits.is_built_in { WireSpec::of(object) } else { WireSpec::default() };
        let rolled_out = rollout::is_over(object, traits.rollout, &spec);
        let is_in_progress = rolled_out == Some(false);
        let written = object.written.and_then(|time| u32::try_from(time.as_second()).ok());
        let in_deletion = metadata.deletion_timestamp.is_some();
        // In deletion, no controller makes pods of the template any more, and not all of them write a status (`syncDaemonSet` in
        // `pkg/controller/daemon/daemon_controller.go`).
        let is_template_seen = !speaks || in_deletion || rollout::has_seen_spec(object);
        let extras = Extras {
            ignore: metadata.annotations.as_ref().map(meta::ignore_of).unwrap_or_default(),
            revision_change: rollout::revision_change(object, traits.rollout),
            stalled_from: is_in_progress.then(|| rollout::stalled_from(object, traits.rollout)).flatten(),
            untimed: is_in_progress.then(|| rollout::untimed(object, traits.rollout, &spec)).flatten(),
            ..Extras::default()
        };
        let (templates, extras) = read.map(|read| content(read, extras)).unzip();
        Self {
            key: WorkloadKey::of(&served.resource.api_version, kind.kind(), metadata),
            revision: revision(metadata, served, owner.as_ref()),
            changed: written.unwrap_or_else(|| rollout::latest_condition(object).max(created(metadata))),
            is_written_known: written.is_some(),
            created: created(metadata),
            owner,
            templates,
            extras: extras.flatten(),
            rolled_out,
            role: traits.role,
            siblings: traits.siblings,
            finished: rollout::is_finished(object, traits),
            at_zero: spec.replicas == Some(0),
            by_hand: spec.is_updated_by_hand(),
            cut,
            is_template_seen,
            in_deletion,
        }
    }

    /// The kind, namespace and name by which the index finds the object.
    pub fn key(&self) -> &WorkloadKey {
        &self.key
    }

    /// The owner reference with `controller: true`.
    pub fn owner(&self) -> Option<&WorkloadKey> {
        self.owner.as_ref()
    }

    /// Whether its controller is of a kind that makes such objects, as far as that is known.
    pub fn has_credible_owner(&self) -> bool {
        let Self { key, owner, .. } = self;
        owner.as_ref().is_none_or(|owner| owner.may_control(key.group(), key.kind()))
    }

    /// Whether its status describes pods of the templates that it has, as far as its controller says.
    pub fn is_template_seen(&self) -> bool {
        self.is_template_seen
    }

    /// A spec that changes elsewhere, as with every scaling, has the templates that were seen before.
    pub fn compare_with(&mut self, before: &Self) {
        self.is_template_seen |= before.is_template_seen && self.templates == before.templates;
    }

    /// When its spec or its status was last written, in Unix seconds. `None` where `managedFields` do not say: some proxies
    /// leave them out, and old API servers wrote none.
    pub fn written(&self) -> Option<u32> {
        self.is_written_known.then_some(self.changed)
    }

    /// The latest time that is known of it, in Unix seconds: without [`Self::written`], that of a condition of its status or
    /// of its creation; 0 without any.
    pub fn changed(&self) -> u32 {
        self.changed
    }

    /// What it is to the other objects of its kind that its owner controls.
    pub fn siblings(&self) -> Siblings {
        self.siblings
    }

    /// Replaces its keys by equal ones that others hold already.
    pub fn share_keys(&mut self, mut shared: impl FnMut(&WorkloadKey) -> WorkloadKey) {
        self.key = shared(&self.key);
        self.owner = self.owner.as_ref().map(shared);
    }

    /// Where the objects of its kind are reported.
    pub fn role(&self) -> KindRole {
        self.role
    }

    /// Whether its place among its owners is all that it says: a link, or a dependent whose watched owner has the same
    /// template.
    pub fn is_silent(&self) -> bool {
        self.templates.is_none()
    }

    /// Its deletion was asked for. A finalizer, which any user may add who may change the object, holds it for as long as it
    /// likes.
    pub fn is_in_deletion(&self) -> bool {
        self.in_deletion
    }

    /// Whether it asks for pods.
    pub fn wants_pods(&self) -> bool {
        !self.finished && !self.at_zero
    }

    /// Orders the dependents of one owner that replace each other, if the owner is of a kind that numbers them: the rollout of
    /// its owner that a `ReplicaSet` belongs to, counted from 1; when a custom object was created, in Unix seconds; 0 where
    /// there is no order. It is an annotation, which any user may write who may change the object.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// When it was created, as far as it says.
    pub fn created(&self) -> Option<Timestamp> {
        (self.created > 0).then(|| Timestamp::from_second(self.created.into()).ok()).flatten()
    }

    /// Nothing will be pulled for it any more, as far as its conditions say.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether every pod is of the template as it is now; `None` where only what depends on the object can say.
    pub fn is_rolled_out(&self) -> Option<bool> {
        self.rolled_out
    }

    /// The revisions of its pods, while there are two of them and its status names both.
    pub fn revision_change(&self) -> Option<&RevisionChange> {
        self.extras.as_ref()?.revision_change.as_ref()
    }

    /// From when on a rollout of it that is in progress counts as stalled, in Unix seconds.
    pub fn stalled_from(&self) -> Option<u32> {
        self.extras.as_ref()?.stalled_from
    }

    /// Its rollout in progress, if its status does not say when that made progress.
    pub fn untimed_rollout(&self) -> Option<&UntimedRollout> {
        self.extras.as_ref()?.untimed.as_ref()
    }

    /// A change of its template reaches no pod until the pod is deleted (the update strategy `OnDelete`).
    pub fn is_updated_by_hand(&self) -> bool {
        self.by_hand
    }

    /// When its pods were last restarted (`kubectl rollout restart`).
    pub fn restarted_at(&self) -> Option<Timestamp> {
        self.extras.as_ref()?.restarted_at
    }

    /// Whether its templates name more images than are kept of one object.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// How many places of its templates name an image.
    pub fn place_count(&self) -> usize {
        self.templates().iter().map(|template| template.images.len()).sum()
    }

    /// Whether it has a template.
    pub fn has_template(&self) -> bool {
        !self.templates().is_empty()
    }

    /// Whether its images are not judged, though something other than a template is where one is expected, or
    /// containers are where none is.
    pub fn is_unread(&self) -> bool {
        self.templates().is_empty() && !self.remarks().is_empty()
    }

    /// What was not as expected; safe for a terminal.
    pub fn remarks(&self) -> &[String] {
        self.extras.as_ref().map_or(&[], |extras| &extras.remarks)
    }

    /// The model that the engine judges, template after template, each in the order `containers`, `initContainers`,
    /// `ephemeralContainers`, `volumes[].image`.
    pub fn containers(&self) -> Vec<Container> {
        self.templates().iter().flat_map(|template| template.images.containers(&template.path)).collect()
    }

    /// Paths of the pod specs of its templates, from the object's root.
    pub fn pod_spec_paths(&self) -> impl Iterator<Item = &str> {
        self.templates().iter().map(|template| &*template.path)
    }

    /// Whether a template names `imagePullSecrets`.
    pub fn has_pull_secrets(&self) -> bool {
        self.templates().iter().map(|template| &template.images).any(PodImages::has_pull_secrets)
    }

    /// Its own annotations that exempt.
    pub fn ignore(&self) -> IgnoreAnnotations {
        self.extras.as_ref().map(|extras| extras.ignore.clone()).unwrap_or_default()
    }

    /// Those of its templates, where all say the same.
    pub fn template_ignore(&self) -> IgnoreAnnotations {
        IgnoreAnnotations::common(self.templates().iter().map(|template| template.ignore.get()))
            .unwrap_or_default()
    }

    /// Whether two states of an object get the same verdicts: most updates are of the status alone.
    pub fn is_judged_alike(&self, other: &Self) -> bool {
        self.key == other.key
            && self.wants_pods() == other.wants_pods()
            && self.finished == other.finished
            && self.rolled_out == other.rolled_out
            && self.cut == other.cut
            && self.is_template_seen == other.is_template_seen
            && self.templates == other.templates
            && self.extras == other.extras
    }

    fn templates(&self) -> &[PodTemplate] {
        self.templates.as_deref().unwrap_or_default()
    }
}

fn content(read: Templates, extras: Extras) -> (Box<[PodTemplate]>, Option<Box<Extras>>) {
    let Templates { found, restarted_at, remarks, is_cut: _ } = read;
    let extras = Extras { restarted_at, remarks: remarks.into(), ..extras };
    (found.into(), extras.kept())
}

/// When an object was created, in Unix seconds; 0 where it does not say.
fn created(metadata: &ObjectMeta) -> u32 {
    let created = metadata.creation_timestamp.as_ref().map(|time| time.0.as_second());
    created.and_then(|second| u32::try_from(second).ok()).unwrap_or(0)
}

/// The rollout that an object belongs to, as the controller of its owner numbers them, or its own controller.
fn revision(metadata: &ObjectMeta, served: &ServedKind, owner: Option<&WorkloadKey>) -> u32 {
    let (kind, api_version) = (&*served.kind, &served.resource.api_version);
    if kind.traits.siblings == Siblings::Revisions {
        return created(metadata);
    }
    let annotation = owner
        .and_then(|owner| revision_annotation(owner.api_version(), owner.kind()))
        .or_else(|| revision_annotation(api_version, kind.kind()))
        // Controllers that are not known may have copied it.
        .or_else(|| kind.traits.is_built_in.then_some(REVISION_ANNOTATIONS[0]));
    let revision = annotation.and_then(|annotation| metadata.annotations.as_ref()?.get(annotation));
    revision.and_then(|revision| revision.parse().ok()).unwrap_or(0)
}
