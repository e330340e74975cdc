//! The scan: inputs, documents, findings.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use tagwatch_core::engine::Engine;

use crate::charts;
use crate::compose;
use crate::file::Reading;
use crate::input::{self, Exclude, Input};
use crate::kustomize;
use crate::manifest::Prefilter;
use crate::parallel::{self, Threads};
use crate::pieces;
use crate::policy_file::PolicyFile;
use crate::render::{self, Render};
use crate::report::{Judge, KnownImages, ReadFile, ReportBuilder, ScanReport};
use crate::yaml::Limits;

/// What to scan and what to report.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "options that do not depend on each other")]
pub struct ScanOptions {
    /// Files, folders, or `-` for standard input. Each is read once, in this order.
    pub paths: Vec<PathBuf>,
    /// Whether findings include passes.
    pub show_passed: bool,
    /// The engine's policy file, for notes on its exemptions.
    pub policy_file: Option<PolicyFile>,
    /// Whether the policy file was found rather than given, so that a note must name it.
    pub policy_is_found: bool,
    /// Default namespace of manifests without one.
    pub namespace: Option<String>,
    /// Whether it is an error if nothing was judged.
    pub require_workloads: bool,
    /// What places call standard input, in place of `<stdin>`.
    pub stdin_name: Option<String>,
    /// What is not read of folders.
    pub exclude: Exclude,
    /// Most threads that read; by default as many as the machine runs at once. They make no difference to the report.
    pub threads: Option<NonZeroUsize>,
    /// Whether the environment names Compose files by `COMPOSE_FILE`: it is not applied, and a note says so.
    pub is_compose_file_set: bool,
    /// Whether the report lists images only where it has a finding of them; [`Format::lists_clean_images`] says which formats
    /// show the others. They are counted all the same.
    ///
    /// [`Format::lists_clean_images`]: crate::output::Format::lists_clean_images
    pub omits_clean_images: bool,
    /// Whether findings are listed without evidence; [`Format::shows_evidence`] says which formats show it.
    ///
    /// [`Format::shows_evidence`]: crate::output::Format::shows_evidence
    pub omits_evidence: bool,
    /// Whether findings have no fingerprint; [`Format::shows_fingerprints`] says which formats show it. A report without cannot
    /// be [compared](ScanReport::compare_with).
    ///
    /// [`Format::shows_fingerprints`]: crate::output::Format::shows_fingerprints
    pub omits_fingerprints: bool,
    /// Renders charts and kustomizations, by programs of the user.
    pub render: Option<Render>,
}

/// Reads and evaluates manifests. Always returns a report: it has a note for each input that cannot be read, and the rest
/// is still evaluated. `stdin` is read only if the paths include `-`.
pub fn scan(engine: &Engine, options: &ScanOptions, stdin: &mut dyn Read) -> ScanReport {
    scan_within(Limits::default(), engine, options, stdin)
}

pub(crate) fn scan_within(
    limits: Limits,
    engine: &Engine,
    options: &ScanOptions,
    stdin: &mut dyn Read,
) -> ScanReport {
    let mut builder = ReportBuilder::new();
    let threads = Threads::new(options.threads);
    let inputs = input::discover(&options.paths, &options.exclude, threads, builder.notes());
    let stdin_name = options.stdin_name.as_deref();
    let kinds = engine.policy().kinds();
    let prefilter = Prefilter::new(kinds);
    let reading = Reading { limits, kinds, prefilter: &prefilter, stdin_name };
    let mut files = read_all(&inputs, reading, threads, stdin);
    if let Some(render) = &options.render {
        render::apply(&mut files, render, kinds, limits);
    }
    kustomize::apply(&mut files, kinds, limits);
    compose::apply(&mut files, limits, options.is_compose_file_set);
    charts::apply(&mut files);
    if let Some(namespace) = &options.namespace {
        let manifests = files.iter_mut().flat_map(|file| &mut file.manifests);
        let workloads = manifests.flat_map(|manifest| &mut manifest.workloads);
        for located in workloads.filter(|located| located.is_of_cluster()) {
            located.workload.id.namespace.get_or_insert_with(|| namespace.as_str().into());
        }
    }
    let undescribed;
    let engine = if options.show_passed {
        engine
    } else {
        undescribed = engine.clone().with_undescribed_passes();
        &undescribed
    };
    let mut judge = Judge {
        engine,
        show_passed: options.show_passed,
        omits_clean_images: options.omits_clean_images,
        omits_evidence: options.omits_evidence,
        omits_fingerprints: options.omits_fingerprints,
        namespaces: BTreeMap::new(),
    };
    // A namespace applies to workloads in earlier files too.
    let namespaces = files.iter().flat_map(|file| &file.manifests).flat_map(|manifest| &manifest.namespaces);
    judge.know_namespaces(namespaces);
    let judged =
        parallel::map(files.into_iter(), threads, KnownImages::new, |images, file| judge.file(images, file));
    for file in judged {
        builder.add_file(file);
    }
    let required_of = options.paths.first().filter(|_| options.require_workloads);
    let required_of = required_of.map(|path| input::name_of(path));
    builder.finish(engine, options.policy_file.as_ref(), options.policy_is_found, required_of.as_deref())
}

/// Reads the inputs, by several threads. Of each file its workloads stay and what it says about others, never its text.
fn read_all(inputs: &[Input], reading: Reading<'_>, threads: Threads, stdin: &mut dyn Read) -> Vec<ReadFile> {
    let mut piped =
        inputs.contains(&Input::Stdin).then(|| reading.input(&Input::Stdin, stdin, &mut Vec::new()));
    let files = parallel::map(inputs.iter(), threads, Vec::new, |buffer, input| match input {
        Input::Stdin => None,
        Input::Named(path) | Input::Found(path) => reading.small_file(input, path, buffer),
    });
    let rest = inputs.iter().zip(files);
    let file = |(input, file): (&Input, Option<ReadFile>)| match (file, input) {
        (Some(file), _) => Some(file),
        // It is among the inputs once.
        (None, Input::Stdin) => piped.take(),
        (None, Input::Named(path) | Input::Found(path)) => Some(
            pieces::read(&reading, input, path, threads).unwrap_or_else(|| reading.whole_file(input, path)),
        ),
    };
    rest.filter_map(file).collect()
}
