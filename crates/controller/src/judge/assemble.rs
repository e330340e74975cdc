//! The first step: the workload as the index and the stores hold it, with what is remembered of it.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use parking_lot::Mutex;
use tagwatch_core::engine::Engine;
use tagwatch_core::workload::Workload;
use tagwatch_index::{Absence, Assembled, Collected, Index, SettledController, WorkloadKey};

use super::field_owner::FieldOwner;
use crate::state::{
    EngineHandle, Known, Leadership, MemoryBasis, ReportIndex, ReportKey, ReportMemory, Stores,
    WorkloadStates,
};

/// Assembles workloads with what is remembered of them.
pub(crate) struct Assembler {
    pub(crate) index: Arc<Mutex<Index>>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) states: Arc<Mutex<WorkloadStates>>,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    pub(crate) leadership: Leadership,
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
    pub(crate) fn collect(&self, key: &WorkloadKey, now: Timestamp) -> Result<Collected, Absence> {
        self.index.lock().collect(key, &*self.stores, now)
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
        let Assembled { workload, look_again } = index.attach(prepared, now);
        let fields = FieldOwner::of(key, &index, &*self.stores);
        Ok(AssembledWorkload { workload, fields, look_again })
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
    /// first, since other clients may edit a report; unless it began while no report could be read, or another replica
    /// writes the report.
    fn memory(&self, key: &WorkloadKey, report: &ReportKey) -> ReportMemory {
        let remembered = self.states.lock().memory(key).cloned();
        let basis = match &remembered {
            _ if !self.leadership.may_write() => MemoryBasis::Standby,
            Some(ReportMemory { basis: MemoryBasis::Own, .. }) => return remembered.unwrap_or_default(),
            Some(memory) => memory.basis,
            None => MemoryBasis::Unread,
        };
        let mut memory = remembered.unwrap_or_default();
        let reports = self.reports.lock();
        match reports.known(report) {
            Known::Fresh(stored) | Known::Stale(stored) if basis == MemoryBasis::Standby => {
                memory.following(&stored)
            }
            Known::Fresh(stored) | Known::Stale(stored) => memory.behind(&stored),
            Known::Absent | Known::Unread => {
                let is_ready = reports.is_ready(&report.namespace);
                memory.basis = if is_ready { MemoryBasis::Own } else { MemoryBasis::Unread };
                memory
            }
        }
    }
}
