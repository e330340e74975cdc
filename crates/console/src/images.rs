//! Issues grouped by image and by registry, for one caller.

use std::cmp::Reverse;
use std::collections::HashMap;

use tagwatch_core::issue::Issue;
use tagwatch_core::outcome::Severity;
use tagwatch_core::reference::Reference;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;

use crate::filter::{Filter, ImageFilter};
use crate::snapshot::WorkloadIssue;
use crate::view::View;

/// The open issues of one image, or of one registry.
#[derive(Debug, Clone)]
pub(crate) struct ImageGroup {
    pub(crate) name: GroupName,
    /// Workloads that have an issue with it.
    pub(crate) workloads: usize,
    /// Images of a registry; 1 for an image.
    pub(crate) images: usize,
    /// Open issues by severity, in the order of [`Severity::ALL`].
    pub(crate) severities: [usize; Severity::ALL.len()],
    /// The last workload that was counted.
    last: Option<usize>,
}

/// What the issues of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GroupName {
    Image {
        image: UntrustedText,
        registry: Option<UntrustedText>,
        class: TagClass,
    },
    /// `None` for images that do not parse.
    Registry(Option<UntrustedText>),
}

impl ImageGroup {
    fn new(name: GroupName, images: usize) -> Self {
        Self { name, workloads: 0, images, severities: [0; Severity::ALL.len()], last: None }
    }

    pub(crate) fn issues(&self) -> usize {
        self.severities.iter().sum()
    }

    pub(crate) fn of_severity(&self, severity: Severity) -> usize {
        let at = Severity::ALL.iter().position(|known| *known == severity);
        at.map_or(0, |at| self.severities[at])
    }

    fn add(&mut self, workload: usize, issue: &Issue) {
        if self.last != Some(workload) {
            self.last = Some(workload);
            self.workloads += 1;
        }
        if let Some(at) = Severity::ALL.iter().position(|known| *known == issue.severity) {
            self.severities[at] += 1;
        }
    }
}

/// The images with open issues that a filter admits, those of the most workloads first.
pub(crate) fn images(view: &View, filter: &ImageFilter) -> Vec<ImageGroup> {
    let name = |issue: &Issue, registry: Option<UntrustedText>| GroupName::Image {
        image: issue.image.clone(),
        registry,
        class: issue.tag_class,
    };
    grouped(view, filter, |image, _| image, name)
}

/// The same by registry.
pub(crate) fn registries(view: &View, filter: &ImageFilter) -> Vec<ImageGroup> {
    grouped(view, filter, |_, registry| registry, |_, registry| GroupName::Registry(registry))
}

/// Groups issues by one of the numbers of their image and of its registry. Each image is parsed once.
fn grouped(
    view: &View,
    filter: &ImageFilter,
    of: fn(usize, usize) -> usize,
    name: impl Fn(&Issue, Option<UntrustedText>) -> GroupName,
) -> Vec<ImageGroup> {
    let mut registries: HashMap<Option<UntrustedText>, usize> = HashMap::new();
    let mut images: HashMap<UntrustedText, Option<(usize, usize)>> = HashMap::new();
    let mut groups: Vec<Option<ImageGroup>> = Vec::new();
    let issues = filter.narrow(Filter::default());
    let is_narrow = issues.is_narrow();
    for (at, workload) in view.workloads().enumerate() {
        let admits = |issue: &&Issue| !is_narrow || issues.admits(WorkloadIssue { workload, issue });
        for issue in workload.open().filter(admits) {
            let count = images.len();
            let known = images.entry(issue.image.clone()).or_insert_with(|| {
                let registry = registry(&issue.image);
                if !filter.admits_registry(registry.as_ref()) {
                    return None;
                }
                let next = registries.len();
                let number = *registries.entry(registry.clone()).or_insert(next);
                let group = of(count, number);
                if groups.len() <= group {
                    groups.resize(group + 1, None);
                }
                let group = groups[group].get_or_insert_with(|| ImageGroup::new(name(issue, registry), 0));
                group.images += 1;
                Some((count, number))
            });
            if let Some((image, registry)) = *known
                && let Some(group) = groups.get_mut(of(image, registry)).and_then(Option::as_mut)
            {
                group.add(at, issue);
            }
        }
    }
    let mut groups: Vec<ImageGroup> = groups.into_iter().flatten().collect();
    groups.sort_by(|one, other| {
        let rank = |group: &ImageGroup| Reverse((group.workloads, group.issues()));
        rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name))
    });
    groups
}

/// The registry as references are normalised; `None` for an image that does not parse.
fn registry(image: &UntrustedText) -> Option<UntrustedText> {
    Reference::parse(image.raw()).ok().map(|reference| reference.registry().into())
}
