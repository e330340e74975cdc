//! From a key to the workload model: the template, what live pods add to it, and whether there is anything to
//! report at all (`docs/design/verdicts.md`, "Where images are found").
//!
//! Three steps, of which only the first and the last need the index: [`Index::collect`] takes what the workload is made of
//! without copying it, [`Collected::prepare`] puts its containers together, and [`Index::attach`] adds the evidence. A user
//! decides how much the second has to do, so no lock is to be held over it.

mod of_pods;
mod union;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tagwatch_core::drift::{DriftEvidence, OlderRevision};
use tagwatch_core::kinds::WorkloadKind;
use tagwatch_core::workload::{
    Container, ContainerType, IgnoreAnnotations, Limit, Namespace, Origin, UnfollowedController, Workload,
};
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimObject;

use crate::evidence::{NamedImages, OtherImages, ParsedImage, RolloutView, attach, attach_proofs};
use crate::index::Index;
use crate::owners::{OwnedObject, Revisions};
use crate::pods::{CountedShape, PodShape, seconds};
use crate::store::ObjectStore;
use of_pods::{TemplateShape, of_older_revisions, other_images};
use union::{distinct, union, union_of_pods, with_pods};

/// Most containers that are checked of one workload.
pub const MAX_CONTAINERS: usize = 1_000;
/// Most containers of a workload's pods that are compared with its template; pods with the same containers count once.
pub const MAX_POD_CONTAINERS: usize = 100_000;
/// In how long a workload is looked at again of which pods of an older revision wait: the first start of one is no other
/// change of what is kept of it.
const WAITING: Duration = Duration::from_mins(1);
/// Most dependents of an owner without a template of its own whose templates are put together, and most containers of them.
const MAX_LENDERS: usize = 1_000;
const MAX_LENT: usize = 10_000;

/// A workload to be judged and reported.
#[derive(Debug)]
pub struct Assembled {
    /// With the evidence attached to its containers.
    pub workload: Workload,
    /// In how long it is to be looked at again, where numbers of its evidence still change.
    pub look_again: Option<Duration>,
}

/// Why there is nothing to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The object does not exist any more; garbage collection takes its report.
    Gone,
    /// The object is there, but it is finished, or reported under its controller, or runs nothing.
    NotReported,
}

/// What a workload is made of.
#[derive(Debug)]
pub struct Collected {
    key: WorkloadKey,
    template: Template,
    /// Of the pods of its newest rollout.
    newest: Vec<CountedShape>,
    /// Of those of all rollouts, where its pods are compared with the template.
    all: Vec<CountedShape>,
    /// Of those whose images can be held against the template's.
    of_template: Vec<TemplateShape>,
    /// The annotations of an owner that has no template of its own.
    ignore: IgnoreAnnotations,
    created: Option<Timestamp>,
    namespace: Option<Arc<Namespace>>,
    unfollowed: Option<UnfollowedController>,
    view: RolloutView,
}

/// Where the template of a workload comes from.
#[derive(Debug)]
enum Template {
    /// It is in the object itself.
    Own(Arc<SlimObject>),
    /// Its dependents lend theirs; without any, its pods speak for themselves.
    Lent(Vec<Arc<SlimObject>>),
    /// It is a pod.
    Pod,
}

/// A workload with its containers, and without evidence.
#[derive(Debug)]
pub struct Prepared {
    key: WorkloadKey,
    workload: Workload,
    view: RolloutView,
    named: NamedImages,
    others: OtherImages,
    /// Containers with images that only pods name.
    of_pods: Vec<Container>,
    /// Containers of the workload that only pods of an older revision have.
    of_older: Vec<(usize, OlderRevision)>,
    /// Images of containers without evidence of their own, those of `of_pods` behind those of the workload.
    unobserved: Vec<(usize, ParsedImage)>,
}

/// What is known of a workload beside its name and its namespace.
#[derive(Debug, Default)]
struct WorkloadParts {
    containers: Vec<Container>,
    ignore: IgnoreAnnotations,
    template_ignore: IgnoreAnnotations,
    has_pull_secrets: bool,
    /// They come from a template in a custom resource, where the API server fills in no pull policy.
    of_custom_resource: bool,
}

