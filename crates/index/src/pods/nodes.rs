//! The nodes that pods run on, by number, with their platforms.

use std::collections::HashSet;
use std::num::NonZeroU32;

use tagwatch_core::drift::Platform;

use crate::names::NameTable;

/// Names that only pods mention which are kept at most. Nodes that exist have their places beside them: a user who may
/// create pods may name any node, and it takes other rights to create one.
const MAX_MENTIONED: usize = 100_000;

/// A node, by number plus one: an `Option` of it takes no more space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(NonZeroU32);

impl NodeId {
    fn of(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    fn number(self) -> u32 {
        self.0.get() - 1
    }
}

/// A platform, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PlatformId(u16);

/// Every node that exists, or that a live pod names.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    table: NameTable<NodeEntry>,
    platforms: Vec<Platform>,
    /// Entries that do not exist themselves.
    mentioned: usize,
}

#[derive(Debug, Default)]
struct NodeEntry {
    platform: Option<PlatformId>,
    /// It was seen itself, and is not known to be gone.
    exists: bool,
    /// Pods that are counted on it.
    pods: u32,
}

impl Nodes {
    /// The number of a node that a pod mentions; a new one for a name that is not known, unless pods mention too many that do
    /// not exist. A pod without a number gets one with its next change.
    pub(super) fn find_or_mention(&mut self, name: &str) -> Option<NodeId> {
        if let Some(id) = self.find(name) {
            return Some(id);
        }
        if self.mentioned >= MAX_MENTIONED {
            return None;
        }
        self.mentioned += 1;
        Some(NodeId::of(self.table.find_or_insert(name, |_| NodeEntry::default())))
    }

    /// The number of a node that is known.
    pub(super) fn find(&self, name: &str) -> Option<NodeId> {
        self.table.find(name).map(NodeId::of)
    }

    /// One more pod is counted on a node.
    pub(super) fn hold(&mut self, id: NodeId) {
        if let Some(node) = self.table.get_mut(id.number()) {
            node.pods += 1;
        }
    }

    /// A pod is no longer counted on a node.
    pub(super) fn release(&mut self, id: NodeId) {
        if let Some(node) = self.table.get_mut(id.number()) {
            node.pods = node.pods.saturating_sub(1);
        }
        self.free_unused(id);
    }

    /// A node is gone. What runs on it still runs on its platform, until its pods are gone, too.
    pub(super) fn remove(&mut self, id: NodeId) {
        if let Some(node) = self.table.get_mut(id.number())
            && std::mem::take(&mut node.exists)
        {
            self.mentioned += 1;
        }
        self.free_unused(id);
    }

    /// The nodes that a complete list did not name are gone.
    pub(super) fn retain(&mut self, listed: &HashSet<Box<str>>) {
        let existing = self.table.iter().filter(|(_, node)| node.exists).map(|(id, _)| id);
        let gone: Vec<u32> = existing.filter(|id| !listed.contains(self.table.name(*id))).collect();
        for id in gone {
            self.remove(NodeId::of(id));
        }
    }

    fn free_unused(&mut self, id: NodeId) {
        if self.table.get(id.number()).is_some_and(|node| !node.exists && node.pods == 0) {
            self.table.remove(id.number());
            self.mentioned = self.mentioned.saturating_sub(1);
        }
    }

    pub(crate) fn name(&self, id: NodeId) -> &str {
        self.table.name(id.number())
    }

    pub(super) fn platform_of(&self, id: NodeId) -> Option<PlatformId> {
        self.table.get(id.number())?.platform
    }

    /// Takes in a node that exists. Returns it where its pods have to be counted anew.
    pub(super) fn set_platform(&mut self, name: &str, platform: Option<&Platform>) -> Option<NodeId> {
        let platform = platform.and_then(|platform| self.intern_platform(platform));
        let number = self.table.find_or_insert(name, |_| {
            self.mentioned += 1;
            NodeEntry::default()
        });
        let node = self.table.get_mut(number)?;
        if !std::mem::replace(&mut node.exists, true) {
            self.mentioned = self.mentioned.saturating_sub(1);
        }
        let is_new = node.platform != platform;
        node.platform = platform;
        (is_new && node.pods > 0).then(|| NodeId::of(number))
    }

    /// Nothing is known of any node any more.
    pub(super) fn forget_platforms(&mut self) {
        for (_, node) in self.table.iter_mut() {
            node.platform = None;
        }
        self.retain(&HashSet::new());
    }

    /// The number of a platform. There are a handful; should there ever be thousands, the rest counts as unknown.
    pub(crate) fn intern_platform(&mut self, platform: &Platform) -> Option<PlatformId> {
        let at = self.platforms.iter().position(|known| known == platform);
        let at = at.unwrap_or_else(|| {
            self.platforms.push(platform.clone());
            self.platforms.len() - 1
        });
        u16::try_from(at).ok().map(PlatformId)
    }

    pub(crate) fn platform_name(&self, id: PlatformId) -> Option<&str> {
        self.platforms.get(usize::from(id.0)).map(Platform::as_str)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.table.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_only_pods_mention_take_no_place_of_nodes_that_exist() {
        let mut nodes = Nodes::default();
        let mention = |nodes: &mut Nodes, number: usize| nodes.find_or_mention(&format!("made-up-{number}"));
        let mentioned: Vec<NodeId> =
            (0..MAX_MENTIONED).map(|number| mention(&mut nodes, number).expect("room")).collect();
        for id in &mentioned {
            nodes.hold(*id);
        }
        assert_eq!(mention(&mut nodes, MAX_MENTIONED), None);
        // One that exists has its place all the same, and pods find it.
        let amd64 = Platform::new("linux", "amd64", "containerd://2.1.4").expect("a platform");
        assert_eq!(nodes.set_platform("real", Some(&amd64)), None, "no pods yet");
        let real = nodes.find_or_mention("real").expect("a place");
        assert!(nodes.platform_of(real).is_some());
        // A name that turns out to exist gives its place to another one, and takes one again once the node is gone.
        assert_eq!(nodes.set_platform("made-up-7", Some(&amd64)), Some(mentioned[7]));
        let other = mention(&mut nodes, MAX_MENTIONED).expect("room");
        nodes.hold(other);
        nodes.remove(mentioned[7]);
        nodes.remove(mentioned[7]);
        assert_eq!(nodes.mentioned, MAX_MENTIONED + 1);
        nodes.release(mentioned[7]);
        assert_eq!(mention(&mut nodes, MAX_MENTIONED + 1), None);
        nodes.release(other);
        assert!(mention(&mut nodes, MAX_MENTIONED + 1).is_some());
        nodes.remove(real);
        nodes.set_platform("real", None);
        nodes.retain(&HashSet::new());
        let left = nodes.table.iter().count();
        assert_eq!((nodes.find("real"), nodes.mentioned), (None, left));
    }
}
