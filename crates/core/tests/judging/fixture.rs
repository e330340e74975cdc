//! The format of `fixtures/verdicts`: a manifest with what is expected in comments.
//!
//! Beside the image, or beside the name where the image is missing:
//! `# <class> [(<confidence>)]: <rule> <outcome> <severity>, …`, every result of the container, or `none`. On lines of their
//! own below it: `# <rule> says: <part of its message>` and `# <rule> advises: <part of its resolution>`.
//!
//! At the head of the file, where needed: `# profile: <name>`, `# on: <rule>, …`, `# origin: cluster`, `# immutable: <glob>`, `# policy: <a spec in one line>`, `# proven: <reference>`
//! `# observed <container>: <pods> pods, <n> always, <n> by digest`, and `# drift <container>: <evidence>`, which
//! [`crate::drift::evidence`] reads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use tagwatch_core::drift::DriftEvidence;
use tagwatch_core::policy::{Profile, TagPolicySpec};
use tagwatch_core::reference::Reference;
use tagwatch_core::workload::{ObservedPods, Origin};

use crate::support::{Located, PodSpec};

/// A file of `fixtures/verdicts`.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) profile: Profile,
    /// Rules that are on beside those of the profile.
    pub(crate) on: Vec<String>,
    pub(crate) image_pull_secrets: bool,
    pub(crate) origin: Origin,
    pub(crate) immutable: Vec<String>,
    /// What the policy says beside all that.
    pub(crate) policy: TagPolicySpec,
    pub(crate) cases: Vec<Case>,
}

/// What a fixture declares about the pods of a container.
#[derive(Default)]
struct ContainerEvidence {
    observed: Option<ObservedPods>,
    drift: Option<DriftEvidence>,
}

/// A container and what is expected of it.
pub(crate) struct Case {
    pub(crate) located: Located,
    pub(crate) class: String,
    pub(crate) confidence: Option<String>,
    /// `<rule> <outcome> <severity>`, sorted.
    pub(crate) results: Vec<String>,
    pub(crate) remarks: Vec<Remark>,
}

/// Part of a text that a rule's finding must hold.
pub(crate) struct Remark {
    pub(crate) rule: String,
    pub(crate) field: Field,
    pub(crate) part: String,
}

/// Which text of a finding a remark is about.
pub(crate) enum Field {
    Message,
    Resolution,
}

/// A workload, or a pod, which has no template. Two types rather than an untagged enum, which would lose the
/// lines.
#[derive(Deserialize)]
struct Workload {
    spec: WorkloadSpec,
}

#[derive(Deserialize)]
struct WorkloadSpec {
    template: Option<Pod>,
}

#[derive(Deserialize)]
struct Pod {
    spec: PodSpec,
}

