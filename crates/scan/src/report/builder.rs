//! Judges workloads and collects what a report says of them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tagwatch_core::engine::{Engine, ReadImage};
use tagwatch_core::evidence;
use tagwatch_core::finding::{Finding, Verdict};
use tagwatch_core::issue::ExemptionReview;
use tagwatch_core::outcome::Outcome;
use tagwatch_core::pull_policy::ComposePullPolicy;
use tagwatch_core::reference::Reference;
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Container, Namespace, Origin, Workload, WorkloadId};

use super::coverage::{self, Coverage};
use super::exempting::{self, FirstMet, WithoutNamespace};
use super::fingerprint::Fingerprints;
use super::{
    Exemption, FindingEntry, ImageEntry, Note, NoteCode, ReferenceParts, ScanReport, SourceLocation, Summary,
};
use crate::compose::{ComposeFile, ReadCompose};
use crate::kustomize::Kustomization;
use crate::manifest::{ContainerPlace, LocatedWorkload, Manifest, Remark};
use crate::policy_file::PolicyFile;
use crate::yaml::Position;

/// A file and its manifests.
#[derive(Debug, Default)]
pub(crate) struct ReadFile {
    pub(crate) name: String,
    /// Where it is; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// What it says as a Compose file, until the files of a project are put together.
    pub(crate) compose: Option<ComposeFile>,
    /// What it says as a kustomization.
    pub(crate) kustomization: Option<Kustomization>,
    /// Those of documents that say something.
    pub(crate) manifests: Vec<Manifest>,
    /// Number of documents that were read.
    pub(crate) documents: u64,
    /// Notes on unread documents and on the whole file.
    pub(crate) notes: Vec<Note>,
    /// Whether the file was read as manifests, and completely.
    pub(crate) is_read: bool,
    /// The folder of the chart whose raw template it is.
    pub(crate) template_of: Option<PathBuf>,
    /// How many documents, or the file as a whole, are raw templates.
    pub(crate) templates: u64,
}

impl ReadFile {
    pub(crate) fn new(name: String) -> Self {
        Self { name, is_read: true, ..Self::default() }
    }

    /// Leaves nothing to judge: what it says is judged as a kustomization renders it.
    pub(crate) fn leave_to_rendered(&mut self) {
        self.manifests.clear();
        self.kustomization = None;
    }

    pub(crate) fn of_compose(name: String, path: Option<PathBuf>, read: ReadCompose) -> Self {
        let ReadCompose { file, manifests, errors } = read;
        let notes = errors.iter().map(|error| Note::of_document(&name, error)).collect();
        let documents = u64::try_from(manifests.len()).unwrap_or(u64::MAX);
        let mut of_compose =
            Self { path, compose: Some(file), manifests, documents, notes, ..Self::new(name) };
        of_compose.count_as_read();
        of_compose
    }

    /// A file that is broken, or of which nothing but templates was found, was not read.
    pub(crate) fn count_as_read(&mut self) {
        let templates = self.notes.iter().filter(|note| note.code == NoteCode::HelmTemplate).count();
        self.templates = u64::try_from(templates).unwrap_or(u64::MAX);
        self.is_read = !self.is_incomplete() && (self.templates == 0 || self.documents > 0);
    }

    /// A raw template of a chart, which is skipped.
    pub(crate) fn of_template(name: String, path: Option<&Path>, chart: PathBuf) -> Self {
        let path = path.map(Path::to_path_buf);
        Self { name, path, template_of: Some(chart), templates: 1, ..Self::default() }
    }

    pub(crate) fn unread(note: Note, name: String) -> Self {
        Self { name, notes: vec![note], ..Self::default() }
    }

    /// Adds a document.
    pub(crate) fn add(&mut self, manifest: Manifest) {
        self.documents += 1;
        if !manifest.is_empty() {
            self.manifests.push(manifest);
        }
    }

