//! What a change of a container closes. Each change is tried: the engine judges the container as it would be.

use std::collections::{BTreeMap, BTreeSet};

use tagwatch_core::engine::Engine;
use tagwatch_core::finding::Verdict;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::rules::{self, RuleGroup, ids};
use tagwatch_core::workload::{Container, Workload};

/// A change of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContainerChange {
    /// Whether a digest is added to the image.
    pub(crate) pins: bool,
    /// The pull policy that is written.
    pub(crate) pull_policy: Option<PullPolicy>,
}

const PULLED: ContainerChange = ContainerChange { pins: false, pull_policy: Some(PullPolicy::Always) };
const CACHED: ContainerChange = ContainerChange { pins: false, pull_policy: Some(PullPolicy::IfNotPresent) };

/// The changes that are tried, in the order in which they are preferred.
const CHANGES: [ContainerChange; 5] = [
    ContainerChange { pins: true, pull_policy: None },
    PULLED,
    CACHED,
    ContainerChange { pins: true, pull_policy: Some(PullPolicy::IfNotPresent) },
    ContainerChange { pins: true, pull_policy: Some(PullPolicy::Always) },
];

/// A set of [`CHANGES`], a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ChangeSet(u8);

impl ChangeSet {
    fn insert(&mut self, at: usize) {
        self.0 |= 1 << at;
    }

    /// In the order in which they are preferred.
    pub(crate) fn iter(self) -> impl Iterator<Item = ContainerChange> {
        CHANGES
            .into_iter()
            .enumerate()
            .filter(move |(at, _)| self.0 & (1 << at) != 0)
            .map(|(_, change)| change)
    }
}

/// A change of a container, and the issues that it closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerFix {
    /// Whether a digest is added to the image.
    pub pins: bool,
    /// The pull policy that is written.
    pub pull_policy: Option<PullPolicy>,
    /// The rules that are no longer violated then, in order.
    pub closes: Box<[&'static str]>,
}

impl ContainerFix {
    pub(crate) fn change(&self) -> ContainerChange {
        ContainerChange { pins: self.pins, pull_policy: self.pull_policy }
    }
}

/// For each rule with a result about a container, exempt ones too, the changes that close it and violate no other rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ClosingChanges(Box<[(&'static str, ChangeSet)]>);

impl ClosingChanges {
    /// Those that close the issue of a rule, in the order in which they are preferred.
    pub(crate) fn of(&self, rule: &str) -> impl Iterator<Item = ContainerChange> {
        let found = self.0.iter().find(|(known, _)| *known == rule);
        found.map(|(_, changes)| *changes).unwrap_or_default().iter()
    }
}

/// The image without a digest, as it is named in front of one. The tag stays, unless it is `latest`, which says nothing
/// beside a digest. `None` for what has a digest, or does not parse.
pub(crate) fn name_to_pin(image: &str) -> Option<&str> {
    let reference = Reference::parse(image).ok().filter(|reference| reference.digest().is_none())?;
    if reference.tag() == Some("latest") { image.strip_suffix(":latest") } else { Some(image) }
}

/// What is known of a container while changes are tried.
struct Trial {
    /// Where it is among the containers of the workload.
    at: usize,
    open: BTreeSet<&'static str>,
    /// Those, and the exempt ones.
    found: BTreeSet<&'static str>,
    /// Whether the same reference can name another image later.
    is_mutable: bool,
    best: Option<ContainerFix>,
    closing: BTreeMap<&'static str, ChangeSet>,
}

impl Trial {
    fn new(verdict: &Verdict) -> Self {
        let (open, found) = (open_rules(verdict), found_rules(verdict));
        let is_mutable = verdict.classification.class.is_mutable();
        Self { at: verdict.container, open, found, is_mutable, best: None, closing: BTreeMap::new() }
    }

