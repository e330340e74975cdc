//! The steps of an evaluation before the write: assemble, judge, build.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;
use tagwatch_core::engine::{Engine, Judgement};
use tagwatch_core::issue::{Issue, ResultKeys};
use tagwatch_core::policy::Decision;
use tagwatch_core::workload::Workload;
use tagwatch_index::{Absence, Assembled, Index, WorkloadKey};
use tagwatch_k8s::report::{self, BuiltReport, PolicyReport, ReportInput, ReportedIssues};

use super::field_owner::FieldOwner;
use crate::state::{EngineHandle, Known, ReportIndex, ReportKey, ReportMemory, Stores, WorkloadStates};

/// Assembles workloads with what is remembered of them.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
}

/// A workload with the engine and the memory of its evaluation. One engine is used from its start to its end.
pub(crate) struct Evaluation<'a> {
    pub(crate) key: &'a WorkloadKey,
    pub(crate) report: &'a ReportKey,
    pub(crate) workload: Workload,
    /// Where the fields of its containers are, for the console.
    pub(crate) fields: FieldOwner,
    /// What is remembered from before this evaluation.
    pub(crate) memory: ReportMemory,
    pub(crate) engine: Arc<Engine>,
    pub(crate) now: Timestamp,
}

/// A workload as the index and the stores hold it.
pub(crate) struct AssembledWorkload {
    pub(crate) workload: Workload,
    pub(crate) fields: FieldOwner,
    /// When time alone changes the evidence of drift.
    pub(crate) look_again: Option<Duration>,
}

/// The result of judging a workload.
pub(crate) enum Judged {
    /// Its results.
    Issues(JudgedWorkload),
    /// The policy's scope leaves it out.
    OutOfScope,
}

/// The results of a workload.
pub(crate) struct JudgedWorkload {
    pub(crate) judgement: Judgement,
    pub(crate) issues: Vec<Issue>,
}

/// A report to be written.
pub(crate) struct Built<'a> {
    pub(crate) wanted: PolicyReport,
    /// The results in the report.
    pub(crate) issues: ReportedIssues<'a>,
    /// What is remembered for the next evaluation.
    pub(crate) memory: ReportMemory,
}

impl Judge {
    /// The workload as it is now.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn assemble(&self, key: &WorkloadKey, now: Timestamp) -> Result<AssembledWorkload, Absence> {
        let mut index = self.index.lock();
        match index.assemble(key, &*self.stores, now) {
            Assembled::Workload { workload, look_again } => {
                let fields = FieldOwner::of(key, &index, &*self.stores);
                Ok(AssembledWorkload { workload: *workload, fields, look_again })
            }
            Assembled::Absent(absence) => Err(absence),
        }
    }

    /// Begins the evaluation of an assembled workload.
    pub(crate) fn begin<'a>(
        &self,
        key: &'a WorkloadKey,
        report: &'a ReportKey,
        assembled: AssembledWorkload,
        now: Timestamp,
    ) -> Evaluation<'a> {
        let AssembledWorkload { workload, fields, .. } = assembled;
        let memory = self.memory(key, report);
        Evaluation { key, report, workload, fields, memory, engine: self.engine.current(), now }
    }

    /// When results were first seen, and what is over: as it is remembered, else as the stored report says. Memory comes
    /// first, since anybody may edit a report; unless it began while no report could be read.
    fn memory(&self, key: &WorkloadKey, report: &ReportKey) -> ReportMemory {
        let mut memory = match self.states.lock().memory(key) {
            Some(memory) if !memory.is_unread => return memory.clone(),
            memory => memory.cloned().unwrap_or_default(),
        };
        let reports = self.reports.lock();
        match reports.known(report) {
            Known::Fresh(stored) | Known::Stale(stored) => memory.behind(&stored),
            Known::Absent => {
                memory.is_unread = !reports.is_ready(&report.namespace);
                memory
            }
        }
    }
}

impl Evaluation<'_> {
    /// What the policy says of the workload.
    pub(crate) fn judge(&self) -> Judged {
        let Self { key, workload, memory, engine, now, .. } = self;
        let judgement = engine.assess(workload, |image| engine.read_image(image));
        if judgement.in_scope == Decision::No {
            return Judged::OutOfScope;
        }
        let keys = ResultKeys::new(key.uid(), &workload.containers);
        let first_seen = |id| memory.first_seen.get(id, *now);
        let issues = Issue::all(workload, &judgement.verdicts, &keys, first_seen);
        Judged::Issues(JudgedWorkload { judgement, issues })
    }

    /// The report of these results.
    pub(crate) fn build<'a>(&'a self, judged: &'a JudgedWorkload) -> Built<'a> {
        let Self { key, workload, memory, engine, now, .. } = self;
        let BuiltReport { report, issues } = report::build(&ReportInput {
            workload,
            uid: key.uid(),
            issues: &judged.issues,
            namespace_labels: engine.policy().metric_labels(),
            first_seen: &memory.first_seen,
            history: &memory.history,
            image_changes: &memory.image_changes(workload, *now),
            now: *now,
        });
        let memory = memory.after(workload, &report, &issues);
        Built { wanted: report, issues, memory }
    }
}
