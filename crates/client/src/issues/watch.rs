//! The issues of a cluster as they open, change and resolve: `tagwatch issues --watch`.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::api::{WatchEvent, WatchParams};
use kube::{Api, Client};
use tagwatch_core::text::UntrustedText;
use tagwatch_k8s::report::PolicyReport;
use tokio::time::{sleep, timeout};

use super::stored::issues_of;
use super::{IssueFilter, IssueQuery, ListIssuesError, ListedIssues, StoredIssue, each_report, list_error};
use crate::backoff::Backoff;
use crate::call::{CallError, LIST_LIMIT, call};
use crate::clock::ServerClock;

/// How long the API server holds a watch open, in seconds.
const WATCH_SECONDS: u32 = 290;
/// A watch that is silent for longer than the server holds it open has lost its connection.
const SILENCE_LIMIT: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 10);

/// What became of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueChange {
    /// It is new.
    Opened(StoredIssue),
    /// It is another than before, such as more severe or about another image.
    Changed {
        /// As it was.
        before: Box<StoredIssue>,
        /// As it is.
        now: Box<StoredIssue>,
    },
    /// It is over: fixed, exempt, or its report is gone.
    Resolved(StoredIssue),
}

/// What a watch has to say.
#[derive(Debug)]
pub enum IssueUpdate {
    /// Changes, in no order.
    Changes(Vec<IssueChange>),
    /// The connection is lost and tried again; said once for each outage.
    Interrupted(CallError),
}

type Reports = BTreeMap<(UntrustedText, UntrustedText), Vec<StoredIssue>>;
type Events = Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<PolicyReport>>>>>;

/// A list of issues that is kept up to date.
pub struct IssueWatch {
    api: Api<PolicyReport>,
    labels: String,
    filter: IssueFilter,
    clock: ServerClock,
    /// Issues that the filter admits, by namespace and name of the report.
    reports: Reports,
    /// Where the next watch begins; `None` where only a new list helps.
    version: Option<String>,
    events: Option<Events>,
    backoff: Backoff,
    is_interrupted: bool,
}

impl IssueWatch {
    /// Lists the issues. Returns them, and what follows them.
    ///
    /// # Errors
    /// As [`super::list_issues`].
    pub async fn start(
        client: &Client,
        query: &IssueQuery,
        clock: &ServerClock,
    ) -> Result<(ListedIssues, Self), ListIssuesError> {
        let mut watch = Self {
            api: query.api(client),
            labels: query.labels(),
            filter: query.filter.clone(),
            clock: clock.clone(),
            reports: Reports::new(),
            version: None,
            events: None,
            backoff: Backoff::default(),
            is_interrupted: false,
        };
        let listed = watch.list().await?;
        Ok((listed, watch))
    }

    async fn list(&mut self) -> Result<ListedIssues, ListIssuesError> {
        let Self { api, labels, filter, clock, .. } = self;
        let (mut listed, mut reports) = (ListedIssues::default(), Reports::new());
        let add = |report: &PolicyReport| {
            let found = issues_of(report, clock.today());
            reports.insert(key(report), admitted(found.clone(), filter));
            listed.add(found, filter);
        };
        self.version = Some(each_report(api, labels, add).await?);
        self.reports = reports;
        listed.sort();
        Ok(listed)
    }

