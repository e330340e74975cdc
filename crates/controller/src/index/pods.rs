//! Pods, of which there can be a hundred thousand: only what judging their workload needs, with everything
//! that pods of one template share kept once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tagwatch_core::workload::{Container, IgnoreAnnotations};

use super::key::WorkloadKey;

/// What a pod says that its verdicts depend on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PodShape {
    /// Its containers, as its spec lists them.
    pub(crate) containers: Box<[Container]>,
    /// Its annotations that exempt: its own, or those of the template that it was made from.
    pub(crate) ignore: IgnoreAnnotations,
    /// Whether it names `imagePullSecrets`.
    pub(crate) has_pull_secrets: bool,
    /// Whether a kubelet runs it from a file of its own.
    pub(crate) is_mirror: bool,
}

/// Pods of one template share one.
pub(crate) type Shape = Arc<PodShape>;

/// A live pod: neither finished nor being deleted.
#[derive(Debug, Clone)]
pub(crate) struct PodEntry {
    /// What the pod counts for: its controller as the owner reference names it, else the pod itself.
    pub(crate) controller: WorkloadKey,
    /// What it says.
    pub(crate) shape: Shape,
}

/// Every live pod, by namespace and name and by controller.
#[derive(Debug, Default)]
pub(crate) struct PodIndex {
    pods: HashMap<Arc<str>, HashMap<Box<str>, PodEntry>>,
    controllers: HashMap<WorkloadKey, Shapes>,
    interned: HashSet<ShapeKey>,
}

/// The shapes that run under one controller, with the number of pods of each.
type Shapes = Vec<(Shape, u32)>;

/// Hashes a shape by content. `Container` has no hash of its own since nothing else needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ShapeKey(Shape);

impl std::hash::Hash for ShapeKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for container in &self.0.containers {
            container.name.hash(state);
            container.image.hash(state);
            container.pull_policy.hash(state);
        }
    }
}

impl PodIndex {
    /// Takes a live pod in. Returns the controllers for which another set of shapes runs now: pods that come
    /// and go with the same containers change no verdict.
    pub(crate) fn apply(
        &mut self,
        namespace: &str,
        name: &str,
        controller: WorkloadKey,
        shape: PodShape,
    ) -> Vec<WorkloadKey> {
        let shape = self.intern(shape);
        let controller = self.shared(controller);
        if let Some(entry) = self.pods.get(namespace).and_then(|pods| pods.get(name))
            && entry.controller == controller
            && Arc::ptr_eq(&entry.shape, &shape)
        {
            return Vec::new();
        }
        let mut changed = self.delete(namespace, name);
        if self.enter(&controller, &shape) && !changed.contains(&controller) {
            changed.push(controller.clone());
        }
        let namespace = self.namespace(namespace);
        self.pods.entry(namespace).or_default().insert(name.into(), PodEntry { controller, shape });
        changed
    }

    /// Forgets a pod that is gone, finished or being deleted.
    pub(crate) fn delete(&mut self, namespace: &str, name: &str) -> Vec<WorkloadKey> {
        let Some(pods) = self.pods.get_mut(namespace) else { return Vec::new() };
        let Some(PodEntry { controller, shape }) = pods.remove(name) else { return Vec::new() };
        if pods.is_empty() {
            self.pods.remove(namespace);
        }
        if self.leave(&controller, shape) { vec![controller] } else { Vec::new() }
    }

    /// Forgets every pod of the watched namespace (or of all) that a complete list did not name.
    pub(crate) fn retain(
        &mut self,
        scope: Option<&str>,
        listed: &HashSet<(Arc<str>, Box<str>)>,
    ) -> Vec<WorkloadKey> {
        let mut gone: Vec<(Arc<str>, Box<str>)> = Vec::new();
        for (namespace, pods) in by_name(&self.pods) {
            if scope.is_some_and(|only| only != &**namespace) {
                continue;
            }
            for name in by_name(pods).into_keys() {
                let key = (Arc::clone(namespace), name.clone());
                if !listed.contains(&key) {
                    gone.push(key);
                }
            }
        }
        gone.iter().flat_map(|(namespace, name)| self.delete(namespace, name)).collect()
    }

    /// The distinct shapes that run under a controller, with the number of pods of each.
    pub(crate) fn shapes(&self, controller: &WorkloadKey) -> &[(Shape, u32)] {
        self.controllers.get(controller).map_or(&[], Vec::as_slice)
    }

    /// Every controller that has a live pod.
    pub(crate) fn controllers(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.controllers.keys()
    }

