//! Follows our reports: waits for the report API, lists what it holds once, and then watches metadata alone. Where the API
//! cannot be watched, it lists them again and again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kube::core::PartialObjectMeta;
use kube::{Api, Client, Resource, ResourceExt};
use kube_runtime::watcher::{self, Event};
use parking_lot::Mutex;
use tagwatch_client::{Backoff, CallError, api, each_page, is_served};
use tagwatch_k8s::report::{MANAGED_BY_SELECTOR, PolicyReport, ReportOwner, StoredReport};
use tokio::time::sleep;

use super::absence::Absence;
use super::rights::Refusals;
use super::scope_rights::ScopeRights;
use super::stats::{WatchStats, refusal_code};
use super::watch::{Flow, Sink, watch};
use crate::state::metrics::ControllerMetrics;
use crate::state::{Need, Outage, Queue, ReadyToken, ReportIndex, ReportKey, StatusTracker, WatchRegistry};

/// How often an API server without the report API is asked for it.
const ABSENT_INTERVAL: Duration = Duration::from_secs(5);
/// Reports in one answer to a list. Bodies are read one page at a time, so this bounds the memory of a start.
const REPORTS_PER_PAGE: u32 = 25;
/// How often reports are listed that cannot be watched: later than this, what another client changed is not restored.
const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// Metadata of reports in one answer to such a list.
const METADATA_PER_PAGE: u32 = 500;
/// Discovery document of the report API.
const REPORT_API: &str = "wgpolicyk8s.io/v1alpha2";
const GROUP: &str = "wgpolicyk8s.io";
const PLURAL: &str = "policyreports";

/// Follows the reports of one watched namespace, or of all. Clones share what they change.
#[derive(Clone)]
pub(crate) struct ReportObserver {
    pub(crate) client: Client,
    pub(crate) rights: ScopeRights,
    pub(crate) reports: Arc<Mutex<ReportIndex>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) status: Arc<StatusTracker>,
    pub(crate) ready: ReadyToken,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) watches: WatchRegistry,
    /// This installation, as its reports name it.
    pub(crate) instance: Arc<str>,
}

impl ReportObserver {
    /// Follows the reports, and waits for the report API whenever it is gone. Never returns.
    pub(crate) async fn follow(self) {
        let (mut backoff, mut outage) = (Backoff::default(), Outage::default());
        let (scope, metrics) = (self.scope(), self.metrics.clone());
        let stats = WatchStats::new(PLURAL, scope, Need::Required, &self.watches, metrics);
        loop {
            self.wait_until_served(&stats).await;
            let is_versioned = match self.list().await {
                Ok((reports, version)) => {
                    backoff.reset();
                    outage.end();
                    tracing::info!(reports = reports.len(), namespace = scope, "our reports are read");
                    self.mark_listed(reports);
                    !version.is_empty()
                }
                Err(error) if error.code() == Some(403) => {
                    self.wait_for_the_right(&stats).await;
                    continue;
                }
                Err(error) => {
                    let reason = error.category();
                    if outage.begin() {
                        tracing::warn!(%error, reason, namespace = scope, "cannot list our reports; trying again");
                    } else {
                        tracing::debug!(%error, reason, namespace = scope, "still cannot list our reports");
                    }
                    sleep(backoff.next_delay()).await;
                    continue;
                }
            };
            let (listed, refusals) = (HashSet::new(), Refusals::default());
            let mut sink = MetadataSink { observer: self.clone(), listed, refusals };
            let api: Api<PartialObjectMeta<PolicyReport>> = api(&self.client, scope);
            if is_versioned {
                let config = watcher::Config::default().labels(MANAGED_BY_SELECTOR);
                watch(api, config, sink, stats.clone()).await;
            } else {
                poll(&api, &mut sink, &stats).await;
            }
            // Discovery may name for a while what is not served any more.
            sleep(Absence::default().pause(ABSENT_INTERVAL)).await;
        }
    }

    /// The namespace whose reports are followed; `None` is all at once.
    fn scope(&self) -> Option<&str> {
        self.rights.namespace()
    }

    async fn wait_for_the_right(&self, stats: &WatchStats) {
        stats.forbidden();
        if self.rights.is_one_of_several() {
            self.ready.mark_ready();
        }
        self.rights.granted(GROUP, PLURAL).await;
    }

    async fn wait_until_served(&self, stats: &WatchStats) {
        let mut absence = Absence::default();
        let mut outage = Outage::default();
        let mut is_logged = false;
        let mut backoff = Backoff::default();
        loop {
            match is_served(&self.client, REPORT_API, PLURAL).await {
                Ok(true) => {
                    self.metrics.report_api_available.set(1);
                    return;
                }
                Ok(false) => absence.count(),
                Err(error) => {
                    let reason = error.category();
                    if outage.begin() {
                        tracing::warn!(%error, reason, "cannot ask for the report API; trying again");
                    } else {
                        tracing::debug!(%error, reason, "still cannot ask for the report API");
                    }
                    sleep(backoff.delay_of(error.code())).await;
                    continue;
                }
            }
            if absence.is_confirmed() && !is_logged {
                is_logged = true;
                self.metrics.report_api_available.set(0);
                tracing::warn!(
                    missing = "policyreports.wgpolicyk8s.io/v1alpha2",
                    "the API server does not serve the PolicyReport API, so no report can be written; install its \
                     CustomResourceDefinition (config/crd, or the chart with crds.install=true). Metrics go on, and \
                     reports follow within seconds once it is there"
                );
                self.mark_absent(stats);
            }
            sleep(absence.pause(ABSENT_INTERVAL)).await;
        }
    }

