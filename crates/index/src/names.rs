//! Texts by number: what a hundred thousand pods name is kept once.

use std::collections::HashMap;
use std::sync::Arc;

/// Names with a number and a value each. The number of a name that is removed is used again.
#[derive(Debug)]
pub(crate) struct NameTable<T> {
    ids: HashMap<Arc<str>, u32>,
    entries: Vec<Option<(Arc<str>, T)>>,
    free: Vec<u32>,
}

impl<T> Default for NameTable<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> NameTable<T> {
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    /// The number of a name, which gets this value where it is new.
    pub(crate) fn find_or_insert(&mut self, name: &str, value: impl FnOnce(&Arc<str>) -> T) -> u32 {
        if let Some(known) = self.find(name) {
            return known;
        }
        let name: Arc<str> = name.into();
        let entry = Some((Arc::clone(&name), value(&name)));
        let id = if let Some(id) = self.free.pop() {
            if let Some(free) = usize::try_from(id).ok().and_then(|at| self.entries.get_mut(at)) {
                *free = entry;
            }
            id
        } else {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        };
        self.ids.insert(name, id);
        id
    }

    pub(crate) fn get(&self, id: u32) -> Option<&T> {
        self.entry(id).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        let at = usize::try_from(id).ok()?;
        self.entries.get_mut(at)?.as_mut().map(|(_, value)| value)
    }

    /// The name of a number; empty where there is none.
    pub(crate) fn name(&self, id: u32) -> &str {
        self.entry(id).map_or("", |(name, _)| name)
    }

    pub(crate) fn remove(&mut self, id: u32) {
        let entry = usize::try_from(id).ok().and_then(|at| self.entries.get_mut(at));
        if let Some((name, _)) = entry.and_then(Option::take) {
            self.ids.remove(&name);
            self.free.push(id);
        }
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(u32, &T) -> bool) {
        let gone = self.iter().filter(|(id, value)| !keep(*id, value)).map(|(id, _)| id);
        for id in gone.collect::<Vec<_>>() {
            self.remove(id);
        }
    }

    /// Every value with its number, in the order of the numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.entries).filter_map(|(id, entry)| Some((id, &entry.as_ref()?.1)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        (0..).zip(&mut self.entries).filter_map(|(id, entry)| Some((id, &mut entry.as_mut()?.1)))
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    fn entry(&self, id: u32) -> Option<&(Arc<str>, T)> {
        self.entries.get(usize::try_from(id).ok()?)?.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_until_its_name_is_removed_and_is_used_again() {
        let mut names = NameTable::default();
        let (a, b) = (names.find_or_insert("a", |_| 1), names.find_or_insert("b", |_| 2));
        assert_eq!((names.find_or_insert("a", |_| 3), names.get(a)), (a, Some(&1)));
        names.retain(|_, value| *value == 2);
        assert_eq!((names.find("a"), names.name(a), names.get(a)), (None, "", None));
        assert_eq!(names.find_or_insert("c", |_| 4), a);
        assert_eq!((names.name(a), names.name(b), names.len()), ("c", "b", 2));
    }
}
