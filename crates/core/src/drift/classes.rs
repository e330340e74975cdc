//! Which digests are one image, and when several of them prove that a tag moved.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use thiserror::Error;

use super::DriftConfidence;
use super::apart::Apart;

/// Digests that name one image: an index and the manifest of it that a node runs. A node lists both in one entry of
/// `status.images`. That two digests name one image stays true after the node is gone; so does that they name different
/// images, where a node lists both and not in one entry.
///
/// It is true on the node's platform alone: two indexes that share their manifest for one architecture are one image
/// there, and two on every other. For an unknown platform (`None`), the classes of all nodes apply.
#[derive(Debug)]
pub struct SameImage<P> {
    platforms: BTreeMap<Option<P>, Classes>,
    apart: Apart<P>,
}

/// There is no room for another digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("nodes list too many digests of one image, or images of one repository")]
pub struct Full;

impl<P> Default for SameImage<P> {
    fn default() -> Self {
        Self { platforms: BTreeMap::new(), apart: Apart::default() }
    }
}

impl<P: Copy + Ord> SameImage<P> {
    /// Most entries: one of each digest for its platform, and one for unknown platforms. A node lists 50 images, mostly
    /// the same ones as other nodes.
    pub const MAX: usize = 40_000;

    /// Merges the digests that one entry of a node's image list names. Returns the digests whose class changed.
    pub fn merge<'a>(
        &mut self,
        platform: Option<P>,
        digests: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeSet<Arc<str>>, Full> {
        let digests: BTreeSet<&str> = digests.into_iter().collect();
        let mut concerned = vec![None];
        concerned.extend(platform.map(Some));
        concerned.retain(|of| self.classes_of(*of, &digests).len() > 1);
        let added: usize = concerned.iter().map(|of| self.classes_of(*of, &digests).len() - 1).sum();
        if self.len() + added > Self::MAX {
            return Err(Full);
        }
        let mut changed = BTreeSet::new();
        if !concerned.is_empty() {
            let digests: Vec<Arc<str>> = digests.into_iter().map(Into::into).collect();
            for of in concerned {
                changed.extend(self.platforms.entry(of).or_default().merge(&digests));
            }
        }
        Ok(changed)
    }

    /// The digest that represents the class of this one on a platform.
    pub fn class_of<'a>(&'a self, platform: Option<P>, digest: &'a str) -> &'a str {
        self.platforms.get(&platform).map_or(digest, |classes| classes.class_of(digest))
    }

    /// Takes in the images that a node has of one repository, each with its digests. Returns the digests of which that is
    /// news.
    pub fn set_apart(&mut self, platform: P, images: &[BTreeSet<&str>]) -> Result<BTreeSet<Arc<str>>, Full> {
        self.apart.insert(platform, images)
    }

    /// Whether a node of a platform lists these digests as different images, and none lists them as one.
    pub fn are_apart(&self, platform: P, one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|digest| self.class_of(Some(platform), digest));
        let on = Some(platform);
        let mut pairs =
            self.members(on, one).flat_map(|one| self.members(on, other).map(move |other| (one, other)));
        one != other && pairs.any(|(one, other)| self.apart.contains(platform, one, other))
    }

    /// Removes the classes without a wanted digest, and what is known of different images that are not both wanted.
    pub fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        for classes in self.platforms.values_mut() {
            classes.retain(&is_wanted);
        }
        let mut apart = std::mem::take(&mut self.apart);
        apart.retain(|platform, digest| {
            self.members(Some(platform), self.class_of(Some(platform), digest)).any(&is_wanted)
        });
        self.apart = apart;
    }

    /// The digests of a class on a platform.
    fn members<'a>(&'a self, platform: Option<P>, class: &'a str) -> impl Iterator<Item = &'a str> {
        let classes = self.platforms.get(&platform);
        let others = classes.and_then(|classes| classes.others.get(class)).into_iter().flatten();
        std::iter::once(class).chain(others.map(|digest| &**digest))
    }

    fn len(&self) -> usize {
        self.platforms.values().map(|classes| classes.first.len()).sum()
    }

    /// Whether these digests look like those of several images: two classes do that have digests of one algorithm. An image
    /// has a digest of each algorithm, so two digests of different ones show nothing.
    fn are_several(&self, platform: Option<P>, digests: &BTreeSet<&str>) -> bool {
        let classes = self.classes_of(platform, digests);
        let members = classes.iter().flat_map(|class| self.algorithms(platform, class));
        let mut seen = BTreeSet::new();
        classes.len() > 1 && !members.into_iter().all(|algorithm| seen.insert(algorithm))
    }

    /// The algorithms of the digests of a class.
    fn algorithms<'a>(&'a self, platform: Option<P>, class: &'a str) -> BTreeSet<&'a str> {
        self.members(platform, class).map(algorithm).collect()
    }

    /// Whether two digests that differ show two images: both images have a digest of one algorithm.
    pub fn are_comparable(&self, platform: Option<P>, one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|digest| self.class_of(platform, digest));
        !self.algorithms(platform, one).is_disjoint(&self.algorithms(platform, other))
    }

    fn classes_of<'a>(&'a self, platform: Option<P>, digests: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
        digests.iter().map(|digest| self.class_of(platform, digest)).collect()
    }
}

