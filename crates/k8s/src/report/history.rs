//! What a report remembers of what is over: intervals in which a rule was violated, and images that changed. The report
//! is the only place that holds it, so that it survives a restart.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tagwatch_core::text::UntrustedText;

use super::bounds::{self, MAX_SHORT};
use super::first_seen::FirstSeen;
use super::{HISTORY_ANNOTATION, PolicyReport, ResultId};

/// Intervals, and image changes, that a report keeps: the last ones.
pub const MAX_HISTORY: usize = 16;
/// Longest annotation that is read: many times what we write.
const MAX_ANNOTATION: usize = 64 * 1024;

/// What is over, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Intervals in which a rule was violated.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub closed: Box<[Interval]>,
    /// Containers that came to name another image.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub images: Box<[ImageChange]>,
}

/// A time in which a rule was violated by a container, and which is over. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Key that the result had.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The container.
    pub container: String,
    /// What kind of place it is, by the name that results have for it; `None` where an older version wrote it.
    #[serde(rename = "containerType", skip_serializing_if = "Option::is_none", default)]
    pub container_type: Option<String>,
    /// Its image at the end.
    pub image: String,
    /// When it was first seen.
    pub from: i64,
    /// When it was no longer seen; never before `from`.
    pub until: i64,
}

/// A container that came to name another image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// The container.
    pub container: String,
    /// The image before.
    pub from: String,
    /// The image since.
    pub to: String,
    /// When it was seen, in Unix seconds.
    pub at: i64,
}

impl ImageChange {
    /// A change that is seen now.
    pub fn new(container: &UntrustedText, from: &UntrustedText, to: &UntrustedText, now: Timestamp) -> Self {
        let [container, from, to] = [container, from, to].map(|text| bounds::shown(text, MAX_SHORT));
        Self { container, from, to, at: now.as_second() }
    }
}

impl History {
    /// Reads the history of a report. What somebody has edited into nonsense is left out.
    pub fn of(report: &PolicyReport) -> Self {
        let annotations = report.metadata.annotations.as_ref();
        let text = annotations.and_then(|all| all.get(HISTORY_ANNOTATION)).map_or("", String::as_str);
        if text.is_empty() || text.len() > MAX_ANNOTATION {
            return Self::default();
        }
        let Self { closed, images } = serde_json::from_str(text).unwrap_or_default();
        let is_time = |seconds: i64| Timestamp::from_second(seconds).is_ok();
        let holds = |interval: &Interval| {
            let times = is_time(interval.from) && is_time(interval.until) && interval.from <= interval.until;
            times && ResultId::parse(&interval.id).is_some()
        };
        Self {
            closed: last(closed.into_iter().filter(holds)),
            images: last(images.into_iter().filter(|change| is_time(change.at))),
        }
    }

    /// The history after an evaluation in which only `found` is left of what was seen before.
    pub(super) fn after(
        &self,
        seen: &FirstSeen,
        found: impl Fn(ResultId) -> bool,
        changes: &[ImageChange],
        now: Timestamp,
    ) -> Self {
        let ended = seen.open().filter(|(id, ..)| !found(*id)).map(|(id, from, open)| Interval {
            id: id.to_string(),
            rule: open.rule.to_string(),
            container: open.container.to_string(),
            container_type: Some(open.container_type.to_string()).filter(|kind| !kind.is_empty()),
            image: open.image.to_string(),
            from,
            // A clock that was set back makes no time negative.
            until: now.as_second().max(from),
        });
        let mut ended: Vec<Interval> = ended.collect();
        ended.sort_by(|one, other| (&one.rule, &one.container).cmp(&(&other.rule, &other.container)));
        Self {
            closed: last(self.closed.iter().cloned().chain(ended)),
            images: last(self.images.iter().cloned().chain(changes.iter().cloned())),
        }
    }

    /// What is remembered since a time from which no report could be read, behind what the report says of the time
    /// before, now that it is read. What was open in the report and is over since began when the report says.
    #[must_use]
    pub fn behind(&self, stored: &Self, seen: &FirstSeen) -> Self {
        let begun_earlier = |interval: &Interval| {
            let since = ResultId::parse(&interval.id).and_then(|id| seen.since(id));
            Interval {
                from: since.map_or(interval.from, |since| since.min(interval.from)),
                ..interval.clone()
            }
        };
        let is_new = |interval: &&Interval| !stored.closed.contains(interval);
        let closed = self.closed.iter().filter(is_new).map(begun_earlier);
        Self {
            closed: last(stored.closed.iter().cloned().chain(closed)),
            images: last(stored.images.iter().chain(&self.images).cloned()),
        }
    }

    /// The annotation that holds it; none where nothing is over.
    pub(super) fn annotation(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::to_string(self).unwrap_or_default())
    }
}

fn last<T>(items: impl Iterator<Item = T>) -> Box<[T]> {
    let mut items: Vec<T> = items.collect();
    items.drain(..items.len().saturating_sub(MAX_HISTORY));
    items.into()
}
