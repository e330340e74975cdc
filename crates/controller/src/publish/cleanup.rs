//! Removes reports that are no longer wanted: of workloads that were deleted while no tagwatch ran, and of those that the
//! policy leaves out now.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::attempts::{Attempts, Retry};
use super::report_writer::{ReportWriter, WriteOutcome};
use super::strays::StrayReports;
use super::writer::WriteError;
use crate::state::ReportKey;

/// The namespaces in which the removal of a report failed, until one succeeds or there is none to remove.
#[derive(Debug, Default)]
pub(crate) struct Removals(BTreeMap<Arc<str>, Refused>);

#[derive(Debug)]
struct Refused {
    attempts: Attempts,
    not_before: Instant,
    /// The report that was refused. The next try begins behind it: it may be the only one that is refused.
    last: ReportKey,
}

impl Removals {
    /// The reports that are to be removed now, in the order in which they are tried. What refuses one report of a namespace
    /// refuses most others too, so that a namespace is left alone for a time.
    fn due(&mut self, unwanted: BTreeMap<Arc<str>, Vec<ReportKey>>, now: Instant) -> Vec<Vec<ReportKey>> {
        self.0.retain(|namespace, _| unwanted.contains_key(namespace));
        let due = unwanted.into_iter().filter_map(|(namespace, mut keys)| {
            keys.sort_unstable();
            if let Some(refused) = self.0.get(&namespace) {
                let behind = keys.partition_point(|key| *key <= refused.last);
                keys.rotate_left(behind);
            }
            let is_due = self.0.get(&namespace).is_none_or(|refused| refused.not_before <= now);
            is_due.then_some(keys)
        });
        due.collect()
    }

    fn succeeded(&mut self, namespace: &str) {
        self.0.remove(namespace);
    }

    /// Returns whether it is to be logged loudly.
    fn failed(&mut self, key: &ReportKey, error: &WriteError) -> bool {
        let now = Instant::now();
        let first = || Refused { attempts: Attempts::default(), not_before: now, last: key.clone() };
        let refused = self.0.entry(Arc::clone(&key.namespace)).or_insert_with(first);
        let Retry { wait, is_news } = refused.attempts.failed(error, &key.namespace);
        refused.not_before = now + wait;
        refused.last.clone_from(key);
        is_news
    }
}

impl ReportWriter {
    /// Deletes every report of ours that belongs to no checked workload. Where one of a namespace cannot be removed, the others
    /// are tried at the next sweep, and it is logged once for each reason. Reports that do not name our instance are named in
    /// the log, and left. What another client makes anew is removed once in an hour. A standby leaves all of it to the leader.
    pub(crate) async fn remove_unwanted(&self) {
        if !self.writer.may_write() {
            return;
        }
        let unwanted = self.unwanted();
        let due = self.removals.lock().due(unwanted, Instant::now());
        for keys in due {
            self.remove_all(keys).await;
        }
        let strays = StrayReports::find(&self.reports, &self.states);
        for text in [strays.unassigned_text(), strays.of_others_text()].into_iter().flatten() {
            tracing::warn!("{text}");
        }
    }

    /// Removes reports of one namespace, until one cannot be removed, or comes back.
    async fn remove_all(&self, keys: Vec<ReportKey>) {
        for key in keys {
            // A workload may have come (back) while others were being removed.
            if self.is_wanted(&key) {
                continue;
            }
            let (namespace, report) = (&*key.namespace, &*key.name);
            // The others may be those of another installation too: they are not removed either.
            if self.reports.lock().is_removal_contested(namespace, Instant::now()) {
                tracing::warn!(
                    namespace,
                    instance = &*self.instance,
                    "another client makes reports anew that nothing wants here; leaving those of the namespace. Perhaps \
                     another installation has the same instance name"
                );
                return;
            }
            match self.write(&key, None).await {
                Ok(WriteOutcome::Stored) => {
                    tracing::info!(namespace, report, "removed a report that nothing wants");
                    self.removals.lock().succeeded(namespace);
                }
                Ok(_) => {}
                Err(error) => {
                    if self.removals.lock().failed(&key, &error) {
                        tracing::warn!(namespace, report, %error, "cannot remove a report; trying again");
                    } else {
                        tracing::debug!(namespace, report, %error, "still cannot remove a report");
                    }
                    return;
                }
            }
        }
    }

    fn unwanted(&self) -> BTreeMap<Arc<str>, Vec<ReportKey>> {
        let known = self.reports.lock().ours();
        let mut unwanted: BTreeMap<Arc<str>, Vec<ReportKey>> = BTreeMap::new();
        for key in known.into_iter().filter(|key| !self.is_wanted(key)) {
            unwanted.entry(Arc::clone(&key.namespace)).or_default().push(key);
        }
        unwanted
    }

    /// What is not known of a namespace that is not followed is not gone either. Never before the evaluation of its workload
    /// has ended: until then nothing says that the workload is gone.
    fn is_wanted(&self, key: &ReportKey) -> bool {
        if !self.watches.is_followed(&key.namespace) {
            return true;
        }
        // In this order: what an evaluation found is known before it ends.
        self.queue.awaits(key) || self.states.lock().workload_of(key).is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tagwatch_client::CallError;

    use super::*;

    fn keys(namespace: &str, names: &[&str]) -> (Arc<str>, Vec<ReportKey>) {
        (namespace.into(), names.iter().map(|name| ReportKey::new(namespace, name)).collect())
    }

    /// The names that are due, by namespace.
    fn due(removals: &mut Removals, all: &[(Arc<str>, Vec<ReportKey>)]) -> Vec<String> {
        let due = removals.due(all.iter().cloned().collect(), Instant::now());
        due.into_iter().map(|keys| keys.iter().map(|key| &*key.name).collect::<String>()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_namespace_that_refuses_is_left_alone_for_a_time_and_then_another_report_is_first() {
        let mut removals = Removals::default();
        let all = [keys("bank", &["x", "y"]), keys("shop", &["a", "c", "b"])];
        assert_eq!(due(&mut removals, &all), ["xy", "abc"]);
        let refusal = kube::core::Status::failure("no", "Forbidden").with_code(403).boxed();
        let refusal = WriteError::Call(CallError::Api(kube::Error::Api(refusal)));
        let fail = |removals: &mut Removals, name| removals.failed(&ReportKey::new("shop", name), &refusal);
        assert!(fail(&mut removals, "a"), "the first is logged loudly");
        assert_eq!(due(&mut removals, &all), ["xy"]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(due(&mut removals, &all), ["xy", "bca"]);
        assert!(!fail(&mut removals, "b"));
        assert!(!fail(&mut removals, "c"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(due(&mut removals, &all), ["xy", "abc"]);
        removals.succeeded("shop");
        assert!(fail(&mut removals, "a"), "and again after a success");
        // There is nothing to remove any more.
        assert_eq!(due(&mut removals, &all[..1]), ["xy"]);
        assert!(removals.0.is_empty());
    }
}
