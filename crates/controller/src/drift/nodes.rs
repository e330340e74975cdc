//! The nodes that pods run on, by number, with their platforms.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tagwatch_core::drift::Platform;

/// Names of nodes that are kept at most.
const MAX: u32 = 100_000;

/// A node, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(u32);

/// A platform, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PlatformId(u16);

/// Every node that is there, or that a pod which is there names.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    ids: HashMap<Arc<str>, NodeId>,
    entries: Vec<NodeEntry>,
    free: Vec<NodeId>,
    platforms: Vec<Platform>,
}

#[derive(Debug)]
struct NodeEntry {
    name: Arc<str>,
    platform: Option<PlatformId>,
    /// It was seen itself, and is not known to be gone.
    exists: bool,
    /// Pods that are counted on it.
    pods: u32,
}

impl Nodes {
    /// The number of a node; a new one for a name that is not known. Whoever may create pods may name any node, so
    /// there is a limit.
    pub(super) fn id(&mut self, name: &str) -> Option<NodeId> {
        if let Some(id) = self.find(name) {
            return Some(id);
        }
        let entry = NodeEntry { name: name.into(), platform: None, exists: false, pods: 0 };
        let name = Arc::clone(&entry.name);
        let id = if let Some(id) = self.free.pop() {
            *self.entry_mut(id)? = entry;
            id
        } else {
            let next = u32::try_from(self.entries.len()).ok().filter(|next| *next < MAX)?;
            self.entries.push(entry);
            NodeId(next)
        };
        self.ids.insert(name, id);
        Some(id)
    }

    /// The number of a node that is known.
    pub(super) fn find(&self, name: &str) -> Option<NodeId> {
        self.ids.get(name).copied()
    }

    /// One more pod is counted on a node.
    pub(super) fn hold(&mut self, id: NodeId) {
        if let Some(node) = self.entry_mut(id) {
            node.pods += 1;
        }
    }

    /// A pod is no longer counted on a node.
    pub(super) fn release(&mut self, id: NodeId) {
        if let Some(node) = self.entry_mut(id) {
            node.pods = node.pods.saturating_sub(1);
        }
        self.free_unused(id);
    }

    /// A node is gone. What runs on it runs on its platform all the same, until it is gone, too.
    pub(super) fn remove(&mut self, id: NodeId) {
        if let Some(node) = self.entry_mut(id) {
            node.exists = false;
        }
        self.free_unused(id);
    }

    /// The nodes that a complete list did not name are gone.
    pub(super) fn retain(&mut self, listed: &HashSet<Box<str>>) {
        for id in (0..).map(NodeId).take(self.entries.len()) {
            if self.entry(id).is_some_and(|node| node.exists && !listed.contains(&*node.name)) {
                self.remove(id);
            }
        }
    }

    fn free_unused(&mut self, id: NodeId) {
        let Some(node) = self.entry_mut(id).filter(|node| !node.exists && node.pods == 0) else { return };
        let name = std::mem::take(&mut node.name);
        node.platform = None;
        if self.ids.remove(&name).is_some() {
            self.free.push(id);
        }
    }

    pub(super) fn name(&self, id: NodeId) -> &str {
        self.entry(id).map_or("", |node| &node.name)
    }

    pub(super) fn platform_of(&self, id: NodeId) -> Option<PlatformId> {
        self.entry(id)?.platform
    }

    /// Sets what is known of a node that is there. Returns whether pods have to be counted anew.
    pub(super) fn set_platform(&mut self, id: NodeId, platform: Option<&Platform>) -> bool {
        let platform = platform.and_then(|platform| self.platform(platform));
        let Some(node) = self.entry_mut(id) else { return false };
        node.exists = true;
        let is_new = node.platform != platform;
        node.platform = platform;
        is_new && node.pods > 0
    }

    /// Nothing is known of any node any more.
    pub(super) fn forget_platforms(&mut self) {
        for node in &mut self.entries {
            node.platform = None;
        }
        self.retain(&HashSet::new());
    }

    /// The number of a platform. There are a handful; should there ever be thousands, the rest counts as unknown.
    pub(super) fn platform(&mut self, platform: &Platform) -> Option<PlatformId> {
        let at = self.platforms.iter().position(|known| known == platform);
        let at = at.unwrap_or_else(|| {
            self.platforms.push(platform.clone());
            self.platforms.len() - 1
        });
        u16::try_from(at).ok().map(PlatformId)
    }

    pub(super) fn platform_name(&self, id: PlatformId) -> Option<&str> {
        self.platforms.get(usize::from(id.0)).map(Platform::as_str)
    }

    fn entry(&self, id: NodeId) -> Option<&NodeEntry> {
        self.entries.get(usize::try_from(id.0).ok()?)
    }

    fn entry_mut(&mut self, id: NodeId) -> Option<&mut NodeEntry> {
        self.entries.get_mut(usize::try_from(id.0).ok()?)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }
}
