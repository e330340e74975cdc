//! From a key to the workload model: the template, what live pods add to it, and whether there is anything to
//! report at all (`docs/design/verdicts.md`, "Where images are found").

mod of_pods;

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use tagwatch_core::kinds::WorkloadKind;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::workload::{Container, IgnoreAnnotations, ObservedPods, Origin, Workload};
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::SlimObject;

use crate::evidence::attach;
use crate::index::Index;
use crate::owners::{OwnedObject, Revisions};
use crate::pods::CountedShape;
use crate::store::ObjectStore;

/// What a key is at the moment.
#[derive(Debug)]
pub enum Assembled {
    /// A workload to be judged and reported.
    Workload {
        /// With the evidence attached to its containers.
        workload: Box<Workload>,
        /// In how long it is to be looked at again, where numbers of its evidence still change.
        look_again: Option<Duration>,
    },
    /// Nothing to report.
    Absent(Absence),
}

/// Why there is nothing to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The object does not exist any more; garbage collection takes its report.
    Gone,
    /// The object is there, but it is finished, or reported under its controller, or runs nothing.
    NotReported,
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
    /// Puts together what is to be judged under a key, by the objects in a store.
    pub fn assemble(&mut self, key: &WorkloadKey, store: &dyn ObjectStore, now: Timestamp) -> Assembled {
        let parts = if key.watched_kind().is_some_and(WorkloadKind::is_pod) {
            if self.pods.is_live(key) { from_pods_alone(self.pods.shapes(key)) } else { Err(Absence::Gone) }
        } else {
            self.parts_of_object(key, store)
        };
        let WorkloadParts { containers, ignore, template_ignore, has_pull_secrets, of_custom_resource } =
            match parts {
                Ok(parts) => parts,
                Err(absence) => {
                    self.forget(key);
                    return Assembled::Absent(absence);
                }
            };
        // The API server has filled in every pull policy of a built-in object.
        let origin = if of_custom_resource { Origin::Manifest } else { Origin::Cluster };
        let mut workload = Workload {
            image_pull_secrets: has_pull_secrets,
            ignore,
            template_ignore,
            namespace: self.namespaces.get(key.namespace()).cloned(),
            unfollowed: self.unfollowed(key),
            ..Workload::new(key.workload_id(), origin, containers)
        };
        let pods = (&mut self.pods, &self.owners);
        let look_again = attach(&mut workload, key, pods, &mut self.evidence, store, now);
        // What drift says of these stands at the template's container.
        let of_pods = self.of_pods_alone(key, &workload.containers, store);
        workload.containers.extend(of_pods);
        Assembled::Workload { workload: Box::new(workload), look_again }
    }

    /// Nothing is reported of a workload any more.
    pub(crate) fn forget(&mut self, key: &WorkloadKey) {
        self.evidence.keep(key, &[]);
        self.pods.restarts.forget(key);
    }

    /// An object: its own templates where it is watched and has any, else what its dependents lend.
    fn parts_of_object(&self, key: &WorkloadKey, store: &dyn ObjectStore) -> Result<WorkloadParts, Absence> {
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
        let Some(object) = object.filter(|object| object.has_template() || key.watched_kind().is_some())
        else {
            return self.parts_of_dependents(key, store);
        };
        let parts = WorkloadParts::of(&object);
        Ok(WorkloadParts { containers: with_pods(parts.containers, &self.shapes_under(key)), ..parts })
    }

    /// An owner of a kind that is not watched, or that has no template of its own: the templates that its dependents
    /// lend, and its pods. Annotations of an owner that is not watched are not known.
    fn parts_of_dependents(
        &self,
        key: &WorkloadKey,
        store: &dyn ObjectStore,
    ) -> Result<WorkloadParts, Absence> {
        let lent = self.lenders(key).into_iter().filter_map(|lender| store.get(lender));
        let lent: Vec<WorkloadParts> = lent.map(|object| WorkloadParts::of(&object)).collect();
        let template = union(lent.iter().flat_map(|parts| parts.containers.iter().cloned()));
        let shapes = self.shapes_under(key);
        let ignore = store.get(key).map(|object| object.ignore()).unwrap_or_default();
        if template.is_empty() {
            let of_pods = from_pods_alone(&shapes).map_err(|_| Absence::NotReported)?;
            return Ok(WorkloadParts { ignore, template_ignore: of_pods.ignore, ..of_pods });
        }
        Ok(WorkloadParts {
            containers: with_pods(template, &shapes),
            ignore,
            template_ignore: common(lent.iter().map(|parts| parts.template_ignore.clone())),
            has_pull_secrets: lent.iter().any(|parts| parts.has_pull_secrets),
            of_custom_resource: lent.iter().any(|parts| parts.of_custom_resource),
        })
    }

    /// The dependents whose template speaks for an owner that we do not watch: those that ask for pods, else, for
    /// an owner scaled to zero, its newest ReplicaSet.
    fn lenders(&self, key: &WorkloadKey) -> Vec<&WorkloadKey> {
        let children: Vec<(&WorkloadKey, &OwnedObject)> = self.owners.children(key).collect();
        let asking = children.iter().filter(|(_, node)| node.wants_pods).map(|(child, _)| *child);
        let asking: Vec<&WorkloadKey> = asking.collect();
        if !asking.is_empty() {
            return asking;
        }
        let not_jobs = children.into_iter().filter(|(child, _)| !child.is_of("batch", "Job"));
        let newest = not_jobs.max_by_key(|(child, node)| (node.revision, (*child).clone()));
        newest.map(|(child, _)| child).into_iter().collect()
    }

    fn has_pods(&self, key: &WorkloadKey) -> bool {
        let controllers = self.owners.with_dependents(key, Revisions::All);
        controllers.iter().any(|controller| !self.pods.shapes(controller).is_empty())
    }

    /// The shapes of the live pods under a workload, of its newest rollout.
    fn shapes_under(&self, key: &WorkloadKey) -> Vec<CountedShape> {
        let controllers = self.owners.with_dependents(key, Revisions::Newest);
        controllers.iter().flat_map(|controller| self.pods.shapes(controller)).cloned().collect()
    }
}

