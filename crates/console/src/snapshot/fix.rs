//! The one change of a container that closes the most of its issues. Each change is tried: the engine judges the
//! container as it would be.

use std::collections::BTreeSet;

use tagwatch_core::engine::Engine;
use tagwatch_core::finding::Verdict;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::rules::ids;
use tagwatch_core::workload::{Container, Workload};

/// The changes that are tried, in the order in which they are preferred: whether the image is pinned, and the pull policy
/// that is written.
const CHANGES: [(bool, Option<PullPolicy>); 5] = [
    (true, None),
    (false, Some(PullPolicy::Always)),
    (false, Some(PullPolicy::IfNotPresent)),
    (true, Some(PullPolicy::IfNotPresent)),
    (true, Some(PullPolicy::Always)),
];

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

/// The image without a digest, as it is named in front of one. The tag stays, unless it is `latest`, which says nothing
/// beside a digest. `None` for what has a digest, or does not parse.
pub(crate) fn name_to_pin(image: &str) -> Option<&str> {
    let reference = Reference::parse(image).ok().filter(|reference| reference.digest().is_none())?;
    if reference.tag() == Some("latest") { image.strip_suffix(":latest") } else { Some(image) }
}

/// The best change of each container of a workload, in order; `None` where none closes anything. A change that violates
/// another rule is none.
pub(super) fn fixes(engine: &Engine, workload: &Workload, verdicts: &[Verdict]) -> Vec<Option<ContainerFix>> {
    let mut fixes: Vec<Option<ContainerFix>> = vec![None; workload.containers.len()];
    let open: Vec<(usize, BTreeSet<&'static str>)> = verdicts
        .iter()
        .map(|verdict| (verdict.container, open_rules(verdict)))
        .filter(|(at, rules)| !rules.is_empty() && *at < fixes.len())
        .collect();
    let mut trial = without_containers(workload);
    for (pins, pull_policy) in CHANGES {
        let (tried, containers): (Vec<_>, Vec<Container>) = open
            .iter()
            .filter(|(at, rules)| fixes[*at].as_ref().is_none_or(|fix| fix.closes.len() < rules.len()))
            .filter_map(|open| Some((open, changed(&workload.containers[open.0], pins, pull_policy)?)))
            .unzip();
        if tried.is_empty() {
            continue;
        }
        trial.containers = containers;
        for ((at, before), verdict) in tried.into_iter().zip(&engine.judge(&trial)) {
            let mut after = open_rules(verdict);
            // The registry still does not give the image.
            after.extend(before.get(ids::IMAGE_PULL_FAILING));
            let closes: Box<[&'static str]> = before.difference(&after).copied().collect();
            let known = fixes[*at].as_ref().map_or(0, |fix| fix.closes.len());
            if after.is_subset(before) && closes.len() > known {
                fixes[*at] = Some(ContainerFix { pins, pull_policy, closes });
            }
        }
    }
    fixes
}

fn open_rules(verdict: &Verdict) -> BTreeSet<&'static str> {
    let open = verdict.findings.iter().filter(|finding| finding.outcome.is_open());
    open.map(|finding| finding.rule.id).collect()
}

/// The container after a change; `None` where it cannot be made or changes nothing. What pods ran is no matter once
/// another image is named.
fn changed(container: &Container, pins: bool, pull_policy: Option<PullPolicy>) -> Option<Container> {
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
        limits: limits.clone(),
        unfollowed: unfollowed.clone(),
    }
}
