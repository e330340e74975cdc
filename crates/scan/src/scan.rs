//! The scan: inputs, documents, findings.

use std::io::Read;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use tagwatch_core::engine::Engine;

use crate::charts;
use crate::compose;
use crate::file::Reading;
use crate::input::{self, Exclude, Input};
use crate::kustomize;
use crate::parallel;
use crate::policy_file::PolicyFile;
use crate::render::{self, Render};
use crate::report::{ReadFile, ReportBuilder, ScanReport};
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
    let mut builder = ReportBuilder::new(engine, options.show_passed);
    let threads = options.threads.unwrap_or_else(parallel::default_threads);
    let inputs = input::discover(&options.paths, &options.exclude, threads.get(), builder.notes());
    let stdin_name = options.stdin_name.as_deref();
    let reading = Reading { limits, kinds: engine.policy().kinds(), stdin_name };
    let mut files = read_all(&inputs, reading, threads, stdin);
    if let Some(render) = &options.render {
        render::apply(&mut files, render, engine.policy().kinds(), limits);
    }
    kustomize::apply(&mut files);
    compose::apply(&mut files, limits, options.is_compose_file_set);
    charts::apply(&mut files);
    if let Some(namespace) = &options.namespace {
        let manifests = files.iter_mut().flat_map(|file| &mut file.manifests);
        let workloads = manifests.flat_map(|manifest| &mut manifest.workloads);
        for located in workloads.filter(|located| located.is_of_cluster()) {
            located.workload.id.namespace.get_or_insert_with(|| namespace.as_str().into());
        }
    }
    // A namespace applies to workloads in earlier files too.
    let namespaces = files.iter().flat_map(|file| &file.manifests).flat_map(|manifest| &manifest.namespaces);
    builder.know_namespaces(namespaces);
    for file in files {
        builder.add_file(file);
    }
    let required_of = options.paths.first().filter(|_| options.require_workloads);
    let required_of = required_of.map(|path| input::name_of(path));
    builder.finish(options.policy_file.as_ref(), options.policy_is_found, required_of.as_deref())
}

/// Reads the inputs, by several threads. Of each file its workloads stay and what it says about others, never its text.
fn read_all(
    inputs: &[Input],
    reading: Reading<'_>,
    threads: NonZeroUsize,
    stdin: &mut dyn Read,
) -> Vec<ReadFile> {
    let mut piped =
        inputs.contains(&Input::Stdin).then(|| reading.input(&Input::Stdin, stdin, &mut Vec::new()));
    let files = parallel::map(inputs, threads, Vec::new, |buffer, input| match input {
        Input::Stdin => None,
        Input::Named(path) | Input::Found(path) => Some(reading.file(input, path, buffer)),
    });
    // Standard input is among the inputs once.
    files.into_iter().filter_map(|file| file.or_else(|| piped.take())).collect()
}
