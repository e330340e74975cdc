//! When each result of a report was first seen.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::{PolicyReport, ResultId};

/// When each result of a stored report was first seen, to the second. The report is the only place that holds
/// it, so that it survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstSeen(
    /// Sorted by key. There is one of these for every report, and most have a handful of results: a map would
    /// take several times the memory.
    Box<[(ResultId, i64)]>,
);

impl FirstSeen {
    /// Reads the timestamps of a stored report. What somebody has edited into nonsense is left out.
    pub fn of(report: &PolicyReport) -> Self {
        let results = report.results.iter().flatten();
        // The last of two results with one key counts.
        let times: BTreeMap<ResultId, i64> = results
            .filter_map(|result| {
                let id = ResultId::parse(result.properties.as_ref()?.get(super::entry::RESULT_ID)?)?;
                let seconds = result.timestamp?.seconds;
                Timestamp::from_second(seconds).ok()?;
                Some((id, seconds))
            })
            .collect();
        Self(times.into_iter().collect())
    }

    /// When a result was first seen; `now` for one that is new. A time that lies ahead was edited or came from
    /// a clock that was wrong: `now` then, too.
    pub fn get(&self, id: ResultId, now: Timestamp) -> Timestamp {
        let found = self.0.binary_search_by_key(&id, |(id, _)| *id).ok().and_then(|at| self.0.get(at));
        let stored = found.and_then(|(_, seconds)| Timestamp::from_second(*seconds).ok());
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        stored.map_or(now, |stored| stored.min(now))
    }
}
