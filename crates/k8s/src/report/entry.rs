//! The results of a report: one for each rule and container.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::drift::{DriftConfidence, DriftEvidence};
use tagwatch_core::exemption::ExemptionSource;
use tagwatch_core::finding::{Finding, Verdict};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::rules::{RuleGroup, RuleMeta, ids};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, ContainerType};

use super::bounds::{self, MAX_LONG, MAX_SHORT};
use super::{MANAGER, ReportInput, ReportResult, ReportTimestamp, ResultId};

/// Name of the property that holds the key of a result.
pub(super) const RESULT_ID: &str = "resultID";
/// Name of the property that says in words when a result was first seen.
pub(super) const FIRST_SEEN: &str = "firstSeen";

/// A finding with all that its result is made of.
pub(super) struct Entry<'a> {
    id: ResultId,
    container: &'a Container,
    verdict: &'a Verdict,
    finding: &'a Finding,
}

/// Every finding in reading order: what needs a hand first, then by policy, rule and container. Of findings
/// with one key, which consumers would drop silently, the first stays.
pub(super) fn entries<'a>(input: &ReportInput<'a>) -> Vec<Entry<'a>> {
    let containers = &input.workload.containers;
    let keys = ResultKeys::new(input.uid, containers);
    let judged =
        input.verdicts.iter().filter_map(|verdict| Some((containers.get(verdict.container)?, verdict)));
    let mut entries: Vec<_> = judged
        .flat_map(|(container, verdict)| {
            verdict.findings.iter().map(move |finding| (container, verdict, finding))
        })
        .map(|(container, verdict, finding)| {
            let id = keys.of(container, finding);
            Entry { id, container, verdict, finding }
        })
        .collect();
    entries.sort_by(|one, other| one.order().cmp(&other.order()));
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert(entry.id));
    entries
}

/// Gives the findings of a workload the keys that they have in its report.
#[derive(Debug)]
pub struct ResultKeys<'a> {
    uid: &'a str,
    several: BTreeSet<(ContainerType, &'a str)>,
}

impl<'a> ResultKeys<'a> {
    /// For the findings about these containers of the object with this UID.
    pub fn new(uid: &'a str, containers: &'a [Container]) -> Self {
        Self { uid, several: names_with_several_images(containers) }
    }

    /// The key of a finding about one of them.
    pub fn of(&self, container: &Container, finding: &Finding) -> ResultId {
        self.with(finding.outcome, container, finding.rule)
    }

    /// The keys that a finding about one of them has under every other result: it had one of them if its result has
    /// changed.
    pub fn under_other_results<'b>(
        &'b self,
        container: &'b Container,
        finding: &Finding,
    ) -> impl Iterator<Item = ResultId> + use<'a, 'b> {
        let Finding { rule, outcome, .. } = *finding;
        let others = Outcome::ALL.into_iter().filter(move |other| *other != outcome);
        others.map(move |other| self.with(other, container, rule))
    }

    fn with(&self, outcome: Outcome, container: &Container, rule: &RuleMeta) -> ResultId {
        let image = self.several.contains(&key(container)).then(|| container.image.raw());
        let (policy, place) = (rule.group.as_str(), container.container_type.as_str());
        let parts = [MANAGER, self.uid, policy, rule.id, place, container.name.raw(), outcome.as_str()];
        ResultId::of(&parts.into_iter().chain(image).collect::<Vec<_>>())
    }
}

/// Pods of one workload can run different images under one container name.
fn names_with_several_images(containers: &[Container]) -> BTreeSet<(ContainerType, &str)> {
    let mut first = BTreeMap::new();
    containers
        .iter()
        .filter(|container| *first.entry(key(container)).or_insert(&container.image) != &container.image)
        .map(key)
        .collect()
}

fn key(container: &Container) -> (ContainerType, &str) {
    (container.container_type, container.name.raw())
}

