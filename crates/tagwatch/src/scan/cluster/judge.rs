//! From the index to workloads, as the controller assembles them.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use tagwatch_core::kinds::KindName;
use tagwatch_core::workload::Workload;
use tagwatch_index::{Candidates, Collected, Index, SettledController, WorkloadKey};

use super::objects::Objects;

/// Reports what names a controller that does not exist on its own, as a controller does after its grace time: the lists
/// are complete. Objects of the kinds `refused` may exist and were not listed.
pub(super) fn settle(index: &mut Index, refused: &[KindName], now: Timestamp) {
    let is_known = |key: &WorkloadKey| !refused.iter().any(|kind| key.is_of(&kind.group, &kind.kind));
    let mut open: Vec<WorkloadKey> = everything(index).into_iter().collect();
    let mut settled = BTreeSet::new();
    while let Some(key) = open.pop() {
        if !is_known(&key) || !settled.insert(key.clone()) {
            continue;
        }
        let mut at = now;
        loop {
            let SettledController { affected, look_again } = index.settle_controller(&key, at);
            open.extend(affected);
            let Some(wait) = look_again else { break };
            at = at.checked_add(wait).unwrap_or(at);
        }
    }
}

/// Assembles each workload, by namespace, kind and name.
pub(super) fn each_workload(
    index: &mut Index,
    objects: &Objects,
    now: Timestamp,
    mut read: impl FnMut(Workload),
) {
    let mut keys: Vec<WorkloadKey> = everything(index).into_iter().collect();
    keys.sort_by(|one, other| order(one).cmp(&order(other)));
    for key in keys {
        // Without one there is nothing to report: it is finished, or another object speaks for it.
        if let Ok(prepared) = index.collect(&key, objects, now).and_then(Collected::prepare) {
            read(index.attach(prepared, now).workload);
        }
    }
}

fn order(key: &WorkloadKey) -> [&str; 4] {
    [key.namespace(), key.kind(), key.name(), key.api_version()]
}

fn everything(index: &Index) -> BTreeSet<WorkloadKey> {
    let (mut all, mut behind) = (BTreeSet::new(), None);
    loop {
        let Candidates { found, last } = index.candidates(behind.as_ref());
        all.extend(found);
        behind = last;
        if behind.is_none() {
            return all;
        }
    }
}