impl WorkloadParts {
    fn of(object: &SlimObject) -> Self {
        let of_custom_resource = object.key().watched_kind().is_none();
        let containers = object.containers();
        Self {
            containers: if of_custom_resource { distinct(containers) } else { containers },
            ignore: object.ignore(),
            template_ignore: object.template_ignore(),
            has_pull_secrets: object.has_pull_secrets(),
            of_custom_resource,
        }
    }
}

impl Index {
    /// Takes what is to be judged under a key, by the objects in a store.
    pub fn collect(
        &mut self,
        key: &WorkloadKey,
        store: &dyn ObjectStore,
        now: Timestamp,
    ) -> Result<Collected, Absence> {
        let template = self.template_of(key, store).inspect_err(|_| self.forget(key))?;
        let object = store.get(key);
        let ignore = match &template {
            Template::Lent(_) => object.as_ref().map(|object| object.ignore()).unwrap_or_default(),
            Template::Own(_) | Template::Pod => IgnoreAnnotations::default(),
        };
        let seen = (&self.owners, &self.pods, store);
        let view = RolloutView::of(key, seen, &mut self.progress, seconds(now));
        let newest = view.current.keys().flat_map(|controller| {
            let shapes = self.pods.shapes(controller);
            shapes.filter(|(shape, _)| !view.is_before_rollout(controller, shape.revision.as_deref()))
        });
        let all = view.all.iter().filter(|_| view.is_rolled_out);
        Ok(Collected {
            key: key.clone(),
            template,
            newest: newest.cloned().collect(),
            all: all.flat_map(|controller| self.pods.shapes(controller)).cloned().collect(),
            of_template: self.shapes_of_template(&view),
            ignore,
            created: object.and_then(|object| object.created()),
            namespace: self.namespaces.get(key.namespace()).cloned(),
            unfollowed: self.unfollowed(key),
            view,
        })
    }

    /// Adds what pods, nodes and registries say of the images of a workload.
    pub fn attach(&mut self, prepared: Prepared, now: Timestamp) -> Assembled {
        let Prepared { key, mut workload, view, named, others, of_pods, of_older, unobserved } = prepared;
        let look_again =
            attach(&mut workload, (&key, &view), (&named, others), &mut self.pods, &mut self.evidence, now);
        // What drift says of these stands at the template's container.
        workload.containers.extend(of_pods);
        for (at, older) in of_older {
            let Some(container) = workload.containers.get_mut(at) else { continue };
            let known = container.drift.as_deref().cloned().unwrap_or_default();
            container.drift = Some(Arc::new(DriftEvidence { older_revision: Some(older), ..known }));
        }
        attach_proofs(&mut workload, &unobserved, &self.pods);
        let waits = |container: &Container| {
            let older = container.drift.as_ref().and_then(|drift| drift.older_revision.as_ref());
            older.is_some_and(|older| !older.has_started)
        };
        let waiting = workload.containers.iter().any(waits).then_some(WAITING);
        let changes_in = view.changes_in.map(|left| Duration::from_secs(left.into()));
        let look_again = [look_again, waiting, changes_in].into_iter().flatten().min();
        Assembled { workload, look_again }
    }

    /// Nothing is reported of a workload any more.
    pub fn forget(&mut self, key: &WorkloadKey) {
        self.evidence.forget(key);
        // What is reported under another object goes on with its rollout.
        if self.owners.node(key).is_none() {
            self.progress.forget(key);
        }
        self.pods.restarts.forget(key);
    }

    /// An object: its own templates where it is watched and has any, else what its dependents lend.
    fn template_of(&self, key: &WorkloadKey, store: &dyn ObjectStore) -> Result<Template, Absence> {
        if key.watched_kind().is_some_and(WorkloadKind::is_pod) {
            return if self.pods.is_live(key) { Ok(Template::Pod) } else { Err(Absence::Gone) };
        }
        let object = store.get(key);
        if self.owners.watches(key) {
            self.owners.node(key).ok_or(Absence::Gone)?;
            // A pod can name an object that has ended.
            let is_over =
                || object.as_ref().is_some_and(|object| object.is_finished()) && !self.has_pods(key);
            if is_over() || !self.owners.is_top(key) {
                return Err(Absence::NotReported);
            }
        }
        let own = object.filter(|object| object.has_template() || key.watched_kind().is_some());
        let lent = || self.lenders(key).into_iter().filter_map(|lender| store.get(lender)).collect();
        Ok(own.map_or_else(|| Template::Lent(lent()), Template::Own))
    }

