//! Reports with the label of tagwatch that are not ours.

use std::collections::BTreeMap;

use tagwatch_k8s::report::ReportOwner;

use crate::state::report_key::ReportKey;

/// Reports that name no instance, and those of other instances, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strays {
    owners: BTreeMap<ReportKey, ReportOwner>,
    /// How many of them name no instance.
    unassigned: usize,
}

impl Strays {
    /// Sets whose a report is. Returns whether anything has changed.
    pub(super) fn set(&mut self, key: &ReportKey, owner: ReportOwner) -> bool {
        if matches!(owner, ReportOwner::Ours | ReportOwner::Engine) {
            return self.remove(key);
        }
        if self.owners.get(key) == Some(&owner) {
            return false;
        }
        self.remove(key);
        self.unassigned += usize::from(owner == ReportOwner::Unassigned);
        self.owners.insert(key.clone(), owner);
        true
    }

    /// Forgets a report. Returns whether it was a stray.
    pub(super) fn remove(&mut self, key: &ReportKey) -> bool {
        let removed = self.owners.remove(key);
        self.unassigned -= usize::from(removed == Some(ReportOwner::Unassigned));
        removed.is_some()
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&ReportKey) -> bool) {
        self.owners.retain(|key, _| stays(key));
        self.unassigned = self.owners.values().filter(|owner| **owner == ReportOwner::Unassigned).count();
    }

    pub(super) fn contains(&self, key: &ReportKey) -> bool {
        self.owners.contains_key(key)
    }

    /// Reports that name no instance, and reports of other instances.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.unassigned, self.owners.len() - self.unassigned)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ReportKey, &ReportOwner)> {
        self.owners.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_stray_until_it_is_ours_or_gone() {
        let (one, two) = (ReportKey::new("shop", "one"), ReportKey::new("shop", "two"));
        let mut strays = Strays::default();
        assert!(strays.set(&one, ReportOwner::Unassigned));
        assert!(!strays.set(&one, ReportOwner::Unassigned), "no news");
        assert!(strays.set(&two, ReportOwner::Instance("another".into())));
        assert_eq!(strays.counts(), (1, 1));
        assert!(strays.set(&one, ReportOwner::Ours));
        assert!(!strays.set(&one, ReportOwner::Engine));
        assert!(strays.set(&two, ReportOwner::Unassigned));
        assert_eq!(strays.counts(), (1, 0));
        strays.retain(|key| *key != two);
        assert!(!strays.remove(&two));
        assert_eq!((strays.counts(), strays.iter().count()), ((0, 0), 0));
    }
}
