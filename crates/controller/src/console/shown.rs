//! From a judged workload to what the console shows of it.

use k8s_openapi::jiff::Timestamp;
use tagwatch_console::{self as console, Mend, Seen};
use tagwatch_core::engine::Judgement;
use tagwatch_core::workload::Workload;
use tagwatch_k8s::kind::WatchedKind;
use tagwatch_k8s::report::{FirstSeen, History, ImageChange, Interval, PolicyReport, ResultKeys};

use crate::index::WorkloadKey;

/// Everything that the console shows of a workload; times and keys are those of its report.
pub(crate) fn shown(
    key: &WorkloadKey,
    workload: &Workload,
    judgement: &Judgement,
    report: &PolicyReport,
    now: Timestamp,
) -> console::Workload {
    let (first_seen, history) = (FirstSeen::of(report), History::of(report));
    let keys = ResultKeys::new(key.uid(), &workload.containers);
    let judged = console::Judged { workload, verdicts: &judgement.verdicts, mend: mend(key) };
    let mut facts = judged.facts(|container, finding| {
        let id = keys.of(container, finding);
        let other_ids = keys.under_other_results(container, finding);
        Seen {
            id: id.to_string(),
            other_ids: other_ids.map(|id| id.to_string().into()).collect(),
            first_seen: first_seen.get(id, now),
        }
    });
    facts.closed = history.closed.iter().filter_map(closed).collect();
    facts.image_changes = history.images.iter().filter_map(image_change).collect();
    facts
}

fn mend(key: &WorkloadKey) -> Mend {
    match WatchedKind::find(key.api_version(), key.kind()) {
        Some(WatchedKind::Pod) => Mend::Pod,
        Some(WatchedKind::Job) => Mend::Recreate,
        Some(_) => Mend::Template,
        None => Mend::Elsewhere,
    }
}

fn closed(interval: &Interval) -> Option<console::ClosedInterval> {
    let Interval { id, rule, container, image: _, from, until } = interval;
    Some(console::ClosedInterval {
        id: Some(id.clone()),
        rule: rule.as_str().into(),
        container: container.as_str().into(),
        from: Timestamp::from_second(*from).ok()?,
        until: Timestamp::from_second(*until).ok()?,
    })
}

fn image_change(change: &ImageChange) -> Option<console::ImageChange> {
    let ImageChange { container, from, to, at } = change;
    let [container, from, to] = [container, from, to].map(|text| text.as_str().into());
    Some(console::ImageChange { container, from, to, at: Timestamp::from_second(*at).ok()? })
}
