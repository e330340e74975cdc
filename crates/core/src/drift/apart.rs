//! Which digests are known to be different images.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::classes::Full;

/// Digests that nodes list as different images, by platform, in both directions. It stays true after the node is gone.
#[derive(Debug)]
pub(super) struct Apart<P> {
    platforms: BTreeMap<P, BTreeMap<Arc<str>, BTreeSet<Arc<str>>>>,
    pairs: usize,
}

impl<P> Default for Apart<P> {
    fn default() -> Self {
        Self { platforms: BTreeMap::new(), pairs: 0 }
    }
}

impl<P: Copy + Ord> Apart<P> {
    /// Most pairs of digests. A node lists 50 images, few of them of the same repository.
    pub(super) const MAX: usize = 40_000;

    /// Takes in the images that a node has of one repository, each with its digests. Returns the digests of which that is
    /// news.
    pub(super) fn insert(
        &mut self,
        platform: P,
        images: &[BTreeSet<&str>],
    ) -> Result<BTreeSet<Arc<str>>, Full> {
        let mut news = BTreeSet::new();
        for (at, image) in images.iter().enumerate() {
            for other in images.iter().skip(at + 1) {
                for (one, two) in image.iter().flat_map(|one| other.iter().map(move |two| (*one, *two))) {
                    if one != two && !self.contains(platform, one, two) {
                        news.extend(self.insert_pair(platform, one, two)?);
                    }
                }
            }
        }
        Ok(news)
    }

    fn insert_pair(&mut self, platform: P, one: &str, two: &str) -> Result<[Arc<str>; 2], Full> {
        if self.pairs == Self::MAX {
            return Err(Full);
        }
        self.pairs += 1;
        let digests = self.platforms.entry(platform).or_default();
        let [one, two] = [one, two].map(|digest| {
            digests.get_key_value(digest).map_or_else(|| Arc::from(digest), |(known, _)| Arc::clone(known))
        });
        digests.entry(Arc::clone(&one)).or_default().insert(Arc::clone(&two));
        digests.entry(Arc::clone(&two)).or_default().insert(Arc::clone(&one));
        Ok([one, two])
    }

    /// Whether a node lists these digests as different images.
    pub(super) fn contains(&self, platform: P, one: &str, other: &str) -> bool {
        let digests = self.platforms.get(&platform);
        digests.and_then(|digests| digests.get(one)).is_some_and(|others| others.contains(other))
    }

    /// Removes the pairs of which not both digests are wanted.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(P, &str) -> bool) {
        self.pairs = 0;
        for (platform, digests) in &mut self.platforms {
            digests.retain(|digest, _| is_wanted(*platform, digest));
            for others in digests.values_mut() {
                others.retain(|digest| is_wanted(*platform, digest));
                self.pairs += others.len();
            }
            digests.retain(|_, others| !others.is_empty());
        }
        // Each was counted in both directions.
        self.pairs /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images<'a>(all: &[&[&'a str]]) -> Vec<BTreeSet<&'a str>> {
        all.iter().map(|image| image.iter().copied().collect()).collect()
    }

    #[test]
    fn digests_of_one_image_are_no_pair() {
        let mut apart = Apart::default();
        let news = apart.insert("amd64", &images(&[&["a", "b"], &["c"], &["c", "d"]])).unwrap();
        assert_eq!(news, ["a", "b", "c", "d"].map(Into::into).into());
        for (one, other, expected) in
            [("a", "b", false), ("a", "c", true), ("d", "b", true), ("c", "d", true), ("a", "e", false)]
        {
            assert_eq!(apart.contains("amd64", one, other), expected, "{one} {other}");
            assert_eq!(apart.contains("amd64", other, one), expected, "{other} {one}");
            assert!(!apart.contains("arm64", one, other));
        }
        assert!(apart.insert("amd64", &images(&[&["d"], &["a"]])).unwrap().is_empty());
    }

    #[test]
    fn pairs_are_bounded_and_unwanted_ones_make_room() {
        let mut apart = Apart::default();
        let names: Vec<String> = (0..=Apart::<&str>::MAX).map(|at| format!("{at:05}")).collect();
        for name in names.iter().skip(1) {
            apart.insert("amd64", &images(&[&[&names[0]], &[name]])).unwrap();
        }
        assert_eq!(apart.insert("amd64", &images(&[&["x"], &["y"]])), Err(Full));
        assert!(apart.insert("amd64", &images(&[&["00001"], &["00000"]])).unwrap().is_empty());
        apart.retain(|_, digest| ["00000", "00007"].contains(&digest));
        assert!(apart.pairs == 1 && apart.contains("amd64", "00007", "00000"));
        assert_eq!(apart.insert("amd64", &images(&[&["x"], &["y"]])).unwrap().len(), 2);
    }
}
