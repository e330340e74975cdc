//! Which digests are one image, and when several of them prove that a tag moved.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::DriftConfidence;

/// Digests that name one image: an index and the manifest of it that a node runs. A node lists both in one entry of
/// `status.images`. That two digests name one image stays true whatever becomes of the node.
#[derive(Debug, Default)]
pub struct SameImage {
    /// Each digest of a class but its first, with the first: the smallest by text, so that the order in which nodes
    /// are seen makes no difference.
    first: HashMap<Box<str>, Box<str>>,
    /// Each first with the others.
    others: HashMap<Box<str>, Vec<Box<str>>>,
}

impl SameImage {
    /// How many digests it holds at most. A cluster lists 50 images a node, mostly the same ones.
    pub const MAX: usize = 20_000;

    /// Takes in what one entry of a node's image list names. Returns the digests whose class is another now.
    pub fn merge<'a>(&mut self, digests: impl IntoIterator<Item = &'a str>) -> Vec<Box<str>> {
        let classes: BTreeSet<&str> = digests.into_iter().map(|digest| self.class_of(digest)).collect();
        if classes.len() < 2 || self.first.len() >= Self::MAX {
            return Vec::new();
        }
        let firsts: Vec<Box<str>> = classes.into_iter().map(Into::into).collect();
        let Some((new, merged)) = firsts.split_first() else { return Vec::new() };
        let mut members = self.others.remove(new).unwrap_or_default();
        let mut changed = vec![new.clone()];
        for old in merged {
            let moved = self.others.remove(old).unwrap_or_default();
            for digest in std::iter::once(old.clone()).chain(moved) {
                self.first.insert(digest.clone(), new.clone());
                changed.push(digest.clone());
                members.push(digest);
            }
        }
        self.others.insert(new.clone(), members);
        changed
    }

    /// The digest that stands for the class of this one.
    pub fn class_of<'a>(&'a self, digest: &'a str) -> &'a str {
        self.first.get(digest).map_or(digest, |first| first)
    }
}

/// Whether digests of one reference are of two or more images, and how surely. Each is given as its class with a
/// platform on which it ran; `None` is a platform that nobody knows, which may be any.
pub fn divided<'a, P: Ord>(seen: impl IntoIterator<Item = (&'a str, Option<P>)>) -> Option<DriftConfidence> {
    let mut by_platform: BTreeMap<Option<P>, BTreeSet<&str>> = BTreeMap::new();
    for (class, platform) in seen {
        by_platform.entry(platform).or_default().insert(class);
    }
    let unknown = by_platform.remove(&None).unwrap_or_default();
    if by_platform.values().any(|classes| classes.len() > 1) {
        return Some(DriftConfidence::Proven);
    }
    let differs = |classes: &BTreeSet<&str>| classes.union(&unknown).count() > 1;
    let is_likely = unknown.len() > 1 || (!unknown.is_empty() && by_platform.values().any(differs));
    is_likely.then_some(DriftConfidence::Likely)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_entry_names_is_one_class() {
        let mut same = SameImage::default();
        assert!(same.merge(["b"]).is_empty());
        assert_eq!(same.merge(["c", "b"]), ["b".into(), "c".into()]);
        assert!(same.merge(["b", "c"]).is_empty());
        assert_eq!((same.class_of("b"), same.class_of("c"), same.class_of("d")), ("b", "b", "d"));
        same.merge(["e", "f"]);
        same.merge(["c", "e", "a"]);
        for digest in ["a", "b", "c", "e", "f"] {
            assert_eq!(same.class_of(digest), "a");
        }
    }

    #[test]
    fn two_images_on_one_platform_prove_it() {
        let proven = Some(DriftConfidence::Proven);
        assert_eq!(divided([("a", Some("amd64")), ("b", Some("amd64"))]), proven);
        assert_eq!(divided([("a", Some("amd64")), ("b", Some("arm64")), ("c", Some("arm64"))]), proven);
        assert_eq!(divided([("a", Some("amd64")), ("b", Some("amd64")), ("c", None)]), proven);
    }

    #[test]
    fn each_platform_has_an_image_of_its_own() {
        assert_eq!(divided([("a", Some("amd64")), ("b", Some("arm64"))]), None);
        assert_eq!(divided([("a", Some("amd64")), ("a", Some("arm64"))]), None);
        assert_eq!(divided::<&str>([]), None);
    }

    #[test]
    fn a_node_that_nobody_knows_may_be_any() {
        let likely = Some(DriftConfidence::Likely);
        assert_eq!(divided::<&str>([("a", None), ("b", None)]), likely);
        assert_eq!(divided([("a", Some("amd64")), ("b", None)]), likely);
        assert_eq!(divided([("a", Some("amd64")), ("a", None)]), None);
        assert_eq!(divided([("a", Some("amd64")), ("b", Some("arm64")), ("a", None)]), likely);
    }
}