    fn has_pods(&self, key: &WorkloadKey) -> bool {
        let controllers = self.owners.with_dependents(key, Revisions::All);
        controllers.iter().any(|controller| self.pods.shapes(controller).next().is_some())
    }

    /// The dependents whose template speaks for an owner without one: those that ask for pods, but for those that a newer
    /// revision replaces, and those in deletion, of which no controller makes pods any more. Else, for an owner scaled to zero,
    /// its newest ReplicaSet.
    fn lenders(&self, key: &WorkloadKey) -> Vec<&WorkloadKey> {
        let children: Vec<(&WorkloadKey, &OwnedObject)> = self.owners.newest_children(key).collect();
        let asking = children.iter().filter(|(_, node)| node.wants_pods() && !node.is_in_deletion());
        let asking: Vec<&WorkloadKey> = asking.map(|(child, _)| *child).take(MAX_LENDERS).collect();
        if !asking.is_empty() {
            return asking;
        }
        let not_jobs = children.into_iter().filter(|(child, _)| !child.is_of("batch", "Job"));
        let newest = not_jobs.max_by_key(|(child, node)| (node.revision, (*child).clone()));
        newest.map(|(child, _)| child).into_iter().collect()
    }
}

impl Collected {
    /// How many places of templates and pods are looked at to put the containers together.
    pub fn weight(&self) -> usize {
        let of_template = self.of_template.iter().map(|shape| &shape.shape);
        let shapes = self.newest.iter().chain(&self.all).chain(of_template);
        let of_pods: usize = shapes.map(|(shape, _)| shape.images.len()).sum();
        let of_templates = match &self.template {
            Template::Own(object) => object.place_count(),
            Template::Lent(objects) => objects.iter().map(|object| object.place_count()).sum(),
            Template::Pod => 0,
        };
        of_pods + of_templates
    }

    /// Puts the containers together: at most [`MAX_CONTAINERS`], by at most [`MAX_POD_CONTAINERS`] of its pods.
    pub fn prepare(mut self) -> Result<Prepared, Absence> {
        let mut limits = BTreeSet::new();
        if self.is_cut() {
            limits.insert(Limit::ObjectSize);
        }
        if self.view.is_cut || self.bound_lenders() {
            limits.insert(Limit::Dependents);
        }
        let mut is_bounded = bound(&mut self.of_template, |shape| &shape.shape);
        for shapes in [&mut self.newest, &mut self.all] {
            is_bounded |= bound(shapes, |shape| shape);
        }
        if is_bounded {
            limits.insert(Limit::PodContainers);
        }
        let parts = self.parts()?;
        let WorkloadParts { mut containers, ignore, template_ignore, has_pull_secrets, of_custom_resource } =
            parts;
        if containers.len() > MAX_CONTAINERS {
            containers.truncate(MAX_CONTAINERS);
            limits.insert(Limit::Containers);
        }
        let mut of_pods = other_images(&containers, &self.of_template);
        if containers.len() + of_pods.len() > MAX_CONTAINERS {
            of_pods.truncate(MAX_CONTAINERS - containers.len());
            limits.insert(Limit::Containers);
        }
        let of_older = of_older_revisions(&containers, &self.newest, &self.of_template);
        // The API server has filled in every pull policy of a built-in object.
        let origin = if of_custom_resource { Origin::Manifest } else { Origin::Cluster };
        let Self { key, all, namespace, created, unfollowed, view, .. } = self;
        let workload = Workload {
            image_pull_secrets: has_pull_secrets,
            ignore,
            template_ignore,
            namespace,
            created,
            limits,
            unfollowed,
            ..Workload::new(key.workload_id(), origin, containers)
        };
        let named = NamedImages::of(&workload.containers);
        let others = OtherImages::of(&named, &all);
        let of_template = workload.containers.len();
        let unobserved = workload.containers.iter().chain(&of_pods).enumerate().filter(|(at, container)| {
            *at >= of_template || container.container_type == ContainerType::ImageVolume
        });
        let unobserved = unobserved.map(|(at, container)| (at, ParsedImage::of(&container.image))).collect();
        Ok(Prepared { key, workload, view, named, others, of_pods, of_older, unobserved })
    }

