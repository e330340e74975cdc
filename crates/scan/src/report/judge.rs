//! Evaluates the workloads of files. Files do not depend on one another here, so that several threads can.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tagwatch_core::engine::{Engine, ReadImage};
use tagwatch_core::evidence;
use tagwatch_core::finding::{Finding, Verdict};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::policy::{AnnotationRemark, Decision};
use tagwatch_core::pull_policy::ComposePullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, Namespace, Origin, Workload, WorkloadId};

use super::builder::ReadFile;
use super::{
    Exemption, FindingEntry, ImageEntry, Note, ReferenceParts, SourceLocation, Summary, exempting,
    fingerprint, unchecked,
};
use crate::manifest::{ContainerPlace, LocatedWorkload, Manifest, Remark, Unjudged};
use crate::yaml::Position;

/// A file, and what the rules say of it.
#[derive(Debug, Default)]
pub(crate) struct JudgedFile {
    pub(super) name: String,
    /// What the file adds to the counts.
    pub(super) summary: Summary,
    /// Numbered from 0, as the findings are.
    pub(super) images: Vec<ImageEntry>,
    /// Each with the fingerprint of the first of its like, or none, in the order in which they are numbered.
    pub(super) findings: Vec<FindingEntry>,
    pub(super) notes: Vec<Note>,
    pub(super) unjudged: Vec<Unjudged>,
    pub(super) exemptions_used: BTreeSet<usize>,
    /// Of each workload in a namespace its annotations that exempt nothing, and its place.
    pub(super) in_namespaces: Vec<(UntrustedText, Vec<AnnotationRemark>, Position)>,
    /// Places of objects of a cluster whose manifests name no namespace.
    pub(super) without_namespace: Vec<Position>,
}

/// Images that a thread has read: manifests repeat them.
pub(crate) type KnownImages = HashMap<String, ReadImage>;

/// What files are judged by.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "options that do not depend on each other")]
pub(crate) struct Judge<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) show_passed: bool,
    /// Whether images without a finding are left out.
    pub(crate) omits_clean_images: bool,
    /// Whether findings have no evidence.
    pub(crate) omits_evidence: bool,
    /// Whether findings have no fingerprint.
    pub(crate) omits_fingerprints: bool,
    pub(crate) namespaces: BTreeMap<UntrustedText, Arc<Namespace>>,
}

impl Judge<'_> {
    pub(crate) fn know_namespaces<'n>(
        &mut self,
        namespaces: impl Iterator<Item = &'n (UntrustedText, Namespace)>,
    ) {
        self.namespaces
            .extend(namespaces.map(|(name, namespace)| (name.clone(), Arc::new(namespace.clone()))));
    }

    /// Judges the workloads of a file.
    pub(crate) fn file(&self, images: &mut KnownImages, file: ReadFile) -> JudgedFile {
        let ReadFile { name, manifests, documents, notes, is_read, templates, .. } = file;
        let summary = Summary { files: u64::from(is_read), templates, documents, ..Summary::default() };
        let text = UntrustedText::from(name.as_str());
        let mut judged = JudgedFile { name, summary, notes, ..JudgedFile::default() };
        for Manifest { workloads, remarks, unjudged, .. } in manifests {
            for workload in workloads {
                self.workload(&text, workload, images, &mut judged);
            }
            let note = |remark: &Remark| Note::at(&judged.name, remark.at, remark.code, &remark.message);
            judged.notes.extend(remarks.iter().map(note));
            judged.unjudged.extend(unjudged);
        }
        judged
    }

    fn workload(
        &self,
        file: &UntrustedText,
        mut located: LocatedWorkload,
        images: &mut KnownImages,
        judged: &mut JudgedFile,
    ) {
        let namespace = located.workload.id.namespace.as_ref();
        located.workload.namespace = namespace.and_then(|name| self.namespaces.get(name)).cloned();
        let LocatedWorkload { workload, places, pull_policy_file, .. } = &located;
        judged.summary.workloads += 1;
        let judgement = self.engine.assess(workload, |image| read_once(self.engine, images, image));
        judged.notes.extend(exempting::workload_notes(file.raw(), &located, &judgement));
        if judgement.in_scope != Decision::No {
            judged.notes.extend(unchecked::notes(file.raw(), &located));
        }
        match &workload.id.namespace {
            Some(namespace) => {
                judged.in_namespaces.push((namespace.clone(), judgement.remarks, located.at));
            }
            // Only objects of a cluster have a namespace.
            None if !located.is_of_cluster() => {}
            None => judged.without_namespace.push(located.at),
        }
        judged.exemptions_used.extend(judgement.exemptions_used);
        for verdict in judgement.verdicts {
            let parts = workload.containers.get(verdict.container).zip(places.get(verdict.container));
            if let Some((container, at)) = parts {
                let number = judged.summary.images;
                let pull_policy_file = pull_policy_file.as_ref().unwrap_or(file);
                let subject = Subject { number, file, pull_policy_file, workload, container, at: *at };
                self.verdict(&subject, verdict, judged);
            }
        }
    }

    fn verdict(&self, subject: &Subject<'_>, verdict: Verdict, judged: &mut JudgedFile) {
        let before = judged.findings.len();
        for finding in &verdict.findings {
            judged.summary.results.count(finding.outcome);
            // Passes are numbered on their own, so that those that are not shown need no fingerprint.
            if finding.outcome != Outcome::Pass || self.show_passed {
                let mut entry = subject.finding(finding, self.omits_evidence);
                if !self.omits_fingerprints {
                    entry.fingerprint = fingerprint::of(&entry);
                }
                judged.findings.push(entry);
            }
        }
        judged.summary.images += 1;
        if !self.omits_clean_images || judged.findings.len() > before {
            judged.images.push(subject.image(verdict));
        }
    }
}