    /// Whether a part of the file was not read.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.notes.iter().any(|note| note.code.is_error())
    }

    /// Makes a note of the first error, where nobody would give the file to kubectl: the others follow from it.
    pub(crate) fn set_aside(&mut self) {
        let is_error = |note: &Note| note.code.is_error() && note.code != NoteCode::UnreadableInput;
        let Some(first) = self.notes.iter().position(is_error) else { return };
        let note = &mut self.notes[first];
        note.code = NoteCode::NotManifest;
        note.message.push_str("; without `apiVersion` and `kind` at its root it is read as no manifest");
        let mut index = 0;
        self.notes.retain(|note| {
            index += 1;
            index <= first + 1 || !is_error(note)
        });
    }

    /// Leaves one remark where no document is a Kubernetes object: data can hold a line for each of many records.
    pub(crate) fn fold_other_documents(&mut self) {
        let are_others = self.manifests.iter().all(Manifest::is_other_document);
        let count = self.manifests.len();
        if count < 2 || !are_others || u64::try_from(count) != Ok(self.documents) {
            return;
        }
        self.manifests.truncate(1);
        let remarks = self.manifests.iter_mut().flat_map(|manifest| &mut manifest.remarks);
        for remark in remarks {
            // Writing to a String does not fail.
            let _ = write!(remark.message, "; so are {} more documents of the file", count - 1);
        }
    }
}

#[derive(Debug)]
pub(crate) struct ReportBuilder<'e> {
    engine: &'e Engine,
    show_passed: bool,
    report: ScanReport,
    /// Images read so far: manifests repeat them.
    images: HashMap<String, ReadImage>,
    fingerprints: Fingerprints,
    namespaces: BTreeMap<UntrustedText, Arc<Namespace>>,
    exemptions: ExemptionReview<UntrustedText, FirstMet>,
    without_namespace: WithoutNamespace,
    coverage: Coverage,
}

impl<'e> ReportBuilder<'e> {
    pub(crate) fn new(engine: &'e Engine, show_passed: bool) -> Self {
        let report = ScanReport {
            schema: ScanReport::SCHEMA,
            summary: Summary::default(),
            images: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            is_of_cluster: false,
        };
        Self {
            engine,
            show_passed,
            report,
            images: HashMap::new(),
            fingerprints: Fingerprints::default(),
            namespaces: BTreeMap::new(),
            exemptions: ExemptionReview::default(),
            without_namespace: WithoutNamespace::default(),
            coverage: Coverage::default(),
        }
    }

    pub(crate) fn notes(&mut self) -> &mut Vec<Note> {
        &mut self.report.notes
    }

