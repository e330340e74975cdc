//! What is known of every evaluated workload: what metrics and the policy's status count, and what is remembered from one
//! evaluation to the next.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::engine::Judgement;
use tagwatch_core::finding::{Finding, Verdict};
use tagwatch_core::issue::{ExemptionOutcome, ImageChange, Issue, IssueGroup, Status, Tally};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::PolicyPart;
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::rules::{RuleGroup, ids};
use tagwatch_core::tag::{Classification, Confidence, TagClass};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType, Namespace, Workload};
use tagwatch_index::WorkloadKey;
use tagwatch_k8s::report::{FirstSeen, History, PolicyReport, ReportedIssues, StoredReport};

use super::report_key::ReportKey;

/// What an evaluation found in a workload. There is one for every workload, so it holds counts and no texts.
#[derive(Debug, Clone)]
pub(crate) struct WorkloadState {
    pub(crate) status: Status,
    /// In the order of their classes.
    pub(crate) issues: Box<[IssueGroup]>,
    /// Number of results that pass.
    pub(crate) passes: u32,
    /// What exemptions did; `None` for most workloads, which have none.
    pub(crate) exemptions: Option<Box<ExemptionOutcome>>,
    /// Containers by tag class and effective pull policy.
    pub(crate) images: Box<[(TagClass, PullPolicy, u32)]>,
    /// Containers whose tag moves and is not exempt, by the rule that reports it, empty where that is off. Ephemeral ones are
    /// left out: they are there to debug.
    pub(crate) moving_images: Box<[(&'static str, u32)]>,
    /// Overrides of the policy that apply here, and its entries that match an image.
    pub(crate) parts: Box<[PolicyPart]>,
    /// The namespace, where it can be read.
    pub(crate) namespace: Option<Arc<Namespace>>,
    /// What the console shows, where there is a console.
    pub(crate) console: Option<Arc<tagwatch_console::Workload>>,
}

impl WorkloadState {
    /// Counts the results of a workload.
    pub(crate) fn new(workload: &Workload, judgement: &Judgement, issues: &[Issue]) -> Self {
        let mut images: BTreeMap<(TagClass, PullPolicy), u32> = BTreeMap::new();
        for verdict in &judgement.verdicts {
            *images.entry((verdict.classification.class, verdict.effective_pull_policy)).or_default() += 1;
        }
        let moving = judgement.verdicts.iter().filter(|verdict| {
            let container = workload.containers.get(verdict.container);
            container.is_some_and(|container| container.container_type != ContainerType::Ephemeral)
                && moves(verdict)
                && !is_tag_exempt(verdict)
        });
        let mut moving_images: BTreeMap<&str, u32> = BTreeMap::new();
        for verdict in moving {
            let open = of_tag(verdict).filter(|finding| finding.outcome.is_open());
            let rule = open.map(|finding| finding.rule.id).find(|id| ids::OF_MOVING_TAGS.contains(id));
            *moving_images.entry(rule.unwrap_or_default()).or_default() += 1;
        }
        let passes = issues.iter().filter(|issue| issue.outcome == Outcome::Pass).count();
        Self {
            status: Status::of(issues.iter().map(|issue| issue.outcome)).beyond(&workload.limits),
            issues: IssueGroup::all(issues).into(),
            passes: u32::try_from(passes).unwrap_or(u32::MAX),
            exemptions: ExemptionOutcome::of(judgement),
            images: images.into_iter().map(|((class, policy), count)| (class, policy, count)).collect(),
            moving_images: moving_images.into_iter().collect(),
            parts: judgement.parts_used.iter().copied().collect(),
            namespace: workload.namespace.clone(),
            console: None,
        }
    }

    /// A workload on which the evaluation panicked: it counts as an error.
    pub(crate) fn failed() -> Self {
        Self {
            status: Status::Error,
            issues: Box::default(),
            passes: 0,
            exemptions: None,
            images: Box::default(),
            moving_images: Box::default(),
            parts: Box::default(),
            namespace: None,
            console: None,
        }
    }

    fn containers(&self) -> usize {
        self.images.iter().map(|(_, _, count)| *count as usize).sum()
    }

    /// A label of the namespace.
    pub(crate) fn namespace_label(&self, name: &str) -> Option<&str> {
        self.namespace.as_ref()?.labels.get(name).map(String::as_str)
    }
}

/// Whether the tag is known to move: not where it may just as well be pushed once.
fn moves(verdict: &Verdict) -> bool {
    let Classification { class, confidence, .. } = &verdict.classification;
    class.is_mutable() && *confidence != Confidence::Unknown
}

/// What the rules on tags find.
fn of_tag(verdict: &Verdict) -> impl Iterator<Item = &Finding> {
    verdict.findings.iter().filter(|finding| finding.rule.group == RuleGroup::ImageTag)
}

/// Whether the rules on tags find something, and all of it is exempt.
fn is_tag_exempt(verdict: &Verdict) -> bool {
    let is_exempt = of_tag(verdict).any(|finding| finding.outcome == Outcome::Skip);
    is_exempt && !of_tag(verdict).any(|finding| finding.outcome.is_open())
}

/// Whether what is remembered or the stored report says more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum MemoryBasis {
    /// This replica writes the report, and other clients may edit it: what is remembered counts.
    #[default]
    Own,
    /// It began while no report could be read: the stored report may say more.
    Unread,
    /// Another replica writes the report: what is stored counts.
    Standby,
}

/// What is remembered of a workload's reports from one evaluation to the next, whether they were stored or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReportMemory {
    /// When each result was first seen.
    pub(crate) first_seen: FirstSeen,
    /// Resolved issues and changes of images.
    pub(crate) history: History,
    /// The image of each container, where an evaluation of this process has seen it.
    images: Box<[(ContainerType, UntrustedText, UntrustedText)]>,
    /// How it relates to the stored report.
    pub(crate) basis: MemoryBasis,
    /// The results of the last report that was stored, where a later one was not: events are about what is stored.
    stored: Option<FirstSeen>,
}

