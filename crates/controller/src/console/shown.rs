//! From a judged workload to what the console shows of it.

use k8s_openapi::jiff::Timestamp;
use tagwatch_console as console;
use tagwatch_core::policy::Policy;
use tagwatch_core::workload::ContainerType;
use tagwatch_k8s::report::{ImageChange, Interval, MAX_HISTORY, ReportInput, ResultKeys};

use super::Holder;
use crate::live::Past;

/// Everything that the console shows of a workload: what its report was built of, and what is remembered of it since.
pub(crate) fn shown(
    input: &ReportInput<'_>,
    past: &Past,
    policy: &Policy,
    holder: &Holder,
) -> console::Workload {
    let ReportInput { workload, uid, verdicts, now, .. } = *input;
    let keys = ResultKeys::new(uid, &workload.containers);
    let judged = console::Judged { workload, verdicts, policy };
    let seen = |container: &_, finding: &_| {
        let id = keys.of(container, finding);
        let other_ids = keys.under_other_results(container, finding);
        console::Seen {
            id: id.to_string(),
            other_ids: other_ids.map(|id| id.to_string().into()).collect(),
            first_seen: past.first_seen.get(id, now),
        }
    };
    let mut facts = judged.facts(|container| holder.edit_mode(container), seen);
    facts.closed = past.history.closed.iter().filter_map(closed).collect();
    facts.is_history_full = past.history.closed.len() >= MAX_HISTORY;
    facts.image_changes = past.history.images.iter().filter_map(image_change).collect();
    facts
}

fn closed(interval: &Interval) -> Option<console::ClosedInterval> {
    let Interval { id, rule, container, container_type, image, from, until } = interval;
    Some(console::ClosedInterval {
        id: Some(id.clone()),
        rule: rule.as_str().into(),
        container: container.as_str().into(),
        container_type: container_type.as_deref().and_then(ContainerType::parse),
        image: image.as_str().into(),
        from: Timestamp::from_second(*from).ok()?,
        until: Timestamp::from_second(*until).ok()?,
    })
}

fn image_change(change: &ImageChange) -> Option<console::ImageChange> {
    let ImageChange { container, from, to, at } = change;
    let [container, from, to] = [container, from, to].map(|text| text.as_str().into());
    Some(console::ImageChange { container, from, to, at: Timestamp::from_second(*at).ok()? })
}

#[cfg(test)]
#[path = "shown_tests.rs"]
mod tests;
