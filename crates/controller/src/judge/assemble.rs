//! The first step: the workload as the index and the stores hold it, with what is remembered of it.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;
use tagwatch_core::engine::Engine;
use tagwatch_core::workload::Workload;
use tagwatch_index::{Absence, Assembled, Collected, Index, SettledController, WorkloadKey};

use super::field_owner::FieldOwner;
use crate::state::{EngineHandle, Known, ReportIndex, ReportKey, ReportMemory, Stores, WorkloadStates};

/// Assembles workloads with what is remembered of them.
pub(crate) struct Assembler {
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    /// This installation, as its reports name it.
    pub(crate) instance: Arc<str>,
}

/// A workload with the engine and the memory of its evaluation. One engine is used from its start to its end.
pub(crate) struct Evaluation<'a> {
    pub(crate) key: &'a WorkloadKey,
    pub(crate) report: &'a ReportKey,
    pub(crate) instance: Arc<str>,
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

impl Assembler {
    /// Looks whether what names a key as its controller is reported under it.
    pub(crate) fn settle(&self, key: &WorkloadKey, now: Timestamp) -> SettledController {
        self.index.lock().settle_controller(key, now)
    }

    /// What the workload is made of now.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn collect(&self, key: &WorkloadKey) -> Result<Collected, Absence> {
        self.index.lock().collect(key, &*self.stores)
    }

    /// Puts a workload together. What a user decides the size of is done without a lock.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn assemble(
        &self,
        key: &WorkloadKey,
        collected: Collected,
        now: Timestamp,
    ) -> Result<AssembledWorkload, Absence> {
        let prepared = collected.prepare().inspect_err(|_| self.index.lock().forget(key))?;
        let mut index = self.index.lock();
        match index.attach(prepared, now) {
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
        let instance = Arc::clone(&self.instance);
        Evaluation { key, report, instance, workload, fields, memory, engine: self.engine.current(), now }
    }

    /// When results were first seen, and what is over: as it is remembered, else as the stored report says. Memory comes
    /// first, since other clients may edit a report; unless it began while no report could be read.
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