    pub(crate) fn know_namespaces<'n>(
        &mut self,
        namespaces: impl Iterator<Item = &'n (UntrustedText, Namespace)>,
    ) {
        self.namespaces
            .extend(namespaces.map(|(name, namespace)| (name.clone(), Arc::new(namespace.clone()))));
    }

    /// With `required_of`, the name of the first input, it is an error if nothing was judged.
    pub(crate) fn finish(
        mut self,
        policy: Option<&PolicyFile>,
        is_found: bool,
        required_of: Option<&str>,
    ) -> ScanReport {
        if let Some(policy) = policy {
            if is_found {
                // Before everything else: it decides on all of it.
                self.report.notes.insert(0, exempting::found_note(policy));
            }
            self.report.notes.extend(exempting::namespace_note(policy, &self.without_namespace));
            let notes = exempting::policy_notes(self.engine, policy, &self.exemptions);
            self.report.notes.extend(notes);
        }
        self.report.notes.extend(exempting::namespace_notes(&self.exemptions));
        self.report.summary.uncovered_kinds = self.coverage.kinds();
        if let Some((file, reason)) = required_of.zip(self.report.nothing_judged()) {
            self.report.notes.push(Note::new(file, NoteCode::NothingJudged, &reason));
        }
        self.report
    }

    /// Adds a file with its documents.
    pub(crate) fn add_file(&mut self, file: ReadFile) {
        let ReadFile { name: file, manifests, documents, mut notes, is_read, templates, .. } = file;
        let (images, findings) = (self.report.images.len(), self.report.findings.len());
        let name = UntrustedText::from(file.as_str());
        let summary = &mut self.report.summary;
        summary.files += u64::from(is_read);
        summary.templates += templates;
        summary.documents += documents;
        let mut unjudged = Vec::new();
        for manifest in manifests {
            for workload in manifest.workloads {
                self.add_workload(&name, workload, &mut notes);
            }
            let note = |remark: &Remark| Note::at(&file, remark.at, remark.code, &remark.message);
            notes.extend(manifest.remarks.iter().map(note));
            unjudged.extend(manifest.unjudged);
        }
        for unjudged in self.coverage.fold(unjudged.into_iter()) {
            self.report.summary.uncovered_images += unjudged.count;
            notes.push(coverage::note(&file, &unjudged));
        }
        // The lists of a pod spec are judged one after the other, but people and tools read from top to bottom.
        self.report.images[images..].sort_by_key(|image| (image.place.line, image.place.column));
        self.report.findings[findings..].sort_by_key(|finding| (finding.place.line, finding.place.column));
        notes.sort_by_key(|note| (note.line, note.column));
        self.report.notes.append(&mut notes);
    }

    fn add_workload(&mut self, file: &UntrustedText, mut located: LocatedWorkload, notes: &mut Vec<Note>) {
        let namespace = located.workload.id.namespace.as_ref();
        located.workload.namespace = namespace.and_then(|name| self.namespaces.get(name)).cloned();
        let LocatedWorkload { workload, places, pull_policy_file, .. } = &located;
        self.report.summary.workloads += 1;
        let (engine, images) = (self.engine, &mut self.images);
        let judgement = engine.assess(workload, |image| read_once(engine, images, image));
        notes.extend(exempting::workload_notes(file.raw(), &located, &judgement));
        match &workload.id.namespace {
            Some(namespace) => {
                let first_met = || (file.raw().to_owned(), located.at);
                self.exemptions.add_remarks(namespace, &judgement.remarks, first_met);
            }
            // Only objects of a cluster have a namespace.
            None if !located.is_of_cluster() => {}
            None => self.without_namespace.add(file.raw(), located.at),
        }
        self.exemptions.add_used(judgement.exemptions_used);
        for verdict in judgement.verdicts {
            let parts = workload.containers.get(verdict.container).zip(places.get(verdict.container));
            if let Some((container, at)) = parts {
                let number = self.report.summary.images;
                let pull_policy_file = pull_policy_file.as_ref().unwrap_or(file);
                let subject = Subject { number, file, pull_policy_file, workload, container, at: *at };
                self.add_verdict(&subject, verdict);
            }
        }
    }

    fn add_verdict(&mut self, subject: &Subject<'_>, verdict: Verdict) {
        for finding in &verdict.findings {
            self.report.summary.results.count(finding.outcome);
            // Passes are numbered on their own, so that those that are not shown need no fingerprint.
            if finding.outcome != Outcome::Pass || self.show_passed {
                let fingerprint = self.fingerprints.next(&subject.workload.id, subject.container, finding);
                self.report.findings.push(subject.finding(finding, fingerprint));
            }
        }
        self.report.summary.images += 1;
        self.report.images.push(subject.image(verdict));
    }
}

fn read_once(engine: &Engine, images: &mut HashMap<String, ReadImage>, image: &str) -> ReadImage {
    match images.entry(image.to_owned()) {
        Entry::Occupied(known) => known.get().clone(),
        Entry::Vacant(vacant) => vacant.insert(engine.read_image(image)).clone(),
    }
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

    fn finding(&self, finding: &Finding, fingerprint: String) -> FindingEntry {
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
            evidence: evidence::written_snippet(self.workload.origin, self.container),
            fingerprint,
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
