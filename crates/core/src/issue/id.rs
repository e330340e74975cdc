//! The keys of results.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use sha2::{Digest, Sha256};

use super::Issue;
use crate::finding::Finding;
use crate::outcome::Outcome;
use crate::rules::RuleMeta;
use crate::text::UntrustedText;
use crate::workload::{Container, ContainerType};

/// First part of every key: the `source` of our results.
const SOURCE: &str = "tagwatch";

/// Key of a result: the first 20 hex digits of a SHA-256 over its parts.
///
/// policy-reporter takes it as the key, drops duplicates silently, and sends no notification when a pass turns
/// into a fail under the same key; so the outcome is one of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultId([u8; 10]);

impl ResultId {
    /// Hashes the parts, each with its length, so that no two lists of parts run together.
    fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut id = [0; 10];
        id.copy_from_slice(&digest[..10]);
        Self(id)
    }

    /// Reads a key from a stored report; `None` for anything but 20 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 20 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut id = [0; 10];
        for (byte, index) in id.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(text.get(index..index + 2)?, 16).ok()?;
        }
        Some(Self(id))
    }
}

/// 20 lower-case hex digits.
impl fmt::Display for ResultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().fold(String::with_capacity(20), |mut digits, byte| {
            // Writing to a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        f.write_str(&digits)
    }
}

/// Gives the results of a workload their keys.
#[derive(Debug)]
pub struct ResultKeys<'a> {
    uid: &'a str,
    /// Containers by name that run several images, so that the image is part of their keys.
    several: BTreeSet<(ContainerType, &'a UntrustedText)>,
    /// Images that only pods name: theirs have the image in their keys, so that the keys of the template's own stay.
    of_pods: BTreeSet<(ContainerType, &'a UntrustedText, &'a UntrustedText)>,
}

impl<'a> ResultKeys<'a> {
    /// For the results about these containers of the object with this UID.
    pub fn new(uid: &'a str, containers: &'a [Container]) -> Self {
        let of_pods = containers.iter().filter(|container| container.is_of_pods());
        let of_pods = of_pods.map(|found| (found.container_type, &found.name, &found.image)).collect();
        Self { uid, several: names_with_several_images(containers), of_pods }
    }

    /// The key of a finding about one of the containers.
    pub fn of(&self, container: &Container, finding: &Finding) -> ResultId {
        let Container { container_type, name, image, .. } = container;
        self.key(finding.rule, finding.outcome, (*container_type, name), image)
    }

    /// The keys that a result has under every other outcome: it had one of them if its outcome has changed.
    pub fn under_other_outcomes(&self, issue: &Issue) -> impl Iterator<Item = ResultId> {
        let others = Outcome::ALL.into_iter().filter(|other| *other != issue.outcome);
        others.map(|other| self.under_outcome(issue, other))
    }

    /// The key that a result has under an outcome.
    pub fn under_outcome(&self, issue: &Issue, outcome: Outcome) -> ResultId {
        let Issue { rule, container, container_type, image, .. } = issue;
        self.key(rule, outcome, (*container_type, container), image)
    }

    /// The key that a result had under an outcome if its container's name ran one image before and runs several now, or the
    /// other way round; also where its image was that of the template and is that of pods alone now.
    pub fn under_other_images(&self, issue: &Issue, outcome: Outcome) -> ResultId {
        let Issue { rule, container, container_type, image, .. } = issue;
        let name = (*container_type, container);
        let had_image = !self.names_image(name, image);
        self.key_of(rule, outcome, name, had_image.then_some(image))
    }

    fn key(
        &self,
        rule: &RuleMeta,
        outcome: Outcome,
        name: (ContainerType, &UntrustedText),
        image: &UntrustedText,
    ) -> ResultId {
        self.key_of(rule, outcome, name, self.names_image(name, image).then_some(image))
    }

    /// Whether the image is part of the keys of its results.
    fn names_image(&self, name: (ContainerType, &UntrustedText), image: &UntrustedText) -> bool {
        self.several.contains(&name) || self.of_pods.contains(&(name.0, name.1, image))
    }

    fn key_of(
        &self,
        rule: &RuleMeta,
        outcome: Outcome,
        name: (ContainerType, &UntrustedText),
        image: Option<&UntrustedText>,
    ) -> ResultId {
        let image = image.map(UntrustedText::raw);
        let (container_type, name) = (name.0.as_str(), name.1.raw());
        let parts = [SOURCE, self.uid, rule.group.as_str(), rule.id, container_type, name, outcome.as_str()];
        ResultId::of(&parts.into_iter().chain(image).collect::<Vec<_>>())
    }
}

/// Pods of one workload can run different images under one container name.
fn names_with_several_images(containers: &[Container]) -> BTreeSet<(ContainerType, &UntrustedText)> {
    let mut first = BTreeMap::new();
    containers
        .iter()
        .filter(|container| !container.is_of_pods())
        .map(|container| ((container.container_type, &container.name), &container.image))
        .filter(|(name, image)| first.entry(*name).or_insert(*image) != image)
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::DriftEvidence;

    #[test]
    fn prints_what_it_parses() {
        let id = ResultId::of(&["tagwatch", "image-tag"]);
        assert_eq!(ResultId::parse(&id.to_string()), Some(id));
        assert_eq!(id.to_string().len(), 20);
    }

    #[test]
    fn an_image_of_pods_changes_no_key_of_the_template() {
        let container = |image: &str, template_image: Option<&str>| Container {
            name: "web".into(),
            container_type: ContainerType::Container,
            image: image.into(),
            pull_policy: None,
            field_path: String::new(),
            observed: None,
            drift: template_image.map(|image| {
                DriftEvidence { template_image: Some(image.into()), ..DriftEvidence::default() }.into()
            }),
        };
        let key = |containers: &[Container], at: usize| {
            let rule = crate::rules::all().next().unwrap();
            let keys = ResultKeys::new("uid", containers);
            keys.key(
                rule,
                Outcome::Fail,
                (ContainerType::Container, &containers[at].name),
                &containers[at].image,
            )
        };
        let own = [container("web:1", None)];
        let both = [container("web:1", None), container("web:2", Some("web:1"))];
        assert_eq!(key(&own, 0), key(&both, 0));
        assert_ne!(key(&both, 0), key(&both, 1));
    }

    #[test]
    fn anything_else_does_not_parse() {
        for text in ["", "0123456789abcdef012", "0123456789abcdef0123x", "+1+1+1+1+1+1+1+1+1+1", "éééééééééé"]
        {
            assert_eq!(ResultId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(ResultId::of(&["ab", "c"]), ResultId::of(&["a", "bc"]));
        assert_ne!(ResultId::of(&["a", ""]), ResultId::of(&["a"]));
    }
}
