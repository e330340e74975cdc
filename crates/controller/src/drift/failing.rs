//! Images that nodes do not get, as the specs of pods name them: they may be no references at all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// An image that a node does not get, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ImageId(u32);

/// Those that some pod waits for.
#[derive(Debug, Default)]
pub(super) struct FailingImages {
    ids: HashMap<Arc<str>, ImageId>,
    names: HashMap<ImageId, Arc<str>>,
    next: u32,
}

impl FailingImages {
    /// The number of an image.
    pub(super) fn id(&mut self, image: &str) -> ImageId {
        if let Some(known) = self.ids.get(image) {
            return *known;
        }
        let (id, name) = (ImageId(self.next), Arc::<str>::from(image));
        self.next = self.next.wrapping_add(1);
        self.ids.insert(Arc::clone(&name), id);
        self.names.insert(id, name);
        id
    }

    /// What a pod's spec names.
    pub(super) fn name(&self, id: ImageId) -> &str {
        self.names.get(&id).map_or("", |name| name)
    }

    /// Forgets all but these.
    pub(super) fn keep(&mut self, used: &BTreeSet<ImageId>) {
        self.ids.retain(|_, id| used.contains(id));
        self.names.retain(|id, _| used.contains(id));
    }
}