    /// Keeps as many lenders as the limits admit. Returns whether there may be more.
    fn bound_lenders(&mut self) -> bool {
        let Template::Lent(lenders) = &mut self.template else { return false };
        let mut room = MAX_LENT;
        let fitting = lenders.iter().take_while(|object| {
            let left = room.checked_sub(object.place_count());
            room = left.unwrap_or(0);
            left.is_some()
        });
        let fitting = fitting.count();
        let is_cut = fitting < lenders.len() || lenders.len() == MAX_LENDERS;
        lenders.truncate(fitting);
        is_cut
    }

    fn is_cut(&self) -> bool {
        let is_template_cut = match &self.template {
            Template::Own(object) => object.is_cut(),
            Template::Lent(objects) => objects.iter().any(|object| object.is_cut()),
            Template::Pod => false,
        };
        let mut of_pods = self.newest.iter().chain(self.of_template.iter().map(|older| &older.shape));
        is_template_cut || of_pods.any(|(shape, _)| shape.images.is_cut())
    }

    fn parts(&mut self) -> Result<WorkloadParts, Absence> {
        let shapes = &self.newest;
        let lent = match &self.template {
            Template::Pod => return of_pods_alone(shapes).ok_or(Absence::Gone),
            Template::Own(object) => {
                let parts = WorkloadParts::of(object);
                let containers =
                    with_pods(parts.containers, shapes, self.of_template.iter().map(|shape| &shape.shape));
                return Ok(WorkloadParts { containers, ..parts });
            }
            Template::Lent(lent) => lent,
        };
        // Annotations of an owner that is not watched are not known.
        let ignore = std::mem::take(&mut self.ignore);
        let lent: Vec<WorkloadParts> = lent.iter().map(|object| WorkloadParts::of(object)).collect();
        let template = union(lent.iter().flat_map(|parts| parts.containers.iter().cloned()));
        if template.is_empty() {
            let of_pods = of_pods_alone(shapes).ok_or(Absence::NotReported)?;
            return Ok(WorkloadParts { ignore, template_ignore: of_pods.ignore, ..of_pods });
        }
        Ok(WorkloadParts {
            containers: with_pods(template, shapes, self.of_template.iter().map(|shape| &shape.shape)),
            ignore,
            template_ignore: common(lent.iter().map(|parts| parts.template_ignore.clone())),
            has_pull_secrets: lent.iter().any(|parts| parts.has_pull_secrets),
            of_custom_resource: lent.iter().any(|parts| parts.of_custom_resource),
        })
    }
}

/// Keeps as many shapes as [`MAX_POD_CONTAINERS`] admits. Returns whether that is not all of them. Those of the most pods
/// stay, and among equals always the same ones.
fn bound<T>(shapes: &mut Vec<T>, counted: impl Fn(&T) -> &CountedShape) -> bool {
    let total: usize = shapes.iter().map(|shape| counted(shape).0.images.len()).sum();
    if total <= MAX_POD_CONTAINERS {
        return false;
    }
    let hash = |shape: &PodShape| {
        let mut hasher = DefaultHasher::new();
        shape.hash(&mut hasher);
        hasher.finish()
    };
    shapes.sort_by_cached_key(|shape| {
        let (shape, pods) = counted(shape);
        (Reverse(*pods), hash(shape))
    });
    let mut room = MAX_POD_CONTAINERS;
    let fitting = shapes.iter().take_while(|shape| {
        let left = room.checked_sub(counted(shape).0.images.len());
        room = left.unwrap_or(0);
        left.is_some()
    });
    let fitting = fitting.count();
    shapes.truncate(fitting);
    true
}

/// `None` without a container.
fn of_pods_alone(shapes: &[CountedShape]) -> Option<WorkloadParts> {
    let containers = union_of_pods(shapes);
    let has_pull_secrets = shapes.iter().any(|(shape, _)| shape.images.has_pull_secrets());
    let ignore = common(shapes.iter().map(|(shape, _)| shape.ignore.get()));
    let parts = WorkloadParts { containers, ignore, has_pull_secrets, ..WorkloadParts::default() };
    (!parts.containers.is_empty()).then_some(parts)
}

/// Annotations that are everywhere alike; where they differ, none count.
fn common(all: impl Iterator<Item = IgnoreAnnotations>) -> IgnoreAnnotations {
    IgnoreAnnotations::common(all).unwrap_or_default()
}

#[cfg(test)]
mod tests;
