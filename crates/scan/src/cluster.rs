//! The workloads of a cluster, judged and reported as those of manifests are. The caller reads them.

use std::collections::BTreeMap;

use tagwatch_core::engine::Engine;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{Namespace, Workload, WorkloadId};

use crate::manifest::{ContainerPlace, LocatedWorkload, Manifest};
use crate::note::{Note, NoteCode};
use crate::policy_file::PolicyFile;
use crate::report::{Judge, KnownImages, ReadFile, ReportBuilder, ScanReport};
use crate::yaml::Position;

/// What places notes that are about the cluster as a whole.
const CLUSTER: &str = "<cluster>";

/// Collects the report on the workloads of a cluster.
#[derive(Debug)]
pub struct ClusterReport<'e> {
    judge: Judge<'e>,
    images: KnownImages,
    builder: ReportBuilder,
}

impl<'e> ClusterReport<'e> {
    /// For an engine that judges objects of a cluster.
    pub fn new(engine: &'e Engine, show_passed: bool) -> Self {
        let judge = Judge {
            engine,
            show_passed,
            omits_clean_images: false,
            omits_evidence: false,
            omits_fingerprints: false,
            namespaces: BTreeMap::new(),
        };
        Self { judge, images: KnownImages::new(), builder: ReportBuilder::new() }
    }

    /// Adds a namespace: its labels and annotations apply to what is in it.
    pub fn know_namespace(&mut self, name: &str, namespace: &Namespace) {
        self.judge.know_namespaces([(name.into(), namespace.clone())].iter());
    }

    /// Judges a workload.
    pub fn add(&mut self, workload: Workload) {
        let places = vec![
            ContainerPlace { image: Position::OF_NO_FILE, pull_policy: None };
            workload.containers.len()
        ];
        let name = place_of(&workload.id);
        let located = LocatedWorkload {
            workload,
            places,
            at: Position::OF_NO_FILE,
            ignore: [None, None],
            pull_policy_file: None,
        };
        let manifest = Manifest { workloads: vec![located], ..Manifest::default() };
        self.add_file(ReadFile { name, manifests: vec![manifest], ..ReadFile::default() });
    }

    fn add_file(&mut self, file: ReadFile) {
        let judged = self.judge.file(&mut self.images, file);
        self.builder.add_file(judged);
    }

    /// Adds a note on the cluster as a whole.
    pub fn remark(&mut self, code: NoteCode, message: &str) {
        self.builder.notes().push(Note::new(CLUSTER, code, message));
    }

    /// The report, with the number of objects that were read. `policy` is that of the engine, where there is one; with
    /// `require_workloads` it is an error if nothing was judged.
    pub fn finish(
        mut self,
        objects: u64,
        policy: Option<&PolicyFile>,
        require_workloads: bool,
    ) -> ScanReport {
        self.add_file(ReadFile { name: CLUSTER.to_owned(), documents: objects, ..ReadFile::default() });
        let engine = self.judge.engine;
        let mut report = self.builder.finish(engine, policy, false, require_workloads.then_some(CLUSTER));
        report.is_of_cluster = true;
        report
    }
}

/// `NAMESPACE/KIND/NAME`, as `tagwatch policy show --for` takes it.
fn place_of(id: &WorkloadId) -> String {
    let namespace = id.namespace.as_ref().map(UntrustedText::raw).unwrap_or_default();
    format!("{namespace}/{}/{}", id.kind.raw(), id.name.raw())
}