/// The algorithm of a digest.
fn algorithm(digest: &str) -> &str {
    digest.split_once(':').map_or("", |(algorithm, _)| algorithm)
}

#[derive(Debug, Default)]
struct Classes {
    /// Each digest of a class but its first, with the first: the smallest by text, so that the order in which nodes
    /// are seen makes no difference.
    first: HashMap<Arc<str>, Arc<str>>,
    /// Each first with the others.
    others: HashMap<Arc<str>, Vec<Arc<str>>>,
}

impl Classes {
    /// Makes one class of those of these digests. Returns all of its digests.
    fn merge(&mut self, digests: &[Arc<str>]) -> Vec<Arc<str>> {
        let classes: BTreeSet<Arc<str>> =
            digests.iter().map(|digest| Arc::clone(self.first.get(digest).unwrap_or(digest))).collect();
        let mut classes = classes.into_iter();
        let Some(new) = classes.next() else { return Vec::new() };
        let mut members = self.others.remove(&new).unwrap_or_default();
        for old in classes {
            let moved = self.others.remove(&old).unwrap_or_default();
            for digest in std::iter::once(old).chain(moved) {
                self.first.insert(Arc::clone(&digest), Arc::clone(&new));
                members.push(digest);
            }
        }
        let all = std::iter::once(&new).chain(&members).cloned().collect();
        self.others.insert(new, members);
        all
    }

    fn class_of<'a>(&'a self, digest: &'a str) -> &'a str {
        self.first.get(digest).map_or(digest, |first| first)
    }

    fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        let Self { first, others } = self;
        others.retain(|class, members| {
            let stays = is_wanted(class) || members.iter().any(|digest| is_wanted(digest));
            if !stays {
                for digest in members {
                    first.remove(digest);
                }
            }
            stays
        });
    }
}

/// Whether digests of one reference are of two or more images, and with which confidence. Each is given with a platform
/// on which it ran; `None` is an unknown platform, which may be any.
///
/// Two digests alone prove nothing: both may be of indexes, and an index that is pushed again with fresh attestations has
/// the manifests of the one before. Only a node that has both images shows that they differ.
pub fn divided<'a, P: Copy + Ord>(
    same: &'a SameImage<P>,
    seen: impl IntoIterator<Item = (&'a str, Option<P>)>,
) -> Option<DriftConfidence> {
    let mut by_platform: BTreeMap<Option<P>, BTreeSet<&str>> = BTreeMap::new();
    for (digest, platform) in seen {
        by_platform.entry(platform).or_default().insert(digest);
    }
    let unknown = by_platform.remove(&None).unwrap_or_default();
    let differs = |ran: &BTreeSet<&'a str>| same.are_several(None, &ran.union(&unknown).copied().collect());
    let mut is_likely =
        same.are_several(None, &unknown) || (!unknown.is_empty() && by_platform.values().any(differs));
    for (platform, ran) in by_platform {
        let classes: Vec<&str> = same.classes_of(platform, &ran).into_iter().collect();
        is_likely |= same.are_several(platform, &ran);
        let mut pairs = classes
            .iter()
            .enumerate()
            .flat_map(|(at, one)| classes.iter().skip(at + 1).map(move |other| (*one, *other)));
        if platform.is_some_and(|on| pairs.any(|(one, other)| same.are_apart(on, one, other))) {
            return Some(DriftConfidence::Proven);
        }
    }
    is_likely.then_some(DriftConfidence::Likely)
}

