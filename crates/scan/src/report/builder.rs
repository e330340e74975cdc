//! Puts together what a report says, file by file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tagwatch_core::engine::Engine;
use tagwatch_core::issue::ExemptionReview;
use tagwatch_core::text::UntrustedText;

use super::coverage::{self, Coverage};
use super::exempting::{self, FirstMet, WithoutNamespace};
use super::fingerprint::Fingerprints;
use super::judge::JudgedFile;
use super::{Note, NoteCode, ScanReport, Summary};
use crate::compose::{ComposeFile, ReadCompose};
use crate::kustomize::Kustomization;
use crate::manifest::Manifest;
use crate::policy_file::PolicyFile;

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
        if !are_others || u64::try_from(self.manifests.len()) != Ok(self.documents) {
            return;
        }
        let mut count = 0_u64;
        // What names images is folded into one note of its own.
        self.manifests.retain(|manifest| {
            count += u64::from(!manifest.remarks.is_empty());
            manifest.remarks.is_empty() || count == 1
        });
        if count < 2 {
            return;
        }
        let remarks = self.manifests.iter_mut().flat_map(|manifest| &mut manifest.remarks);
        for remark in remarks {
            // Writing to a String does not fail.
            let _ = write!(remark.message, "; so are {} more documents of the file", count - 1);
        }
    }
}

#[derive(Debug)]
pub(crate) struct ReportBuilder {
    report: ScanReport,
    fingerprints: Fingerprints,
    exemptions: ExemptionReview<UntrustedText, FirstMet>,
    without_namespace: WithoutNamespace,
    coverage: Coverage,
}

impl ReportBuilder {
    pub(crate) fn new() -> Self {
        let report = ScanReport {
            schema: ScanReport::SCHEMA,
            summary: Summary::default(),
            images: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            is_of_cluster: false,
        };
        Self {
            report,
            fingerprints: Fingerprints::default(),
            exemptions: ExemptionReview::default(),
            without_namespace: WithoutNamespace::default(),
            coverage: Coverage::default(),
        }
    }

    pub(crate) fn notes(&mut self) -> &mut Vec<Note> {
        &mut self.report.notes
    }

    /// With `required_of`, the name of the first input, it is an error if nothing was judged.
    pub(crate) fn finish(
        mut self,
        engine: &Engine,
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
            let notes = exempting::policy_notes(engine, policy, &self.exemptions);
            self.report.notes.extend(notes);
        }
        self.report.notes.extend(exempting::namespace_notes(&self.exemptions));
        self.report.summary.uncovered_kinds = self.coverage.kinds();
        if let Some((file, reason)) = required_of.zip(self.report.nothing_judged()) {
            self.report.notes.push(Note::new(file, NoteCode::NothingJudged, &reason));
        }
        self.report
    }

    /// Adds a file after the others.
    pub(crate) fn add_file(&mut self, judged: JudgedFile) {
        let JudgedFile {
            name,
            summary,
            mut images,
            mut findings,
            mut notes,
            unjudged,
            exemptions_used,
            in_namespaces,
            without_namespace,
        } = judged;
        let first = self.report.summary.images;
        self.report.summary.add(&summary);
        for image in &mut images {
            image.place.subject += first;
        }
        for finding in &mut findings {
            finding.place.subject += first;
            if !finding.fingerprint.is_empty() {
                self.fingerprints.number(finding);
            }
        }
        self.exemptions.add_used(exemptions_used);
        for (namespace, remarks, at) in in_namespaces {
            self.exemptions.add_remarks(&namespace, &remarks, || (name.clone(), at));
        }
        for at in without_namespace {
            self.without_namespace.add(&name, at);
        }
        for unjudged in self.coverage.fold(unjudged.into_iter()) {
            self.report.summary.uncovered_images += unjudged.count;
            notes.push(coverage::note(&name, &unjudged));
        }
        // The lists of a pod spec are judged one after the other, but people and tools read from top to bottom.
        images.sort_by_key(|image| (image.place.line, image.place.column));
        findings.sort_by_key(|finding| (finding.place.line, finding.place.column));
        notes.sort_by_key(|note| (note.line, note.column));
        self.report.images.append(&mut images);
        self.report.findings.append(&mut findings);
        self.report.notes.append(&mut notes);
    }
}
