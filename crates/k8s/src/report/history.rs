//! What a report remembers of the past: findings that are over, and images that changed. The report is the only place
//! that holds it, so that it survives a restart.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tagwatch_core::issue::{Ending, ImageChange, Interval, ResultId};
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use super::bounds::{self, MAX_LONG, MAX_MESSAGE, MAX_SHORT};
use super::first_seen::{FirstSeen, Open};
use super::{HISTORY_ANNOTATION, PolicyReport};

/// Intervals, and image changes, that a report keeps: the last ones.
pub const MAX_HISTORY: usize = 16;
/// Longest annotation that is read: more than we write, even where JSON doubles each byte of the longest texts. An object
/// can hold 256 KiB of annotations.
const MAX_ANNOTATION: usize = 128 * 1024;
const _: () = assert!(
    MAX_ANNOTATION > 2 * MAX_HISTORY * (MAX_LONG + MAX_MESSAGE + 3 * MAX_SHORT + 3 * MAX_SHORT + OF_ENTRIES),
    "texts of an interval, of an image change, and what is around both"
);
/// Room for keys, numbers and punctuation of an interval and an image change together.
const OF_ENTRIES: usize = 400;

/// What is over, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Intervals in which a rule had a finding.
    pub closed: Box<[Interval]>,
    /// Containers that came to name another image.
    pub images: Box<[ImageChange]>,
}

/// The JSON of the annotation. Times are Unix seconds.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Annotation {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    closed: Vec<ClosedEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<ImageEntry>,
}

#[derive(Serialize, Deserialize)]
struct ClosedEntry {
    id: String,
    rule: String,
    container: String,
    #[serde(rename = "containerType", skip_serializing_if = "Option::is_none", default)]
    container_type: Option<String>,
    image: String,
    // Older versions wrote none of these three.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    severity: Option<String>,
    #[serde(rename = "pullPolicy", skip_serializing_if = "Option::is_none", default)]
    pull_policy: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    message: String,
    from: i64,
    until: i64,
    // Older versions wrote none; where how it ended is not known there is none either.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ending: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ImageEntry {
    container: String,
    from: String,
    to: String,
    at: i64,
}

impl ClosedEntry {
    /// `None` for what an edit made meaningless.
    fn read(self) -> Option<Interval> {
        let Self {
            id,
            rule,
            container,
            container_type,
            image,
            severity,
            pull_policy,
            message,
            from,
            until,
            ending,
        } = self;
        let is_in_order = from <= until;
        is_in_order.then_some(Interval {
            id: ResultId::parse(&id)?,
            rule: bounds::read(&rule, MAX_SHORT),
            container: bounds::read(&container, MAX_SHORT),
            container_type: container_type.as_deref().and_then(ContainerType::parse),
            image: bounds::read(&image, MAX_LONG),
            severity: severity.as_deref().and_then(Severity::parse),
            pull_policy: pull_policy.map(|policy| bounds::read(&policy, MAX_SHORT)),
            message: bounds::read(&message, MAX_MESSAGE),
            from: Timestamp::from_second(from).ok()?,
            until: Timestamp::from_second(until).ok()?,
            ending: ending.as_deref().and_then(Ending::parse).unwrap_or_default(),
        })
    }
}

impl From<&Interval> for ClosedEntry {
    fn from(interval: &Interval) -> Self {
        let Interval {
            id,
            rule,
            container,
            container_type,
            image,
            severity,
            pull_policy,
            message,
            from,
            until,
            ending,
        } = interval;
        let [rule, container, image, message] =
            [rule, container, image, message].map(|text| text.json().to_owned());
        Self {
            id: id.to_string(),
            rule,
            container,
            container_type: container_type.map(|kind| kind.as_str().to_owned()),
            image,
            severity: severity.map(|severity| severity.as_str().to_owned()),
            pull_policy: pull_policy.as_ref().map(|policy| policy.json().to_owned()),
            message,
            from: from.as_second(),
            until: until.as_second(),
            ending: (*ending != Ending::Resolved).then(|| ending.as_str().to_owned()),
        }
    }
}

impl ImageEntry {
    fn read(self) -> Option<ImageChange> {
        let Self { container, from, to, at } = self;
        let [container, from, to] = [container, from, to].map(|text| bounds::read(&text, MAX_SHORT));
        Some(ImageChange { container, from, to, at: Timestamp::from_second(at).ok()? })
    }
}