impl ReportMemory {
    /// The same, where another replica writes the report.
    pub(crate) fn of_standby(self) -> Self {
        Self { basis: MemoryBasis::Standby, ..self }
    }

    /// What the API server holds, as another replica wrote it. Images alone are remembered: they are those of the report
    /// that this replica would have written too.
    pub(crate) fn following(self, stored: &StoredReport) -> Self {
        Self {
            first_seen: stored.first_seen().clone(),
            history: stored.history().clone(),
            basis: MemoryBasis::Own,
            stored: None,
            ..self
        }
    }

    /// The same, beginning with what the API server holds.
    pub(crate) fn behind(self, stored: &StoredReport) -> Self {
        let first_seen = self.first_seen.joined(stored.first_seen(), &self.history);
        let history = self.history.behind(stored.history(), stored.first_seen());
        Self {
            first_seen: first_seen.shared_with(stored.first_seen()),
            history,
            basis: MemoryBasis::Own,
            stored: self.stored.map(|_| stored.first_seen().clone()),
            ..self
        }
    }

    /// What is remembered once a report is built, before it is stored.
    pub(crate) fn after(
        &self,
        workload: &Workload,
        report: &PolicyReport,
        issues: &ReportedIssues<'_>,
    ) -> Self {
        let image = |container: &Container| {
            (container.container_type, container.name.clone(), container.image.clone())
        };
        Self {
            first_seen: FirstSeen::after(report, issues).shared_with(&self.first_seen),
            history: History::of(report),
            images: workload.containers.iter().filter(|found| !found.is_of_pods()).map(image).collect(),
            basis: self.basis,
            stored: Some(self.last_stored().clone()),
        }
    }

    /// The results of the last report that was stored.
    pub(crate) fn last_stored(&self) -> &FirstSeen {
        self.stored.as_ref().unwrap_or(&self.first_seen)
    }

