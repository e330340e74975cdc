//! Workloads that left while this process runs: their reports are deleted with them, so nothing else remembers what was
//! wrong with them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use tagwatch_console::{DepartedWorkload, Departures};
use tagwatch_core::text::UntrustedText;

/// Room for all of them, in bytes: some ten thousand.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Workloads that left, by namespace. Where there is no room, the namespace with the most loses its oldest one, so that a
/// namespace in which many come and go costs no other one its history.
#[derive(Debug, Default)]
pub(crate) struct DepartureLog {
    namespaces: BTreeMap<UntrustedText, OfNamespace>,
    /// Namespaces by their bytes.
    by_bytes: BTreeSet<(usize, UntrustedText)>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct OfNamespace {
    /// Oldest first, each with its bytes.
    workloads: VecDeque<(usize, Arc<DepartedWorkload>)>,
    bytes: usize,
    forgotten: Option<Timestamp>,
}

impl DepartureLog {
    pub(crate) fn add(&mut self, workload: DepartedWorkload) {
        let (namespace, bytes) = (workload.namespace.clone(), workload.weight());
        self.change(&namespace, |known| {
            known.bytes += bytes;
            known.workloads.push_back((bytes, Arc::new(workload)));
        });
        while self.bytes > MAX_BYTES
            && let Some((_, heaviest)) = self.by_bytes.last().cloned()
        {
            self.change(&heaviest, |known| {
                if let Some((bytes, oldest)) = known.workloads.pop_front() {
                    known.bytes -= bytes;
                    known.forgotten = Some(oldest.at);
                }
            });
        }
    }

    /// Changes a namespace, and where it is by its bytes.
    fn change(&mut self, namespace: &UntrustedText, change: impl FnOnce(&mut OfNamespace)) {
        let known = self.namespaces.entry(namespace.clone()).or_default();
        let before = known.bytes;
        change(known);
        let after = known.bytes;
        self.bytes = self.bytes - before + after;
        self.by_bytes.remove(&(before, namespace.clone()));
        if after > 0 {
            self.by_bytes.insert((after, namespace.clone()));
        }
    }

    /// All that is remembered, by a process that started then.
    pub(crate) fn departures(&self, since: Timestamp) -> Departures {
        let workloads = self.namespaces.values().flat_map(|known| &known.workloads);
        let forgotten =
            self.namespaces.iter().filter_map(|(name, known)| Some((name.clone(), known.forgotten?)));
        Departures {
            since: Some(since),
            workloads: workloads.map(|(_, workload)| Arc::clone(workload)).collect(),
            forgotten: forgotten.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tagwatch_core::issue::ImageChange;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A workload that takes a little more than so many bytes.
    fn workload(namespace: &str, second: i64, bytes: usize) -> DepartedWorkload {
        let to = "x".repeat(bytes).into();
        let change = ImageChange { container: "web".into(), from: "web:1".into(), to, at: at(second) };
        DepartedWorkload {
            namespace: namespace.into(),
            kind: "Deployment".into(),
            name: "web".into(),
            at: at(second),
            closed: Box::default(),
            image_changes: [change].into(),
            known_since: None,
            created: None,
            team: None,
        }
    }

    #[test]
    fn the_namespace_with_the_most_forgets_its_oldest_and_says_so() {
        let mut log = DepartureLog::default();
        log.add(workload("quiet", 1, 100));
        for second in 2..8 {
            log.add(workload("busy", second, MAX_BYTES / 4));
        }
        let Departures { since, workloads, forgotten } = log.departures(at(0));
        assert_eq!(since, Some(at(0)));
        let left: Vec<(&str, i64)> =
            workloads.iter().map(|workload| (workload.namespace.raw(), workload.at.as_second())).collect();
        assert_eq!(left, [("busy", 5), ("busy", 6), ("busy", 7), ("quiet", 1)]);
        assert_eq!(forgotten, BTreeMap::from([("busy".into(), at(4))]));
        let kept: usize = workloads.iter().map(|workload| workload.weight()).sum();
        assert_eq!(log.bytes, kept);
    }

    #[test]
    fn one_that_is_larger_than_all_room_is_forgotten_at_once() {
        let mut log = DepartureLog::default();
        log.add(workload("shop", 1, MAX_BYTES));
        let Departures { workloads, forgotten, .. } = log.departures(at(0));
        assert!(workloads.is_empty());
        assert_eq!(forgotten, BTreeMap::from([("shop".into(), at(1))]));
        assert_eq!(log.bytes, 0);
    }
}