fn from_pods_alone(shapes: &[CountedShape]) -> Result<WorkloadParts, Absence> {
    let containers = union(containers_of(shapes));
    if containers.is_empty() {
        return Err(Absence::Gone);
    }
    let has_pull_secrets = shapes.iter().any(|(shape, _)| shape.images.has_pull_secrets());
    let ignore = common(shapes.iter().map(|(shape, _)| shape.ignore.get()));
    Ok(WorkloadParts { containers, ignore, has_pull_secrets, ..WorkloadParts::default() })
}

/// Each image of each container once: roles of one object can share both. Where they differ in the pull policy alone,
/// the one that pulls less speaks.
fn distinct(containers: Vec<Container>) -> Vec<Container> {
    let mut all: Vec<Container> = Vec::with_capacity(containers.len());
    for container in containers {
        let known =
            all.iter_mut().find(|known| is_same_place(known, &container) && known.image == container.image);
        match known {
            Some(known) if known.effective_pull_policy() < container.effective_pull_policy() => {
                *known = container;
            }
            Some(_) => {}
            None => all.push(container),
        }
    }
    all
}

/// Annotations that are everywhere alike; where they differ, none count.
fn common(all: impl Iterator<Item = IgnoreAnnotations>) -> IgnoreAnnotations {
    IgnoreAnnotations::common(all).unwrap_or_default()
}

fn containers_of(shapes: &[CountedShape]) -> impl Iterator<Item = Container> {
    shapes.iter().flat_map(|(shape, _)| shape.containers())
}

/// The template's containers with what its pods show of each, and behind them the containers that only pods
/// have: injected sidecars and ephemeral containers.
fn with_pods(mut template: Vec<Container>, shapes: &[CountedShape]) -> Vec<Container> {
    let pods: Vec<(Vec<Container>, u32)> =
        shapes.iter().map(|(shape, pods)| (shape.containers(), *pods)).collect();
    let observed: Vec<_> = template.iter().map(|container| observe(container, &template, &pods)).collect();
    for (container, observed) in template.iter_mut().zip(observed) {
        container.observed = observed;
    }
    let added = pods
        .into_iter()
        .flat_map(|(containers, _)| containers)
        .filter(|candidate| !template.iter().any(|container| is_same_place(container, candidate)));
    let added = union(added);
    template.extend(added);
    template
}

/// What pods show of a container. Where several templates of one workload have a container of that name, a pod with the
/// image of another of them shows that other.
fn observe(
    container: &Container,
    all: &[Container],
    of_pods: &[(Vec<Container>, u32)],
) -> Option<ObservedPods> {
    let mut observed = ObservedPods::default();
    let is_anothers = |running: &Container| {
        let has_its_image = |other: &Container| is_same_place(other, running) && other.image == running.image;
        running.image != container.image && all.iter().any(has_its_image)
    };
    for (containers, pods) in of_pods {
        let Some(running) = containers.iter().find(|candidate| is_same_place(container, candidate)) else {
            continue;
        };
        if is_anothers(running) {
            continue;
        }
        observed.pods += pods;
        if running.written_pull_policy() == Some(PullPolicy::Always) {
            observed.always += pods;
        }
        if Reference::parse(running.image.raw()).is_ok_and(|reference| reference.digest().is_some()) {
            observed.by_digest += pods;
        }
    }
    (observed.pods > 0).then_some(observed)
}

fn is_same_place(one: &Container, other: &Container) -> bool {
    one.name == other.name && one.container_type == other.container_type
}

/// Each distinct image of each container once, in an order that does not depend on which pod came first. Where
/// pods differ in the pull policy alone, the one that pulls less speaks.
fn union(containers: impl Iterator<Item = Container>) -> Vec<Container> {
    let mut all: Vec<Container> = containers.collect();
    all.sort_by_cached_key(|container| {
        let Container { name, container_type, image, pull_policy, field_path: _, observed: _, drift: _ } =
            container;
        (*container_type, name.clone(), image.clone(), Reverse(pull_policy.clone()))
    });
    all.dedup_by(|a, b| is_same_place(a, b) && a.image == b.image);
    all
}

#[cfg(test)]
mod tests;