    /// Every report with its body, and the version of the list.
    async fn list(&self) -> Result<(Vec<StoredReport>, String), CallError> {
        let api: Api<PolicyReport> = api(&self.client, self.scope());
        let mut reports = Vec::new();
        let read = |page: Vec<PolicyReport>| {
            reports.extend(page.into_iter().map(|report| StoredReport::new(report, &self.instance)));
        };
        let version = each_page(&api, MANAGED_BY_SELECTOR, REPORTS_PER_PAGE, read).await?;
        Ok((reports, version))
    }

    /// Everything that is stored, with bodies: once at the start, and whenever the report API came back.
    fn mark_listed(&self, reports: Vec<StoredReport>) {
        self.reports.lock().apply_list(self.scope(), reports);
        self.count_strays();
        self.queue.request_all();
        self.status.notify();
    }

    /// The report API is not served.
    fn mark_absent(&self, stats: &WatchStats) {
        self.reports.lock().mark_lost(self.scope());
        self.count_strays();
        self.ready.mark_ready();
        stats.absent();
        self.status.notify();
    }

    fn count_strays(&self) {
        let (unassigned, others) = self.reports.lock().strays().counts();
        self.metrics.set_strays(unassigned, others);
    }

    /// The watch shows whose a report is; `None` when it is deleted.
    fn mark_owner(&self, key: &ReportKey, owner: Option<ReportOwner>) {
        if self.reports.lock().mark_owner(key, owner) {
            self.count_strays();
            self.status.notify();
        }
    }

    fn request_owner_of(&self, report: &ReportKey) {
        self.queue.request_owner_of(report, &self.reports);
    }
}

struct MetadataSink {
    observer: ReportObserver,
    listed: HashSet<ReportKey>,
    refusals: Refusals,
}

impl MetadataSink {
    fn mark_changed(&self, report: &PartialObjectMeta<PolicyReport>) {
        let key = key_of(report);
        let owner = ReportOwner::of(report.meta().labels.as_ref(), &self.observer.instance);
        self.observer.mark_owner(&key, Some(owner));
        let is_foreign = self.observer.reports.lock().mark_changed(&key, &version_of(report));
        if is_foreign {
            self.observer.request_owner_of(&key);
        }
    }

    fn mark_deleted(&self, report: &PartialObjectMeta<PolicyReport>) {
        let key = key_of(report);
        self.observer.mark_owner(&key, None);
        let is_foreign = self.observer.reports.lock().mark_deleted(&key, &version_of(report));
        if is_foreign {
            self.observer.request_owner_of(&key);
        }
    }

    /// A complete list has ended: reports that it did not name are gone.
    fn finish_list(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        let gone = self.observer.reports.lock().retain(self.observer.scope(), &listed);
        self.observer.count_strays();
        for key in gone {
            self.observer.request_owner_of(&key);
        }
        // Not earlier: a list that is under way while the first reports are written does not name them, and each would be
        // read and evaluated once more.
        self.observer.ready.mark_ready();
    }
}

impl Sink<PartialObjectMeta<PolicyReport>> for MetadataSink {
    fn mark_progress(&mut self) {
        self.refusals.mark_worked();
    }

    fn event(&mut self, event: Event<PartialObjectMeta<PolicyReport>>) -> Flow {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(report) => {
                self.listed.insert(key_of(&report));
                self.mark_changed(&report);
            }
            Event::InitDone => self.finish_list(),
            Event::Apply(report) => self.mark_changed(&report),
            Event::Delete(report) => self.mark_deleted(&report),
        }
        Flow::Continue
    }

    /// 404 for a whole resource: its definition was removed. Without its right it ends too, and the next list shows which.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) == Some(404) { Flow::Stop } else { self.refusals.mark_failed(error) }
    }
}

/// Lists metadata again and again, until the API is gone. A list without a version leaves nothing to watch from: Kyverno's
/// reports-server (`pkg/api/polr.go`) also ends no initial state, so that a watch would never be in sync.
async fn poll(api: &Api<PartialObjectMeta<PolicyReport>>, sink: &mut MetadataSink, stats: &WatchStats) {
    tracing::info!(
        resource = stats.resource(),
        seconds = POLL_INTERVAL.as_secs(),
        "lists of the API have no version to watch from; listing again and again"
    );
    let mut backoff = Backoff::default();
    loop {
        stats.started();
        sink.event(Event::Init);
        let read = |page: Vec<PartialObjectMeta<PolicyReport>>| {
            for report in page {
                sink.event(Event::InitApply(report));
            }
        };
        match each_page(api, MANAGED_BY_SELECTOR, METADATA_PER_PAGE, read).await {
            Ok(_) => {
                backoff.reset();
                stats.mark_event();
                stats.recovered();
                sink.mark_progress();
                sink.event(Event::InitDone);
                stats.listed();
                sleep(POLL_INTERVAL).await;
            }
            Err(CallError::Api(error)) => {
                let error = watcher::Error::InitialListFailed(error);
                if sink.failed(&error) == Flow::Stop {
                    return stats.ended();
                }
                stats.failed(&error);
                sleep(backoff.next_delay()).await;
            }
            Err(CallError::Timeout(_)) => {
                stats.silent();
                sleep(backoff.next_delay()).await;
            }
        }
    }
}

fn key_of(report: &PartialObjectMeta<PolicyReport>) -> ReportKey {
    ReportKey::new(&report.namespace().unwrap_or_default(), &report.name_any())
}

fn version_of(report: &PartialObjectMeta<PolicyReport>) -> String {
    report.resource_version().unwrap_or_default()
}