    /// Containers that name another image now. Where pods of one workload run several images under one name, it is
    /// unknown which image replaced which.
    pub(crate) fn image_changes(&self, workload: &Workload, now: Timestamp) -> Vec<ImageChange> {
        let mut images: HashMap<(ContainerType, &UntrustedText), Vec<&UntrustedText>> = HashMap::new();
        for (kind, name, image) in &self.images {
            images.entry((*kind, name)).or_default().push(image);
        }
        let change = |container: &Container| {
            let name = &container.name;
            let before = images.get(&(container.container_type, name))?;
            let [image] = before[..] else { return None };
            let is_new = *image != container.image;
            is_new.then(|| History::image_change(name, image, &container.image, now))
        };
        workload.containers.iter().filter(|found| !found.is_of_pods()).filter_map(change).collect()
    }
}

/// Every workload that has a report, or will have one once it can be written.
#[derive(Debug, Default)]
pub(crate) struct WorkloadStates {
    /// In order, so that readers need not sort. A tree is half empty after a start, so its entries are no more than a pointer.
    workloads: BTreeMap<WorkloadKey, Box<Entry>>,
    reports: HashMap<ReportKey, WorkloadKey>,
    changes: u64,
}

#[derive(Debug)]
struct Entry {
    report: ReportKey,
    memory: ReportMemory,
    /// `None` until the first report was tried to be written.
    state: Option<Arc<WorkloadState>>,
}

/// Every workload with what is published of it, as it was at one moment.
#[derive(Debug, Default)]
pub(crate) struct StatesSnapshot(Vec<(WorkloadKey, Arc<WorkloadState>)>);

impl StatesSnapshot {
    /// In the order of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&WorkloadKey, &WorkloadState)> {
        self.0.iter().map(|(key, state)| (key, &**state))
    }

    /// Counts over all of them.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (_, state) in self.iter() {
            tally.add(state.status, state.containers(), state.passes as usize, &state.issues);
        }
        tally
    }
}

impl WorkloadStates {
    /// Remembers an evaluation before its report is written. The state that is published stays as it is.
    pub(crate) fn remember(&mut self, key: &WorkloadKey, report: &ReportKey, memory: ReportMemory) {
        if let Some(entry) = self.workloads.get_mut(key) {
            entry.memory = memory;
            return;
        }
        self.reports.insert(report.clone(), key.clone());
        let entry = Entry { report: report.clone(), memory, state: None };
        self.workloads.insert(key.clone(), Box::new(entry));
    }

    /// Publishes the state of a workload that is remembered.
    pub(crate) fn publish(&mut self, key: &WorkloadKey, state: WorkloadState) {
        if let Some(entry) = self.workloads.get_mut(key) {
            self.changes += 1;
            entry.state = Some(Arc::new(state));
        }
    }

    /// The report that is remembered is stored.
    pub(crate) fn mark_stored(&mut self, key: &WorkloadKey) {
        if let Some(entry) = self.workloads.get_mut(key) {
            entry.memory.stored = None;
        }
    }

    pub(crate) fn remove(&mut self, key: &WorkloadKey) {
        if let Some(entry) = self.workloads.remove(key) {
            self.changes += 1;
            self.reports.remove(&entry.report);
        }
    }

    /// What the console shows of a workload.
    pub(crate) fn console(&self, key: &WorkloadKey) -> Option<Arc<tagwatch_console::Workload>> {
        self.workloads.get(key)?.state.as_ref()?.console.clone()
    }

