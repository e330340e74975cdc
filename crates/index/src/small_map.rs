//! Maps of which there is one for each controller and each reference: most hold a handful of entries, and one holds as many
//! as a user makes of it.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// Up to this many entries are kept in a list, which takes less memory than a node of a tree.
const MAX_SHORT: usize = 16;

/// A map in the order of its keys.
#[derive(Debug)]
pub(crate) enum SmallMap<K, V> {
    /// Sorted.
    Short(Vec<(K, V)>),
    Long(BTreeMap<K, V>),
}

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self::Short(Vec::new())
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Short(list) => {
                let at = list.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
                list.get_mut(at).map(|(_, value)| value)
            }
            Self::Long(map) => map.get_mut(key),
        }
    }

    /// Sets the value of a key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self {
            Self::Short(list) => {
                match list.binary_search_by(|(known, _)| known.cmp(&key)) {
                    Ok(at) => list[at] = (key, value),
                    Err(at) => {
                        // Most hold one for good.
                        list.reserve_exact(1);
                        list.insert(at, (key, value));
                    }
                }
                if list.len() > MAX_SHORT {
                    *self = Self::Long(std::mem::take(list).into_iter().collect());
                }
            }
            Self::Long(map) => {
                map.remove(&key);
                map.insert(key, value);
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Short(list) => {
                let at = list.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()?;
                Some(list.remove(at).1)
            }
            Self::Long(map) => map.remove(key),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Short(list) => list.is_empty(),
            Self::Long(map) => map.is_empty(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (short, long) = (self.list(), self.tree());
        short.iter().map(|(key, value)| (key, value)).chain(long.into_iter().flatten())
    }

    /// The entries from this key on.
    pub(crate) fn iter_from<'a>(&'a self, first: &K) -> impl Iterator<Item = (&'a K, &'a V)> {
        let (short, long) = (self.list(), self.tree());
        let short = &short[short.partition_point(|(key, _)| key < first)..];
        let long = long.map(|map| map.range(first..));
        short.iter().map(|(key, value)| (key, value)).chain(long.into_iter().flatten())
    }

    /// The entries of a short map.
    fn list(&self) -> &[(K, V)] {
        match self {
            Self::Short(list) => list,
            Self::Long(_) => &[],
        }
    }

    /// Those of a long one.
    fn tree(&self) -> Option<&BTreeMap<K, V>> {
        match self {
            Self::Short(_) => None,
            Self::Long(map) => Some(map),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_the_same_whatever_its_length() {
        for length in [MAX_SHORT, 4 * MAX_SHORT] {
            let mut map = SmallMap::default();
            for key in (0..length).rev().chain(0..length) {
                map.insert(key, key + 1);
            }
            assert_eq!(matches!(map, SmallMap::Short(_)), length == MAX_SHORT);
            assert_eq!(map.remove(&3), Some(4));
            assert_eq!((map.remove(&3), map.get_mut(&4)), (None, Some(&mut 5)));
            let keys: Vec<usize> = map.iter().map(|(key, _)| *key).collect();
            assert_eq!(keys, (0..length).filter(|key| *key != 3).collect::<Vec<_>>());
            assert_eq!(
                map.iter_from(&3).map(|(key, _)| *key).collect::<Vec<_>>(),
                (4..length).collect::<Vec<_>>()
            );
            for key in keys {
                map.remove(&key);
            }
            assert!(map.is_empty());
        }
    }
}