    /// Whether a change may close more than those before it, or an issue in another way than they do.
    fn is_worth_trying(&self, change: ContainerChange) -> bool {
        let closes_all = self.best.as_ref().map_or(0, |fix| fix.closes.len()) == self.open.len();
        let is_pinned = |rule: &&'static str| {
            self.closing.get(rule).is_some_and(|changes| changes.iter().any(|known| known.pins))
        };
        !closes_all
            || if change.pins {
                !self.found.iter().all(is_pinned)
            } else {
                // Two of them can be right: which one depends on the tag.
                self.found.iter().any(|rule| is_about_pull_policies(rule))
            }
    }

    fn record(&mut self, at: usize, change: ContainerChange, verdict: &Verdict) {
        let (mut open, mut found) = (open_rules(verdict), found_rules(verdict));
        // The registry still does not give the image.
        open.extend(self.open.get(ids::IMAGE_PULL_FAILING));
        found.extend(self.found.get(ids::IMAGE_PULL_FAILING));
        if !open.is_subset(&self.open) {
            return;
        }
        for rule in self.found.difference(&found) {
            self.closing.entry(*rule).or_default().insert(at);
        }
        let closes: Box<[&'static str]> = self.open.difference(&open).copied().collect();
        let is_better = match &self.best {
            None => !closes.is_empty(),
            // Of a reference that stays, the copy of a node is right.
            Some(best) if change == CACHED && best.change() == PULLED && !self.is_mutable => {
                closes.len() >= best.closes.len()
            }
            Some(best) => closes.len() > best.closes.len(),
        };
        if is_better {
            let ContainerChange { pins, pull_policy } = change;
            self.best = Some(ContainerFix { pins, pull_policy, closes });
        }
    }
}

/// For each container of a workload, in order, the change that closes the most, and all that close something. A change that
/// violates another rule is none.
pub(super) fn fixes(
    engine: &Engine,
    workload: &Workload,
    verdicts: &[Verdict],
) -> Vec<(Option<ContainerFix>, ClosingChanges)> {
    let mut trials: Vec<Trial> = verdicts.iter().map(Trial::new).collect();
    trials.retain(|trial| !trial.found.is_empty() && trial.at < workload.containers.len());
    let mut changed_workload = without_containers(workload);
    for (at, change) in CHANGES.into_iter().enumerate() {
        let (tried, containers): (Vec<_>, Vec<Container>) = trials
            .iter_mut()
            .filter(|trial| trial.is_worth_trying(change))
            .filter_map(|trial| {
                let container = changed(&workload.containers[trial.at], change)?;
                Some((trial, container))
            })
            .unzip();
        if tried.is_empty() {
            continue;
        }
        changed_workload.containers = containers;
        for (trial, verdict) in tried.into_iter().zip(&engine.judge(&changed_workload)) {
            trial.record(at, change, verdict);
        }
    }
    let mut fixes = vec![Default::default(); workload.containers.len()];
    for Trial { at, best, closing, .. } in trials {
        fixes[at] = (best, ClosingChanges(closing.into_iter().collect()));
    }
    fixes
}

fn is_about_pull_policies(rule: &str) -> bool {
    rules::find(rule).is_some_and(|rule| rule.group == RuleGroup::ImagePullPolicy)
}

fn open_rules(verdict: &Verdict) -> BTreeSet<&'static str> {
    let open = verdict.findings.iter().filter(|finding| finding.outcome.is_open());
    open.map(|finding| finding.rule.id).collect()
}

fn found_rules(verdict: &Verdict) -> BTreeSet<&'static str> {
    let found = verdict.findings.iter().filter(|finding| finding.outcome != Outcome::Pass);
    found.map(|finding| finding.rule.id).collect()
}

/// The container after a change; `None` where it cannot be made or changes nothing. What pods ran is no matter once
/// another image is named.
fn changed(
    container: &Container,
    ContainerChange { pins, pull_policy }: ContainerChange,
) -> Option<Container> {
    let mut changed = container.clone();
    if pins {
        let name = name_to_pin(container.image.raw())?;
        changed.image = format!("{name}@sha256:{}", "0".repeat(64)).into();
        (changed.drift, changed.observed) = (None, None);
    }
    if let Some(policy) = pull_policy {
        changed.pull_policy = Some(policy.as_str().into());
    }
    (changed != *container).then_some(changed)
}

fn without_containers(workload: &Workload) -> Workload {
    let Workload {
        id,
        origin,
        containers: _,
        image_pull_secrets,
        ignore,
        template_ignore,
        namespace,
        created,
        limits,
        unfollowed,
    } = workload;
    Workload {
        id: id.clone(),
        origin: *origin,
        containers: Vec::new(),
        image_pull_secrets: *image_pull_secrets,
        ignore: ignore.clone(),
        template_ignore: template_ignore.clone(),
        namespace: namespace.clone(),
        created: *created,
        limits: limits.clone(),
        unfollowed: unfollowed.clone(),
    }
}
