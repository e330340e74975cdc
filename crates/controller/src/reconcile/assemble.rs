//! From a key to the workload model: the template, what live pods add to it, and whether there is anything to
//! report at all (`rules.md`, section 3).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::workload::{Container, IgnoreAnnotations, ObservedPods, Origin, Workload, WorkloadId};
use tagwatch_k8s::kind::WatchedKind;
use tagwatch_k8s::slim::{PodImages, SlimCustom, SlimObject};

use crate::index::{Index, Node, NodeKind, Shape, Top, WorkloadKey};
use crate::stores::Stores;

/// How deep dependents are followed down from a workload; a CronJob's pods are two steps away.
const MAX_DEPTH: usize = 8;

/// What a key stands for at the moment.
#[derive(Debug)]
pub(crate) enum Assembled {
    /// A workload to be judged and reported.
    Workload(Workload),
    /// Nothing to report.
    Absent(Absence),
}

/// Why there is nothing to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// The object does not exist any more; garbage collection takes its report.
    Gone,
    /// The object is there, but it is finished, or reported under its controller, or runs nothing.
    NotReported,
}

/// What is known of a workload beside its name and its namespace.
#[derive(Debug, Default)]
struct Parts {
    containers: Vec<Container>,
    ignore: IgnoreAnnotations,
    template_ignore: IgnoreAnnotations,
    has_pull_secrets: bool,
    /// They come from a template in a custom resource, where nobody has filled in the pull policies.
    of_custom_resource: bool,
}

impl Parts {
    fn of(object: &(dyn SlimObject + Send + Sync)) -> Self {
        Self {
            containers: object.containers(),
            ignore: object.ignore(),
            template_ignore: object.template_ignore(),
            has_pull_secrets: object.images().is_some_and(PodImages::has_pull_secrets),
            of_custom_resource: false,
        }
    }

    fn of_custom(object: &SlimCustom) -> Self {
        Self {
            containers: distinct(object.containers()),
            ignore: object.ignore(),
            template_ignore: object.template_ignore(),
            has_pull_secrets: object.has_pull_secrets(),
            of_custom_resource: true,
        }
    }
}

/// Puts together what is to be judged under a key.
pub(crate) fn assemble(key: &WorkloadKey, index: &Index, stores: &Stores) -> Assembled {
    let parts = match WatchedKind::find(key.api_version(), key.kind()) {
        Some(WatchedKind::Pod) => from_pods_alone(index.pods.shapes(key)),
        Some(_) => from_template(key, index, stores),
        None => from_custom_kind(key, index, stores),
    };
    let Parts { containers, ignore, template_ignore, has_pull_secrets, of_custom_resource } = match parts {
        Ok(parts) => parts,
        Err(absence) => return Assembled::Absent(absence),
    };
    // The API server has filled in every pull policy of a built-in object.
    let origin = if of_custom_resource { Origin::Manifest } else { Origin::Cluster };
    Assembled::Workload(Workload {
        image_pull_secrets: has_pull_secrets,
        ignore,
        template_ignore,
        namespace: index.namespaces.get(key.namespace()).cloned(),
        ..Workload::new(workload_id(key), origin, containers)
    })
}

fn workload_id(key: &WorkloadKey) -> WorkloadId {
    WorkloadId {
        api_version: key.api_version().into(),
        kind: key.kind().into(),
        namespace: Some(key.namespace().into()),
        name: key.name().into(),
    }
}

fn from_pods_alone(shapes: &[(Shape, u32)]) -> Result<Parts, Absence> {
    let containers = union(containers_of(shapes).cloned());
    if containers.is_empty() {
        return Err(Absence::Gone);
    }
    let has_pull_secrets = shapes.iter().any(|(shape, _)| shape.has_pull_secrets);
    let ignore = common(shapes.iter().map(|(shape, _)| shape.ignore.clone()));
    Ok(Parts { containers, ignore, has_pull_secrets, ..Parts::default() })
}

fn from_template(key: &WorkloadKey, index: &Index, stores: &Stores) -> Result<Parts, Absence> {
    let object = stores.get(key).ok_or(Absence::Gone)?;
    if object.is_finished() || index.owners.top(key) != Top::Workload(key.clone()) {
        return Err(Absence::NotReported);
    }
    let mut shapes = Vec::new();
    collect_shapes(key, index, MAX_DEPTH, &mut shapes);
    Ok(joined(Parts::of(&*object), &shapes))
}

/// A template's parts with what its pods show and have besides.
fn joined(parts: Parts, shapes: &[(Shape, u32)]) -> Parts {
    Parts { containers: with_pods(parts.containers, shapes), ..parts }
}

