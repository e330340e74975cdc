//! Images that are not judged: one note for each kind and file, and counts for the summary.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::kinds::group_of;
use tagwatch_core::text::UntrustedText;

use super::Note;
use crate::manifest::{Reason, Unjudged};

/// The kinds that hold images at places that are not read.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    kinds: BTreeSet<(String, UntrustedText)>,
}

impl Coverage {
    /// Adds the images of a file. Returns them with one entry for each kind and reason.
    pub(super) fn fold(&mut self, unjudged: impl Iterator<Item = Unjudged>) -> Vec<Unjudged> {
        let mut folded: BTreeMap<_, Unjudged> = BTreeMap::new();
        for unjudged in unjudged {
            if matches!(unjudged.reason, Reason::NotCovered { .. }) {
                let group = group_of(unjudged.api_version.raw()).to_owned();
                self.kinds.insert((group, unjudged.kind.clone()));
            }
            match folded.entry(unjudged.key()) {
                Entry::Occupied(mut known) => known.get_mut().merge(unjudged),
                Entry::Vacant(vacant) => drop(vacant.insert(unjudged)),
            }
        }
        folded.into_values().collect()
    }

    /// How many kinds there are.
    pub(super) fn kinds(&self) -> u64 {
        u64::try_from(self.kinds.len()).unwrap_or(u64::MAX)
    }
}

pub(super) fn note(file: &str, unjudged: &Unjudged) -> Note {
    Note::at(file, unjudged.at, unjudged.reason.code(), &unjudged.message())
}