    /// Waits for the next changes. A watch that ends is continued, and one that is too old begins with a new list.
    ///
    /// # Errors
    /// When the API server refuses: trying again does not help.
    pub async fn next(&mut self) -> Result<IssueUpdate, ListIssuesError> {
        loop {
            match self.advance().await {
                Ok(changes) if changes.is_empty() => {}
                Ok(changes) => return Ok(IssueUpdate::Changes(changes)),
                Err(ListIssuesError::Call(error)) if !is_refusal(&error) => {
                    self.events = None;
                    let is_first = !std::mem::replace(&mut self.is_interrupted, true);
                    if is_first {
                        return Ok(IssueUpdate::Interrupted(error));
                    }
                    sleep(self.backoff.delay_after(error.code().is_some())).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One step: a list, the begin of a watch, or an event.
    async fn advance(&mut self) -> Result<Vec<IssueChange>, ListIssuesError> {
        let Some(version) = &self.version else {
            sleep(self.backoff.next_delay()).await;
            let before = std::mem::take(&mut self.reports);
            if let Err(error) = self.list().await {
                self.reports = before;
                return Err(error);
            }
            self.recovered();
            return Ok(changes(&before, &self.reports));
        };
        let Some(events) = &mut self.events else {
            let params = WatchParams::default().labels(&self.labels).timeout(WATCH_SECONDS);
            let begun = call(LIST_LIMIT, self.api.watch(&params, version)).await;
            match begun {
                Ok(events) => self.events = Some(Box::pin(events)),
                Err(error) if error.code() == Some(410) => self.version = None,
                Err(error) => return Err(list_error(error)),
            }
            return Ok(Vec::new());
        };
        match timeout(SILENCE_LIMIT, events.next()).await {
            Ok(Some(Ok(WatchEvent::Error(status)))) => {
                (self.version, self.events) = (None, None);
                let is_too_old = status.code == 410;
                if is_too_old { Ok(Vec::new()) } else { Err(CallError::Api(kube::Error::Api(status)).into()) }
            }
            Ok(Some(Ok(event))) => Ok(self.apply(event)),
            Ok(Some(Err(error))) => Err(CallError::Api(error).into()),
            // The server ends every watch after a while. One that ends all of them at once is asked ever less often.
            Ok(None) | Err(_) => {
                self.events = None;
                sleep(self.backoff.next_delay()).await;
                Ok(Vec::new())
            }
        }
    }

    fn apply(&mut self, event: WatchEvent<PolicyReport>) -> Vec<IssueChange> {
        let (report, found) = match event {
            WatchEvent::Added(report) | WatchEvent::Modified(report) => {
                let found = admitted(issues_of(&report, self.clock.today()), &self.filter);
                (report, Some(found))
            }
            WatchEvent::Deleted(report) => (report, None),
            WatchEvent::Bookmark(bookmark) => {
                self.version = Some(bookmark.metadata.resource_version);
                return Vec::new();
            }
            // `advance` has taken it.
            WatchEvent::Error(_) => return Vec::new(),
        };
        self.recovered();
        if report.metadata.resource_version.is_some() {
            self.version.clone_from(&report.metadata.resource_version);
        }
        let key = key(&report);
        let before = self.reports.remove(&key).unwrap_or_default();
        let changes = changes_of(&before, found.as_deref().unwrap_or_default());
        if let Some(found) = found {
            self.reports.insert(key, found);
        }
        changes
    }

    fn recovered(&mut self) {
        self.is_interrupted = false;
        self.backoff.reset();
    }
}

/// Whether trying again cannot help: the account lacks the right, or is unknown.
fn is_refusal(error: &CallError) -> bool {
    matches!(error.code(), Some(400 | 401 | 403 | 405 | 422))
}

fn key(report: &PolicyReport) -> (UntrustedText, UntrustedText) {
    let text = |field: &Option<String>| UntrustedText::from(field.as_deref().unwrap_or_default());
    (text(&report.metadata.namespace), text(&report.metadata.name))
}

fn admitted(mut issues: Vec<StoredIssue>, filter: &IssueFilter) -> Vec<StoredIssue> {
    issues.retain(|issue| filter.admits(issue));
    issues
}

fn changes(before: &Reports, now: &Reports) -> Vec<IssueChange> {
    let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(key)));
    keys.flat_map(|key| {
        let [before, now] = [before, now].map(|reports| reports.get(key).map_or(&[][..], Vec::as_slice));
        changes_of(before, now)
    })
    .collect()
}

/// What became of the issues of one report.
fn changes_of(before: &[StoredIssue], now: &[StoredIssue]) -> Vec<IssueChange> {
    let find = |among: &[StoredIssue], issue: &StoredIssue| {
        among.iter().find(|other| other.is_about_the_same(issue)).cloned()
    };
    let resolved = before.iter().filter(|issue| find(now, issue).is_none());
    let open = now.iter().filter_map(|issue| match find(before, issue) {
        None => Some(IssueChange::Opened(issue.clone())),
        Some(before) if before != *issue => {
            Some(IssueChange::Changed { before: Box::new(before), now: Box::new(issue.clone()) })
        }
        Some(_) => None,
    });
    resolved.cloned().map(IssueChange::Resolved).chain(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(rule: &str, container: &str, severity: &str) -> StoredIssue {
        StoredIssue {
            rule: rule.into(),
            container: container.into(),
            severity: severity.into(),
            ..StoredIssue::default()
        }
    }

    #[test]
    fn an_issue_opens_changes_and_resolves_by_rule_and_container() {
        let (kept, before) = (issue("latest-tag", "app", "high"), issue("floating-tag", "app", "low"));
        let (now, gone) = (issue("floating-tag", "app", "high"), issue("latest-tag", "old", "high"));
        let new = issue("latest-tag", "new", "high");
        assert_eq!(
            changes_of(
                &[kept.clone(), before.clone(), gone.clone()],
                &[kept.clone(), now.clone(), new.clone()]
            ),
            [
                IssueChange::Resolved(gone),
                IssueChange::Changed { before: Box::new(before), now: Box::new(now) },
                IssueChange::Opened(new)
            ]
        );
        assert_eq!(changes_of(std::slice::from_ref(&kept), std::slice::from_ref(&kept)), []);
        let reports = |name: &str| Reports::from([(("shop".into(), name.into()), vec![kept.clone()])]);
        assert_eq!(
            changes(&reports("a"), &reports("b")),
            [IssueChange::Resolved(kept.clone()), IssueChange::Opened(kept.clone())],
            "a list that replaces another"
        );
    }
}