impl Fixture {
    pub(crate) fn parse(path: &Path) -> Self {
        let name = path.file_name().expect("a file name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("a readable fixture");
        let mut fixture = Self {
            name,
            profile: Profile::Recommended,
            on: vec![],
            image_pull_secrets: false,
            origin: Origin::Manifest,
            immutable: vec![],
            policy: TagPolicySpec::default(),
            cases: vec![],
        };
        let lines: Vec<&str> = text.lines().collect();
        let (seen, proven) = fixture.read_head(&lines);
        let spec = pod_spec(&text, &fixture.name);
        fixture.image_pull_secrets = !spec.image_pull_secrets.is_empty();
        let mut places = spec.located();
        places.sort_by_key(|place| place.line);
        let ends: Vec<usize> = places.iter().skip(1).map(|next| next.line - 1).chain([lines.len()]).collect();
        for (mut located, end) in places.into_iter().zip(ends) {
            if let Some(ContainerEvidence { observed, drift }) = seen.get(located.container.name.raw()) {
                located.container.observed = *observed;
                located.container.drift = drift.clone().map(Arc::new);
            }
            if proven.iter().any(|proven| names(located.container.image.raw(), proven)) {
                let evidence = DriftEvidence { is_proven_elsewhere: true, ..DriftEvidence::default() };
                located.container.drift = Some(Arc::new(evidence));
            }
            fixture.cases.push(Case::parse(located, &lines, end, &fixture.name));
        }
        fixture
    }

    /// Returns what is declared of the pods of each container, and the references that are proven to have moved.
    fn read_head(&mut self, lines: &[&str]) -> (BTreeMap<String, ContainerEvidence>, Vec<Reference>) {
        let mut seen: BTreeMap<String, ContainerEvidence> = BTreeMap::new();
        let mut proven = Vec::new();
        for line in lines.iter().filter_map(|line| line.strip_prefix("# ")) {
            match line.split_once(": ") {
                Some(("profile", name)) => self.profile = name.parse().expect(name),
                Some(("on", rules)) => self.on.extend(rules.split(", ").map(str::to_owned)),
                Some(("origin", "cluster")) => self.origin = Origin::Cluster,
                Some(("policy", spec)) => self.policy = serde_saphyr::from_str(spec).expect(spec),
                Some(("immutable", glob)) => self.immutable.push(glob.to_owned()),
                Some(("proven", text)) => proven.push(Reference::parse(text).expect(text)),
                Some((key, pods)) if key.starts_with("observed ") => {
                    let container = key["observed ".len()..].to_owned();
                    seen.entry(container).or_default().observed = Some(observed_pods(pods));
                }
                Some((key, evidence)) if key.starts_with("drift ") => {
                    let container = key["drift ".len()..].to_owned();
                    seen.entry(container).or_default().drift = Some(crate::drift::evidence(evidence));
                }
                _ => {}
            }
        }
        (seen, proven)
    }
}

/// Whether an image is a reference, with or without a digest beside it.
fn names(image: &str, reference: &Reference) -> bool {
    let place = |found: &Reference| (found.name(), found.tag().unwrap_or("latest").to_owned());
    Reference::parse(image).is_ok_and(|image| place(&image) == place(reference))
}

impl Case {
    fn parse(located: Located, lines: &[&str], end: usize, file: &str) -> Self {
        let line = lines[located.line - 1];
        let at = format!("{file}:{}", located.line);
        let (_, expectation) = line.rsplit_once(" # ").unwrap_or_else(|| panic!("{at}: no expectation"));
        let (class, results) = expectation.split_once(": ").unwrap_or_else(|| panic!("{at}: no class"));
        let (class, confidence) = match class.split_once(" (") {
            Some((class, confidence)) => (class, Some(confidence.trim_end_matches(')').to_owned())),
            None => (class, None),
        };
        let results = results.split(", ").map(|result| result.trim().to_owned());
        let mut results: Vec<String> = results.filter(|result| result != "none").collect();
        results.sort();
        let remarks = lines[located.line..end].iter().filter_map(|line| Remark::parse(line)).collect();
        Self { located, class: class.to_owned(), confidence, results, remarks }
    }
}

impl Remark {
    fn parse(line: &str) -> Option<Self> {
        let comment = line.trim_start().strip_prefix("# ")?;
        let (rule, field, part) =
            comment.split_once(" says: ").map(|(rule, part)| (rule, Field::Message, part)).or_else(|| {
                comment.split_once(" advises: ").map(|(rule, part)| (rule, Field::Resolution, part))
            })?;
        Some(Self { rule: rule.to_owned(), field, part: part.to_owned() })
    }
}

fn pod_spec(text: &str, file: &str) -> PodSpec {
    let workload: Workload = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let pod = workload
        .spec
        .template
        .unwrap_or_else(|| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}")));
    pod.spec
}

/// `3 pods, 2 always, 0 by digest`.
fn observed_pods(text: &str) -> ObservedPods {
    let numbers: Vec<u32> = text
        .split(", ")
        .map(|part| part.split(' ').next().unwrap_or_default().parse().expect(text))
        .collect();
    match numbers[..] {
        [pods, always, by_digest] => ObservedPods { pods, always, by_digest },
        _ => panic!("{text}: expected three numbers"),
    }
}