impl<'a> Entry<'a> {
    /// Key of the result.
    pub(super) fn id(&self) -> ResultId {
        self.id
    }

    fn order(&self) -> impl Ord + use<'a> {
        let (container, finding) = (self.container, self.finding);
        let what = (finding.outcome, finding.rule.group.as_str(), finding.rule.id);
        (what, container.name.raw(), container.container_type, container.image.raw())
    }

    /// The result as the report holds it.
    pub(super) fn to_result(&self, input: &ReportInput<'_>) -> ReportResult {
        let Finding { rule, outcome, severity, ref message, .. } = *self.finding;
        let first_seen = input.first_seen.get(self.id, input.now);
        ReportResult {
            source: Some(MANAGER.into()),
            policy: rule.group.as_str().into(),
            rule: Some(rule.id.into()),
            category: Some(rule.category.into()),
            severity: Some(severity.as_str().into()),
            result: Some(outcome.as_str().into()),
            scored: Some(!matches!(outcome, Outcome::Warn | Outcome::Skip)),
            message: Some(message.clone()),
            timestamp: Some(ReportTimestamp { seconds: first_seen.as_second(), nanos: 0 }),
            properties: Some(self.properties(first_seen)),
            ..ReportResult::default()
        }
    }

    fn properties(&self, first_seen: Timestamp) -> BTreeMap<Cow<'static, str>, String> {
        let (container, verdict) = (self.container, self.verdict);
        let written = container.pull_policy.as_ref();
        let mut properties = BTreeMap::from([
            ("container".into(), bounds::shown(&container.name, MAX_SHORT)),
            ("containerType".into(), container.container_type.as_str().to_owned()),
            ("image".into(), bounds::shown(&container.image, MAX_LONG)),
            ("imagePullPolicy".into(), written.map_or("unset".to_owned(), short)),
            ("effectivePullPolicy".into(), verdict.effective_pull_policy.as_str().to_owned()),
            ("tagClass".into(), verdict.classification.class.as_str().to_owned()),
            ("fieldPath".into(), bounds::cut(container.field_path.clone(), MAX_SHORT)),
            ("evidence".into(), self.finding.evidence(container)),
            (FIRST_SEEN.into(), first_seen.to_string()),
            (RESULT_ID.into(), self.id.to_string()),
        ]);
        if let Some(confidence) = self.confidence() {
            properties.insert("confidence".into(), confidence.as_str().to_owned());
        }
        if !self.finding.resolution.is_empty() {
            properties.insert("resolution".into(), bounds::cut(self.finding.resolution.clone(), MAX_LONG));
        }
        if let Some(exemption) = &self.finding.exemption {
            properties.insert("exemption".into(), short(&exemption.reason));
            properties.insert("exemptionSource".into(), source(exemption.source));
            properties.extend(exemption.expires.map(|last| ("exemptionExpires".into(), last.to_string())));
        }
        properties
    }
}

impl Entry<'_> {
    fn drift(&self) -> Option<&DriftEvidence> {
        self.container.drift.as_deref().filter(|_| self.finding.rule.group == RuleGroup::ImageDrift)
    }

    /// How sure a finding about digests is.
    fn confidence(&self) -> Option<DriftConfidence> {
        let drift = self.drift()?;
        match self.finding.rule.id {
            ids::MOVED_TAG => drift.moved.as_ref().map(|moved| moved.confidence),
            ids::MIXED_DIGESTS => drift.mixed.as_ref().map(|mixed| mixed.resolutions.confidence),
            _ => None,
        }
    }
}

/// The place of an exemption.
fn source(source: ExemptionSource) -> String {
    match source {
        ExemptionSource::Policy(index) => format!("spec.exemptions[{index}]"),
        ExemptionSource::Annotation(level) => format!("annotation on the {}", level.words()),
    }
}

fn short(text: &UntrustedText) -> String {
    bounds::shown(text, MAX_SHORT)
}
