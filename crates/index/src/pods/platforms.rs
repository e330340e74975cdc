//! Nodes, as far as pods are counted by their platforms: which digests are one image on which platform.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use tagwatch_core::drift::{Full, Platform};
use tagwatch_k8s::key::WorkloadKey;
use tagwatch_k8s::slim::NodeImages;

use super::nodes::NodeId;
use super::record::NamedPod;
use super::references::SameImages;
use super::{PodIndex, PodRecord};

/// How often digests that no pod runs are looked for to make room for digests of one image, in seconds.
pub(super) const MAKES_ROOM_EVERY: u32 = 60;

impl PodIndex {
    /// Takes a node in, and counts its pods.
    pub(crate) fn apply_node(
        &mut self,
        name: &str,
        platform: Option<&Platform>,
        images: &NodeImages,
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        let mut affected = self.apply_listed_node(name, platform, images, now);
        affected.extend(self.count_nodes(now));
        affected
    }

    /// Takes a node in: its platform, and which digests its runtime knows as one image or as several. Its pods are still to
    /// be counted.
    pub(crate) fn apply_listed_node(
        &mut self,
        name: &str,
        platform: Option<&Platform>,
        images: &NodeImages,
        now: u32,
    ) -> BTreeSet<WorkloadKey> {
        self.uncounted.extend(self.nodes.set_platform(name, platform));
        let lists_configurations = platform.is_some_and(Platform::lists_configurations);
        let platform = platform.and_then(|platform| self.nodes.intern_platform(platform));
        let mut news = BTreeSet::new();
        for digests in &images.of_one_image {
            news.extend(
                self.note_images(now, |same| same.merge(platform, digests.iter().map(String::as_str))),
            );
        }
        if let Some(platform) = platform.filter(|_| lists_configurations) {
            for images in &images.of_one_repository {
                let images: Vec<BTreeSet<&str>> =
                    images.iter().map(|digests| digests.iter().map(String::as_str).collect()).collect();
                news.extend(self.note_images(now, |same| same.set_apart(platform, &images)));
            }
        }
        if news.is_empty() {
            return BTreeSet::new();
        }
        let references = self.references.with_digests(&news);
        references.into_iter().flat_map(|reference| self.moved_differently(reference)).collect()
    }

    /// Counts the pods of nodes that were seen under the platforms that are known now.
    pub(crate) fn count_nodes(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        let nodes = std::mem::take(&mut self.uncounted);
        if nodes.is_empty() { BTreeSet::new() } else { self.count_anew(Some(&nodes), now) }
    }

    /// A node is gone. What ran on it ran on its platform all the same.
    pub(crate) fn delete_node(&mut self, name: &str) {
        if let Some(id) = self.nodes.find(name) {
            self.nodes.remove(id);
        }
    }

    /// The nodes that a complete list did not name are gone.
    pub(crate) fn retain_nodes(&mut self, listed: &HashSet<Box<str>>) {
        self.nodes.retain(listed);
    }

    /// Nothing is known of any node any more.
    pub(crate) fn forget_nodes(&mut self, now: u32) -> BTreeSet<WorkloadKey> {
        self.nodes.forget_platforms();
        self.count_anew(None, now)
    }

    /// Takes in which digests are one image on a platform, or several. Returns those of which that is news.
    fn note_images(
        &mut self,
        now: u32,
        note: impl Fn(&mut SameImages) -> Result<BTreeSet<Arc<str>>, Full>,
    ) -> BTreeSet<Arc<str>> {
        let noted = note(&mut self.same).or_else(|full| {
            if self.made_room.is_some_and(|made| now < made.saturating_add(MAKES_ROOM_EVERY)) {
                return Err(full);
            }
            if self.made_room.is_none() {
                tracing::warn!("nodes list more images than are compared; what no pod runs is forgotten");
            }
            self.made_room = Some(now);
            let known = self.references.digests();
            self.same.retain(|digest| known.contains(digest));
            note(&mut self.same)
        });
        // The node says so again in a while.
        noted.unwrap_or_default()
    }

    /// Counts the pods of these nodes, or of all, under the platforms that are known now.
    fn count_anew(&mut self, nodes: Option<&BTreeSet<NodeId>>, now: u32) -> BTreeSet<WorkloadKey> {
        let is_concerned = |record: &PodRecord| {
            nodes.is_none_or(|nodes| record.node.is_some_and(|node| nodes.contains(&node)))
        };
        let pods = self.pods.iter().flat_map(|(namespace, pods)| {
            pods.iter().map(move |NamedPod(record)| ((namespace, record.name.name()), record))
        });
        let concerned: BTreeMap<(Arc<str>, Box<str>), Arc<PodRecord>> = pods
            .filter(|(_, record)| is_concerned(record))
            .map(|((namespace, name), record)| ((Arc::clone(namespace), name.into()), Arc::clone(record)))
            .collect();
        let mut affected = BTreeSet::new();
        for ((namespace, _), before) in concerned {
            let platform = before.node.and_then(|node| self.nodes.platform_of(node));
            if platform == before.platform {
                continue;
            }
            let record = PodRecord { platform, ..PodRecord::clone(&before) };
            affected.extend(self.replace(&namespace, Some(before), record, now).evidence);
        }
        affected
    }
}