fn read_once(engine: &Engine, images: &mut KnownImages, image: &str) -> ReadImage {
    if let Some(known) = images.get(image) {
        return known.clone();
    }
    let read = engine.read_image(image);
    images.insert(image.to_owned(), read.clone());
    read
}

/// A container with all that its entries repeat.
struct Subject<'a> {
    number: u64,
    file: &'a UntrustedText,
    /// The file of a written pull policy.
    pull_policy_file: &'a UntrustedText,
    workload: &'a Workload,
    container: &'a Container,
    at: ContainerPlace,
}

impl Subject<'_> {
    fn place(&self, file: &UntrustedText, at: Position) -> SourceLocation {
        let WorkloadId { api_version, kind, namespace, name } = self.workload.id.clone();
        SourceLocation {
            file: file.clone(),
            line: at.line.max(1),
            column: at.column.max(1),
            api_version,
            kind,
            namespace,
            name,
            container: self.container.name.clone(),
            container_type: self.container.container_type,
            field_path: self.container.field_path.clone(),
            subject: self.number,
            is_in_file: at != Position::OF_NO_FILE,
        }
    }

    fn image(&self, verdict: Verdict) -> ImageEntry {
        ImageEntry {
            place: self.place(self.file, self.at.image),
            image: self.container.image.clone(),
            reference: verdict.reference.as_ref().ok().map(reference_parts),
            reference_error: verdict
                .reference
                .err()
                .map(|error| UntrustedText::from(error.to_string()).terminal()),
            tag_class: verdict.classification.class,
            confidence: verdict.classification.confidence,
            matched: verdict.classification.matched,
            image_pull_policy: self.container.pull_policy.clone(),
            effective_pull_policy: match self.workload.origin {
                Origin::Compose(_) => ComposePullPolicy::of(self.container.pull_policy.as_ref()).to_string(),
                _ => verdict.effective_pull_policy.as_str().to_owned(),
            },
        }
    }

    /// Without its fingerprint.
    fn finding(&self, finding: &Finding, omits_evidence: bool) -> FindingEntry {
        let (file, at) = match (finding.rule.group, self.at.pull_policy) {
            (RuleGroup::ImagePullPolicy, Some(at)) => (self.pull_policy_file, at),
            _ => (self.file, self.at.image),
        };
        FindingEntry {
            place: self.place(file, at),
            image: self.container.image.clone(),
            rule: finding.rule.id,
            policy: finding.rule.group,
            category: finding.rule.category,
            severity: finding.severity,
            result: finding.outcome,
            message: finding.message.clone(),
            resolution: finding.resolution.clone(),
            evidence: if omits_evidence {
                String::new()
            } else {
                evidence::written_snippet(self.workload.origin, self.container)
            },
            fingerprint: String::new(),
            exemption: finding.exemption.as_ref().map(|applied| Exemption {
                reason: applied.reason.terminal(),
                expires: applied.expires.map(|date| date.to_string()),
            }),
            known: None,
        }
    }
}

fn reference_parts(reference: &Reference) -> ReferenceParts {
    ReferenceParts {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        tag: reference.tag().map(str::to_owned),
        digest: reference.digest().map(str::to_owned),
    }
}