/// Groups the digests of one reference by image: each with the digest that represents it, the first by text. Digests
/// are one image where any node lists them as one, unless both ran on a platform where they are two.
pub fn images<'a, P: Copy + Ord>(
    same: &SameImage<P>,
    seen: impl IntoIterator<Item = (&'a str, Option<P>)>,
) -> BTreeMap<&'a str, &'a str> {
    let mut ran: BTreeMap<&str, BTreeSet<Option<P>>> = BTreeMap::new();
    for (digest, platform) in seen {
        ran.entry(digest).or_default().insert(platform);
    }
    let is_one = |one: &str, other: &str| {
        let is_one_on = |platform: Option<P>| same.class_of(platform, one) == same.class_of(platform, other);
        is_one_on(None) && ran[one].intersection(&ran[other]).all(|platform| is_one_on(*platform))
    };
    let mut images: Vec<Vec<&str>> = Vec::new();
    for digest in ran.keys() {
        match images.iter_mut().find(|image| image.iter().all(|other| is_one(other, digest))) {
            Some(image) => image.push(digest),
            None => images.push(vec![digest]),
        }
    }
    images.iter().flat_map(|image| image.iter().map(|digest| (*digest, image[0]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Same = SameImage<&'static str>;

    const AMD64: Option<&str> = Some("amd64");
    const ARM64: Option<&str> = Some("arm64");

    fn alone<'a>(seen: impl IntoIterator<Item = (&'a str, Option<&'static str>)>) -> Option<DriftConfidence> {
        let seen: Vec<_> = seen.into_iter().collect();
        divided(&Same::default(), seen.iter().copied())
    }

    #[test]
    fn what_one_entry_names_is_one_class() {
        let mut same = Same::default();
        assert!(same.merge(AMD64, ["b"]).unwrap().is_empty());
        assert_eq!(same.merge(AMD64, ["c", "b"]), Ok(["b".into(), "c".into()].into()));
        assert!(same.merge(AMD64, ["b", "c"]).unwrap().is_empty());
        let class = |digest| same.class_of(AMD64, digest);
        assert_eq!((class("b"), class("c"), class("d")), ("b", "b", "d"));
        same.merge(AMD64, ["e", "f"]).unwrap();
        same.merge(AMD64, ["c", "e", "a"]).unwrap();
        for digest in ["a", "b", "c", "e", "f"] {
            assert_eq!(same.class_of(AMD64, digest), "a");
        }
    }

    #[test]
    fn a_class_is_one_on_its_platform_alone() {
        let mut same = Same::default();
        same.merge(ARM64, ["i1", "i2", "m"]).unwrap();
        assert_eq!((same.class_of(ARM64, "i2"), same.class_of(AMD64, "i2")), ("i1", "i2"));
        // An unknown node may be of either platform.
        assert_eq!(same.class_of(None, "i2"), "i1");
        // Only the platform's own class changes: the class for unknown platforms holds these digests already.
        assert_eq!(same.merge(AMD64, ["m", "i2"]), Ok(["i2".into(), "m".into()].into()));
        assert_eq!(same.class_of(AMD64, "i1"), "i1");
    }

    #[test]
    fn two_indexes_with_one_manifest_in_common_are_two_images_elsewhere() {
        let mut same = Same::default();
        same.merge(ARM64, ["i1", "i2", "m"]).unwrap();
        let seen = [("i1", AMD64), ("i2", AMD64), ("i1", ARM64), ("m", ARM64)];
        assert_eq!(divided(&same, seen), Some(DriftConfidence::Likely));
        same.set_apart("amd64", &[["i1"].into(), ["i2"].into()]).unwrap();
        assert_eq!(divided(&same, seen), Some(DriftConfidence::Proven));
        assert_eq!(images(&same, seen), [("i1", "i1"), ("i2", "i2"), ("m", "i1")].into());
        let seen = [("i1", AMD64), ("i2", ARM64), ("m", ARM64)];
        assert_eq!(divided(&same, seen), None);
        assert_eq!(images(&same, seen), [("i1", "i1"), ("i2", "i1"), ("m", "i1")].into());
        assert_eq!(divided(&same, [("i1", AMD64), ("i2", None)]), None);
        assert_eq!(divided(&same, [("i1", AMD64), ("x", None)]), Some(DriftConfidence::Likely));
    }

    #[test]
    fn a_full_set_makes_room_by_dropping_unwanted_classes() {
        let mut same = Same::default();
        let names: Vec<String> = (0..=Same::MAX).map(|at| format!("{at:05}")).collect();
        for pair in names.chunks_exact(2) {
            same.merge(AMD64, [pair[0].as_str(), pair[1].as_str()]).unwrap();
        }
        assert_eq!(same.merge(AMD64, ["x", "y"]), Err(Full));
        assert!(same.merge(AMD64, ["00000", "00001"]).unwrap().is_empty());
        same.retain(|digest| digest == "00001");
        assert_eq!(same.class_of(AMD64, "00001"), "00000");
        assert_eq!(same.class_of(AMD64, "00003"), "00003");
        assert_eq!(same.len(), 2);
        assert!(!same.merge(AMD64, ["x", "y"]).unwrap().is_empty());
    }

    /// Indexes that were pushed again with fresh attestations: the platform's manifest is equal.
    #[test]
    fn two_digests_on_one_platform_prove_nothing_by_themselves() {
        let likely = Some(DriftConfidence::Likely);
        assert_eq!(alone([("a", AMD64), ("b", AMD64)]), likely);
        assert_eq!(alone([("a", AMD64), ("b", ARM64), ("c", ARM64)]), likely);
        assert_eq!(alone([("a", AMD64), ("b", AMD64), ("c", None)]), likely);
    }

    #[test]
    fn a_node_that_has_both_images_proves_it() {
        let mut same = Same::default();
        assert_eq!(same.set_apart("arm64", &[["a"].into(), ["b"].into()]).unwrap().len(), 2);
        // On another platform they may have their manifest in common.
        assert_eq!(divided(&same, [("a", AMD64), ("b", AMD64)]), Some(DriftConfidence::Likely));
        assert_eq!(divided(&same, [("a", AMD64), ("b", ARM64)]), None);
        assert_eq!(divided(&same, [("a", None), ("b", None)]), Some(DriftConfidence::Likely));
        let ran = [("a", ARM64), ("b", ARM64)];
        assert_eq!(divided(&same, ran), Some(DriftConfidence::Proven));
        // It is proven of every digest of the two images.
        same.merge(ARM64, ["a", "a2"]).unwrap();
        same.merge(ARM64, ["b", "b2"]).unwrap();
        assert!(same.are_apart("arm64", "a2", "b2") && !same.are_apart("arm64", "a2", "c"));
        assert_eq!(divided(&same, [("a2", ARM64), ("b2", ARM64)]), Some(DriftConfidence::Proven));
        same.retain(|digest| digest == "a2" || digest == "b2");
        assert!(same.are_apart("arm64", "a2", "b2"));
        // A node that lists them as one image knows better.
        same.merge(ARM64, ["a", "b"]).unwrap();
        assert_eq!(divided(&same, ran), None);
        same.retain(|digest| digest == "a2");
        assert!(same.apart.contains("arm64", "a", "b"));
        same.retain(|digest| digest == "c");
        assert!(!same.apart.contains("arm64", "a", "b"));
    }

    /// An image has a digest of each algorithm, and runtimes name the one that it was pulled by.
    #[test]
    fn digests_of_two_algorithms_are_not_compared_without_a_node() {
        let likely = Some(DriftConfidence::Likely);
        for on in [AMD64, None] {
            assert_eq!(alone([("sha256:a", on), ("sha512:b", on)]), None);
            assert_eq!(alone([("sha256:a", on), ("sha512:b", on), ("sha512:c", on)]), likely);
        }
        assert_eq!(alone([("sha256:a", AMD64), ("sha512:b", None)]), None);
        assert_eq!(alone([("sha256:a", AMD64), ("sha512:b", None), ("sha256:c", None)]), likely);
        let ran = [("sha256:a", AMD64), ("sha512:b", AMD64)];
        let mut same = Same::default();
        same.set_apart("amd64", &[["sha256:a"].into(), ["sha512:b"].into()]).unwrap();
        assert_eq!(divided(&same, ran), Some(DriftConfidence::Proven));
        // A node that lists one of each as one image tells the third apart.
        let mut same = Same::default();
        same.merge(AMD64, ["sha256:a", "sha512:b"]).unwrap();
        assert_eq!(divided(&same, ran), None);
        assert_eq!(divided(&same, [("sha512:b", AMD64), ("sha256:c", AMD64)]), likely);
    }

    #[test]
    fn each_platform_has_an_image_of_its_own() {
        assert_eq!(alone([("a", AMD64), ("b", ARM64)]), None);
        assert_eq!(alone([("a", AMD64), ("a", ARM64)]), None);
        assert_eq!(alone([]), None);
    }

    #[test]
    fn an_unknown_node_may_be_of_any_platform() {
        let likely = Some(DriftConfidence::Likely);
        assert_eq!(alone([("a", None), ("b", None)]), likely);
        assert_eq!(alone([("a", AMD64), ("b", None)]), likely);
        assert_eq!(alone([("a", AMD64), ("a", None)]), None);
        assert_eq!(alone([("a", AMD64), ("b", ARM64), ("a", None)]), likely);
    }
}