    /// Counts up with every change of what is published, so that readers need not sum up what stays the same.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn memory(&self, key: &WorkloadKey) -> Option<&ReportMemory> {
        self.workloads.get(key).map(|entry| &entry.memory)
    }

    /// The workload of a report, if the report is wanted.
    pub(crate) fn workload_of(&self, report: &ReportKey) -> Option<&WorkloadKey> {
        self.reports.get(report)
    }

    /// When the results of a report that is wanted were first seen.
    pub(crate) fn first_seen(&self, report: &ReportKey) -> Option<&FirstSeen> {
        Some(&self.memory(self.workload_of(report)?)?.first_seen)
    }

    /// Every workload, in order, published or not.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.workloads.keys()
    }

    /// Every workload with what is published of it, to be read without the lock.
    pub(crate) fn snapshot(&self) -> StatesSnapshot {
        let published = self
            .workloads
            .iter()
            .filter_map(|(key, entry)| entry.state.as_ref().map(|state| (key.clone(), Arc::clone(state))));
        StatesSnapshot(published.collect())
    }

    /// Publishes a workload as if it had been evaluated.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, key: &WorkloadKey, state: WorkloadState) {
        self.remember(key, &ReportKey::of(key), ReportMemory::default());
        self.publish(key, state);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tagwatch_core::engine::Engine;
    use tagwatch_core::policy::{Policy, parse_date};
    use tagwatch_core::workload::{Origin, WorkloadId};

    use super::*;

    /// How many images of these containers move, by rule, with an exemption of the container `exempt`. One rule is off.
    fn moving_by_rule(containers: &[(&str, ContainerType, &str)]) -> Vec<(&'static str, u32)> {
        let exemption = |rule: &str| json!({ "match": { "containers": [format!("exempt-{rule}")] }, "rules": [rule], "reason": "why" });
        let spec = json!({
            "exemptions": [exemption("latest-tag"), exemption("stale-pull-policy")], "rules": { "missing-tag": { "enabled": false } },
        });
        let (_, policy) = Policy::read(&spec).unwrap();
        let engine = Engine::new(policy).on(parse_date("2026-01-31").unwrap()).in_cluster();
        let container = |(name, container_type, image): &(&str, ContainerType, &str)| Container {
            name: (*name).into(),
            container_type: *container_type,
            image: (*image).into(),
            pull_policy: Some("IfNotPresent".into()),
            field_path: String::new(),
            observed: None,
            drift: None,
        };
        let id = WorkloadId {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("shop".into()),
            name: "web".into(),
        };
        let workload = Workload::new(id, Origin::Cluster, containers.iter().map(container).collect());
        let judgement = engine.assess(&workload, |image| engine.read_image(image));
        WorkloadState::new(&workload, &judgement, &[]).moving_images.into()
    }

    fn moving(containers: &[(&str, ContainerType, &str)]) -> u32 {
        moving_by_rule(containers).into_iter().map(|(_, count)| count).sum()
    }

    #[test]
    fn images_that_move_are_counted_without_exempt_and_ephemeral_ones() {
        for (name, container_type, image, expected) in [
            ("web", ContainerType::Container, "nginx:latest", 1),
            ("web", ContainerType::Init, "nginx:1.27", 1),
            ("web", ContainerType::Sidecar, "nginx", 1),
            ("web", ContainerType::ImageVolume, "nginx:stable", 1),
            ("web", ContainerType::Ephemeral, "nginx:latest", 0),
            ("web", ContainerType::Container, "nginx:1.27.3", 0),
            ("web", ContainerType::Container, "registry.example.com/web:1.27", 0),
            ("web", ContainerType::Container, "registry.example.com/web:main-1234", 0),
            ("web", ContainerType::Container, "registry.example.com/web:team-blue", 0),
            ("exempt-latest-tag", ContainerType::Container, "nginx:latest", 0),
            ("exempt-latest-tag", ContainerType::Container, "nginx:stable", 1),
            ("exempt-stale-pull-policy", ContainerType::Container, "nginx:latest", 1),
        ] {
            assert_eq!(
                moving(&[(name, container_type, image)]),
                expected,
                "{name} {container_type:?} {image}"
            );
        }
        let both = [("a", ContainerType::Container, "nginx"), ("b", ContainerType::Ephemeral, "busybox")];
        assert_eq!(moving(&both), 1);
        let of_rules = ["nginx:latest", "nginx:1.27", "nginx:stable", "nginx", "nginx:1.27.3"]
            .map(|image| ("web", ContainerType::Container, image));
        let by_rule = [("", 1), (ids::FLOATING_TAG, 2), (ids::LATEST_TAG, 1)];
        assert_eq!(moving_by_rule(&of_rules), by_rule);
    }
}
