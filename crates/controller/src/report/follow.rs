//! Follows our reports: waits for the report API, lists what it holds once, and then watches metadata alone.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, ResourceExt};
use kube_runtime::watcher::{self, Event};
use tagwatch_client::{Backoff, CallError, LIST_LIMIT, call, is_served};
use tagwatch_k8s::report::{MANAGED_BY_SELECTOR, PolicyReport, StoredReport};
use tokio::time::sleep;

use super::ReportKey;
use crate::metrics::ControllerMetrics;
use crate::watch::{Flow, Sink, WatchStats, api, refusal_code, watch};

/// How often an API server without the report API is asked for it.
const ABSENT_INTERVAL: Duration = Duration::from_secs(5);
/// Reports a page. Bodies are read one page at a time, so this bounds the memory of a start.
const PAGE: u32 = 25;
/// Discovery document of the report API.
const REPORT_API: &str = "wgpolicyk8s.io/v1alpha2";

/// What the follower reports.
pub(crate) trait ReportEvents: Send + Sync {
    /// Everything that is stored, with bodies: once at the start, and whenever the report API came back.
    fn listed(&self, reports: Vec<StoredReport>);
    /// The report API is not there (any more).
    fn absent(&self);
    /// A report has this version now.
    fn changed(&self, key: ReportKey, version: &str);
    /// A report went at this version.
    fn deleted(&self, key: ReportKey, version: &str);
    /// A complete list named these.
    fn retain(&self, listed: &HashSet<ReportKey>);
}

/// Follows the reports of one namespace, or of all, for ever.
pub(crate) async fn follow(
    client: Client,
    scope: Option<String>,
    events: Arc<dyn ReportEvents>,
    metrics: ControllerMetrics,
) {
    let mut backoff = Backoff::default();
    let stats = WatchStats::new("policyreports", metrics.clone());
    loop {
        wait_until_served(&client, &*events, &metrics).await;
        match list(&client, scope.as_deref()).await {
            Ok(reports) => {
                backoff.reset();
                tracing::info!(reports = reports.len(), "our reports are read");
                events.listed(reports);
            }
            Err(error) => {
                tracing::warn!(%error, reason = error.category(), "cannot list our reports; trying again");
                sleep(backoff.next_delay()).await;
                continue;
            }
        }
        let config = watcher::Config::default().labels(MANAGED_BY_SELECTOR);
        let sink = MetadataSink { events: Arc::clone(&events), listed: HashSet::new() };
        watch(api::<PartialObjectMeta<PolicyReport>>(&client, scope.as_deref()), config, sink, stats.clone())
            .await;
        tracing::warn!("the report API is gone");
        metrics.report_api_available.set(0);
        events.absent();
    }
}

async fn wait_until_served(client: &Client, events: &dyn ReportEvents, metrics: &ControllerMetrics) {
    let mut told = false;
    let mut backoff = Backoff::default();
    loop {
        match is_served(client, REPORT_API, "policyreports").await {
            Ok(true) => {
                metrics.report_api_available.set(1);
                return;
            }
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, reason = error.category(), "cannot ask for the report API; trying again");
                sleep(backoff.next_delay()).await;
                continue;
            }
        }
        metrics.report_api_available.set(0);
        if !told {
            told = true;
            tracing::warn!(
                missing = "policyreports.wgpolicyk8s.io/v1alpha2",
                "the API server does not serve the PolicyReport API, so no report can be written; install its \
                 CustomResourceDefinition (config/crd, or the chart with crds.install=true). Metrics go on, and \
                 reports follow within seconds once it is there"
            );
            events.absent();
        }
        sleep(ABSENT_INTERVAL).await;
    }
}

async fn list(client: &Client, scope: Option<&str>) -> Result<Vec<StoredReport>, CallError> {
    let api: Api<PolicyReport> = api(client, scope);
    let mut params = ListParams::default().labels(MANAGED_BY_SELECTOR).limit(PAGE);
    let mut reports = Vec::new();
    loop {
        let page = call(LIST_LIMIT, api.list(&params)).await?;
        reports.extend(page.items.into_iter().map(StoredReport::from));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(reports),
        }
    }
}

struct MetadataSink {
    events: Arc<dyn ReportEvents>,
    listed: HashSet<ReportKey>,
}

impl Sink<PartialObjectMeta<PolicyReport>> for MetadataSink {
    fn event(&mut self, event: Event<PartialObjectMeta<PolicyReport>>) -> Flow {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(report) => {
                self.listed.insert(key_of(&report));
                self.events.changed(key_of(&report), &version_of(&report));
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listed);
                self.events.retain(&listed);
            }
            Event::Apply(report) => self.events.changed(key_of(&report), &version_of(&report)),
            Event::Delete(report) => self.events.deleted(key_of(&report), &version_of(&report)),
        }
        Flow::Continue
    }

    /// 404 for a whole resource: its definition was removed.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) == Some(404) { Flow::Stop } else { Flow::Continue }
    }
}

fn key_of(report: &PartialObjectMeta<PolicyReport>) -> ReportKey {
    ReportKey::new(&report.namespace().unwrap_or_default(), &report.name_any())
}

fn version_of(report: &PartialObjectMeta<PolicyReport>) -> String {
    report.resource_version().unwrap_or_default()
}