/// An object of a custom kind: its own templates where it is watched and has any, else what its dependents lend.
fn from_custom_kind(key: &WorkloadKey, index: &Index, stores: &Stores) -> Result<Parts, Absence> {
    let object = index.custom.get(key);
    if index.owners.watches_custom(key) {
        index.owners.node(key).ok_or(Absence::Gone)?;
        let finished = object.is_some_and(SlimCustom::is_finished);
        if finished || index.owners.top(key) != Top::Workload(key.clone()) {
            return Err(Absence::NotReported);
        }
    }
    let Some(object) = object.filter(|object| object.has_template()) else {
        let ignore = object.map(SlimCustom::ignore).unwrap_or_default();
        return Ok(Parts { ignore, ..from_dependents(key, index, stores)? });
    };
    let mut shapes = Vec::new();
    collect_shapes(key, index, MAX_DEPTH, &mut shapes);
    Ok(joined(Parts::of_custom(object), &shapes))
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

/// What a dependent lends to its owner.
fn lent(node: &Node, index: &Index, stores: &Stores) -> Option<Parts> {
    let custom = index.custom.get(&node.key).map(Parts::of_custom);
    custom.or_else(|| stores.get(&node.key).map(|object| Parts::of(&*object)))
}

/// An owner of a kind that is not watched, or that has no template of its own: the templates that its dependents lend,
/// and its pods. Annotations of an owner that is not watched are not known.
fn from_dependents(key: &WorkloadKey, index: &Index, stores: &Stores) -> Result<Parts, Absence> {
    let lent: Vec<Parts> =
        lenders(key, index).into_iter().filter_map(|node| lent(node, index, stores)).collect();
    let template = union(lent.iter().flat_map(|parts| parts.containers.iter().cloned()));
    let mut shapes = Vec::new();
    collect_shapes(key, index, MAX_DEPTH, &mut shapes);
    let parts = if template.is_empty() {
        let Parts { containers, ignore, has_pull_secrets, .. } =
            from_pods_alone(&shapes).map_err(|_| Absence::NotReported)?;
        Parts { containers, template_ignore: ignore, has_pull_secrets, ..Parts::default() }
    } else {
        Parts {
            containers: with_pods(template, &shapes),
            template_ignore: common(lent.iter().map(|parts| parts.template_ignore.clone())),
            has_pull_secrets: lent.iter().any(|parts| parts.has_pull_secrets),
            of_custom_resource: lent.iter().any(|parts| parts.of_custom_resource),
            ..Parts::default()
        }
    };
    Ok(parts)
}

/// Annotations that stand everywhere alike; where they differ, none count.
fn common(all: impl Iterator<Item = IgnoreAnnotations>) -> IgnoreAnnotations {
    IgnoreAnnotations::common(all).unwrap_or_default()
}

fn containers_of(shapes: &[(Shape, u32)]) -> impl Iterator<Item = &Container> {
    shapes.iter().flat_map(|(shape, _)| shape.containers.iter())
}

/// The dependents whose template speaks for an owner that we do not watch: those that ask for pods, else, for
/// an owner scaled to zero, its newest ReplicaSet.
fn lenders<'a>(key: &WorkloadKey, index: &'a Index) -> Vec<&'a Node> {
    let children: Vec<&Node> = index.owners.children(key).collect();
    if children.iter().any(|node| node.wants_pods) {
        return children.into_iter().filter(|node| node.wants_pods).collect();
    }
    let newest = children
        .into_iter()
        .filter(|node| node.kind != NodeKind::BuiltIn(WatchedKind::Job))
        .max_by_key(|node| (node.revision, node.key.clone()));
    newest.into_iter().collect()
}

/// The shapes of the live pods under a workload. Of a Deployment's ReplicaSets, and of other dependents of one kind that
/// take each other's place, only the newest counts: pods of the one before say nothing of the template that is there
/// now.
fn collect_shapes(key: &WorkloadKey, index: &Index, depth: usize, into: &mut Vec<(Shape, u32)>) {
    into.extend_from_slice(index.pods.shapes(key));
    if depth == 0 {
        return;
    }
    let mut newest: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for child in index.owners.children(key) {
        let revision = newest.entry((child.key.group(), child.key.kind())).or_default();
        *revision = child.revision.max(*revision);
    }
    for child in index.owners.children(key) {
        if newest.get(&(child.key.group(), child.key.kind())) == Some(&child.revision) {
            collect_shapes(&child.key, index, depth - 1, into);
        }
    }
}

/// The template's containers with what its pods show of each, and behind them the containers that only pods
/// have: injected sidecars and ephemeral containers.
fn with_pods(mut template: Vec<Container>, shapes: &[(Shape, u32)]) -> Vec<Container> {
    let observed: Vec<_> = template.iter().map(|container| observe(container, &template, shapes)).collect();
    for (container, observed) in template.iter_mut().zip(observed) {
        container.observed = observed;
    }
    let added = containers_of(shapes)
        .filter(|candidate| !template.iter().any(|container| is_same_place(container, candidate)));
    let added = union(added.cloned());
    template.extend(added);
    template
}

/// What pods show of a container. Where several templates of one workload have a container of that name, a pod with the
/// image of another of them shows that other.
fn observe(container: &Container, all: &[Container], shapes: &[(Shape, u32)]) -> Option<ObservedPods> {
    let mut observed = ObservedPods::default();
    let is_anothers = |running: &Container| {
        let has_its_image = |other: &Container| is_same_place(other, running) && other.image == running.image;
        running.image != container.image && all.iter().any(has_its_image)
    };
    for (shape, pods) in shapes {
        let Some(running) = shape.containers.iter().find(|candidate| is_same_place(container, candidate))
        else {
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
#[path = "assemble_tests.rs"]
pub(crate) mod tests;
