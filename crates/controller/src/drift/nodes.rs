//! The nodes that pods run on, by number, with their platforms.

use std::collections::HashMap;
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

/// Every node that was ever named by a pod or seen itself.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    ids: HashMap<Arc<str>, NodeId>,
    entries: Vec<NodeEntry>,
    platforms: Vec<Platform>,
}

#[derive(Debug)]
struct NodeEntry {
    name: Arc<str>,
    platform: Option<PlatformId>,
}

impl Nodes {
    /// The number of a node; a new one for a name that was never seen. A cluster that replaces its nodes every day has
    /// ten thousand in a year; whoever may create pods may name any node, so there is a limit.
    pub(super) fn id(&mut self, name: &str) -> Option<NodeId> {
        if let Some(id) = self.ids.get(name) {
            return Some(*id);
        }
        let id = NodeId(u32::try_from(self.entries.len()).ok().filter(|next| *next < MAX)?);
        let name: Arc<str> = name.into();
        self.ids.insert(Arc::clone(&name), id);
        self.entries.push(NodeEntry { name, platform: None });
        Some(id)
    }

    pub(super) fn name(&self, id: NodeId) -> &str {
        self.entry(id).map_or("", |node| &node.name)
    }

    pub(super) fn platform_of(&self, id: NodeId) -> Option<PlatformId> {
        self.entry(id)?.platform
    }

    /// Sets what is known of a node. Returns whether that is something else than before.
    pub(super) fn set_platform(&mut self, id: NodeId, platform: Option<&Platform>) -> bool {
        let platform = platform.and_then(|platform| self.platform(platform));
        let Some(node) = usize::try_from(id.0).ok().and_then(|at| self.entries.get_mut(at)) else {
            return false;
        };
        let is_new = node.platform != platform;
        node.platform = platform;
        is_new
    }

    /// Nothing is known of any node any more.
    pub(super) fn forget_platforms(&mut self) {
        for node in &mut self.entries {
            node.platform = None;
        }
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
}