    fn enter(&mut self, controller: &WorkloadKey, shape: &Shape) -> bool {
        let shapes = self.controllers.entry(controller.clone()).or_default();
        if let Some((_, pods)) = shapes.iter_mut().find(|(known, _)| Arc::ptr_eq(known, shape)) {
            *pods += 1;
            return false;
        }
        shapes.push((Arc::clone(shape), 1));
        true
    }

    fn leave(&mut self, controller: &WorkloadKey, shape: Shape) -> bool {
        let Some(shapes) = self.controllers.get_mut(controller) else { return false };
        let Some(at) = shapes.iter().position(|(known, _)| Arc::ptr_eq(known, &shape)) else { return false };
        shapes[at].1 -= 1;
        let last = shapes[at].1 == 0;
        if last {
            shapes.swap_remove(at);
        }
        if shapes.is_empty() {
            self.controllers.remove(controller);
        }
        self.release(shape);
        last
    }

    fn intern(&mut self, shape: PodShape) -> Shape {
        let key = ShapeKey(shape.into());
        if let Some(known) = self.interned.get(&key) {
            return Arc::clone(&known.0);
        }
        let shape = Arc::clone(&key.0);
        self.interned.insert(key);
        shape
    }

    /// Drops an interned shape that nothing but the intern table and the caller holds any more.
    fn release(&mut self, shape: Shape) {
        if Arc::strong_count(&shape) == 2 {
            self.interned.remove(&ShapeKey(shape));
        }
    }

    /// The key as it is held already, so that the pods of a controller share one.
    fn shared(&self, controller: WorkloadKey) -> WorkloadKey {
        self.controllers.get_key_value(&controller).map_or(controller, |(known, _)| known.clone())
    }

    fn namespace(&self, namespace: &str) -> Arc<str> {
        self.pods.get_key_value(namespace).map_or_else(|| namespace.into(), |(known, _)| Arc::clone(known))
    }
}

/// A map in the order of its keys: results must not depend on a hash seed.
fn by_name<K: Ord, V>(map: &HashMap<K, V>) -> BTreeMap<&K, &V> {
    map.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tagwatch_core::workload::ContainerType;

    fn owner(name: &str) -> WorkloadKey {
        WorkloadKey::new("apps/v1", "ReplicaSet", "shop", name, format!("uid-{name}"))
    }

    fn running(image: &str) -> PodShape {
        let container = Container {
            name: "web".into(),
            container_type: ContainerType::Container,
            image: image.into(),
            pull_policy: Some("IfNotPresent".into()),
            field_path: "spec.containers[0].image".to_owned(),
            observed: None,
            drift: None,
        };
        PodShape { containers: [container].into(), ..PodShape::default() }
    }

    #[test]
    fn only_a_new_set_of_shapes_is_a_change() {
        let mut index = PodIndex::default();
        assert_eq!(index.apply("shop", "a", owner("web"), running("nginx:1.27.3")), [owner("web")]);
        assert!(index.apply("shop", "a", owner("web"), running("nginx:1.27.3")).is_empty());
        assert!(index.apply("shop", "b", owner("web"), running("nginx:1.27.3")).is_empty());
        assert_eq!(index.shapes(&owner("web"))[0].1, 2);
        assert!(index.delete("shop", "a").is_empty());
        assert_eq!(index.delete("shop", "b"), [owner("web")]);
        assert!(index.shapes(&owner("web")).is_empty());
    }

    #[test]
    fn a_pod_that_changes_hands_tells_both_controllers() {
        let mut index = PodIndex::default();
        index.apply("shop", "a", owner("old"), running("nginx:1.27.3"));
        let changed = index.apply("shop", "a", owner("new"), running("nginx:1.27.3"));
        assert_eq!(changed, [owner("old"), owner("new")]);
    }

    #[test]
    fn a_complete_list_removes_what_it_does_not_name() {
        let mut index = PodIndex::default();
        index.apply("shop", "a", owner("web"), running("nginx:1.27.3"));
        index.apply("mail", "b", owner("smtp"), running("postfix:3.9.1"));
        let listed = HashSet::from([(Arc::from("mail"), Box::from("b"))]);
        assert!(index.retain(Some("mail"), &listed).is_empty());
        assert_eq!(index.retain(None, &listed), [owner("web")]);
        assert_eq!(index.controllers().collect::<Vec<_>>(), [&owner("smtp")]);
    }

    #[test]
    fn shapes_are_shared_and_dropped_with_their_last_pod() {
        let mut index = PodIndex::default();
        for pod in 0..100 {
            index.apply("shop", &pod.to_string(), owner("web"), running("nginx:1.27.3"));
        }
        assert_eq!(index.interned.len(), 1);
        for pod in 0..100 {
            index.delete("shop", &pod.to_string());
        }
        assert!(index.interned.is_empty() && index.pods.is_empty() && index.controllers.is_empty());
    }
}