impl From<&ImageChange> for ImageEntry {
    fn from(change: &ImageChange) -> Self {
        let ImageChange { container, from, to, at } = change;
        let [container, from, to] = [container, from, to].map(|text| text.json().to_owned());
        Self { container, from, to, at: at.as_second() }
    }
}

impl History {
    /// Reads the history of a report. What an edit made meaningless is left out.
    pub fn of(report: &PolicyReport) -> Self {
        let annotations = report.metadata.annotations.as_ref();
        let text = annotations.and_then(|all| all.get(HISTORY_ANNOTATION)).map_or("", String::as_str);
        if text.is_empty() || text.len() > MAX_ANNOTATION {
            return Self::default();
        }
        let Annotation { closed, images } = serde_json::from_str(text).unwrap_or_default();
        Self {
            closed: last(closed.into_iter().filter_map(ClosedEntry::read)),
            images: last(images.into_iter().filter_map(ImageEntry::read)),
        }
    }

    /// A change of an image that is seen now, within the limits of a report.
    pub fn image_change(
        container: &UntrustedText,
        from: &UntrustedText,
        to: &UntrustedText,
        now: Timestamp,
    ) -> ImageChange {
        let [container, from, to] =
            [container, from, to].map(|text| UntrustedText::from(bounds::shown(text, MAX_SHORT)));
        ImageChange { container, from, to, at: whole_seconds(now) }
    }

    /// The history after an evaluation. `is_left` says of a finding that was seen before, by its key,
    /// whether it is there still, and `ending` how it ended where it is not.
    pub(super) fn after(
        &self,
        seen: &FirstSeen,
        is_left: impl Fn(ResultId) -> bool,
        ending: impl Fn(&Open) -> Ending,
        changes: &[ImageChange],
        now: Timestamp,
    ) -> Self {
        let ended = seen.open().filter(|(id, ..)| !is_left(*id)).filter_map(|(id, from, open)| {
            let from = Timestamp::from_second(from).ok()?;
            Some(Interval {
                id,
                rule: open.rule.clone(),
                container: open.container.clone(),
                container_type: open.container_type,
                image: open.image.clone(),
                severity: open.severity,
                pull_policy: open.pull_policy.clone(),
                message: open.message.clone(),
                from,
                // A clock that was set back makes no time negative.
                until: whole_seconds(now).max(from),
                ending: ending(open),
            })
        });
        let mut ended: Vec<Interval> = ended.collect();
        ended.sort_by(|one, other| (&one.rule, &one.container).cmp(&(&other.rule, &other.container)));
        Self {
            closed: last(self.closed.iter().cloned().chain(ended)),
            images: last(self.images.iter().chain(changes).cloned()),
        }
    }

    /// What was remembered while no report could be read, behind what the report says of the time before, now that it is
    /// read. A finding that was open in the report and ended since began when the report says.
    #[must_use]
    pub fn behind(&self, stored: &Self, seen: &FirstSeen) -> Self {
        let begun_earlier = |interval: &Interval| {
            let since = seen.since(interval.id).and_then(|since| Timestamp::from_second(since).ok());
            let from = since.map_or(interval.from, |since| since.min(interval.from));
            Interval { from, ..interval.clone() }
        };
        // Another version may have stored it, with more words or with fewer.
        let is_same = |one: &Interval, other: &Interval| {
            (one.id, one.from, one.until) == (other.id, other.from, other.until)
        };
        let is_new = |interval: &&Interval| !stored.closed.iter().any(|known| is_same(known, interval));
        let closed = self.closed.iter().filter(is_new).map(begun_earlier);
        Self {
            closed: last(stored.closed.iter().cloned().chain(closed)),
            images: last(stored.images.iter().chain(&self.images).cloned()),
        }
    }

    /// The annotation that holds it; none where nothing is over.
    pub(super) fn annotation(&self) -> Option<String> {
        let annotation = Annotation {
            closed: self.closed.iter().map(ClosedEntry::from).collect(),
            images: self.images.iter().map(ImageEntry::from).collect(),
        };
        (*self != Self::default()).then(|| serde_json::to_string(&annotation).unwrap_or_default())
    }
}

fn last<T>(items: impl Iterator<Item = T>) -> Box<[T]> {
    let mut items: Vec<T> = items.collect();
    items.drain(..items.len().saturating_sub(MAX_HISTORY));
    items.into()
}

/// Reports hold times to the second.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
