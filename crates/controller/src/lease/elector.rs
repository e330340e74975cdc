//! Takes the lease, renews it, and gives it back.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_client::{Backoff, CallError, call};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::options::{LEASE_MARGIN, LeaseOptions};
use super::record::{LeaseRecord, Step};
use crate::observe::{Flow, Observer, Sink, WatchStats, refusal_code, watch};
use crate::publish::ClusterWriter;
use crate::state::{Leadership, Need, TermLimits};

/// How long the lease is kept for what is still to be written after the signal to stop.
const LAST_WRITES_LIMIT: Duration = Duration::from_millis(1_500);

/// One candidate for the lease.
pub(crate) struct Elector {
    api: Api<Lease>,
    record: LeaseRecord,
    options: LeaseOptions,
    leadership: Leadership,
    writer: Arc<ClusterWriter>,
    /// Why the last attempt failed, as far as it is logged.
    logged: Option<&'static str>,
}

/// The end of an attempt.
enum Attempt {
    /// The lease is ours; the request that made it so began then.
    Held(Instant),
    /// Another replica has it, for so long at least.
    Standby(Duration),
}

impl Elector {
    /// `client` is the lease's own: a request about it waits behind no other, and is not repeated by itself.
    pub(crate) fn new(
        client: Client,
        options: LeaseOptions,
        leadership: Leadership,
        writer: Arc<ClusterWriter>,
    ) -> Self {
        let api = Api::namespaced(client, &options.namespace);
        Self { api, record: LeaseRecord::new(options.clone()), options, leadership, writer, logged: None }
    }

    /// Runs for the lease until `stop` is cancelled; then gives it back, once `last_writes` are done.
    pub(crate) async fn run(
        mut self,
        observer: Observer,
        stop: CancellationToken,
        last_writes: CancellationToken,
    ) {
        let changed = Arc::new(Notify::new());
        let following = follow(self.api.clone(), self.options.name.clone(), Arc::clone(&changed), observer);
        tokio::select! {
            () = self.campaign(&changed, &stop) => {}
            () = following => {}
        }
        self.resign(&last_writes).await;
    }

    /// Until `stop` is cancelled, and no request is under way. A leader renews at each retry period; a standby looks at each,
    /// when the lease changes, and when its holder's time is over.
    async fn campaign(&mut self, changed: &Notify, stop: &CancellationToken) {
        let timing = self.options.timing;
        let mut refusals = Backoff::default();
        while !stop.is_cancelled() {
            let wait = match self.attempt().await {
                Ok(Attempt::Held(since)) => {
                    self.hold(since);
                    refusals.reset();
                    timing.retry_period
                }
                Ok(Attempt::Standby(left)) => {
                    self.stand_by();
                    refusals.reset();
                    timing.retry_period.min(left)
                }
                Err(error) => {
                    self.failed(&error);
                    // Without the right to the lease it is no candidate; a term that it has is renewed while that is possible.
                    if error.code() == Some(403) && !self.leadership.may_write() {
                        refusals.delay_while_refused().max(timing.retry_period)
                    } else {
                        timing.retry_period
                    }
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => {}
                () = changed.notified(), if !self.leadership.may_write() => {}
            }
        }
    }

    /// One try to take or renew the lease, as client-go's `tryAcquireOrRenew`. Two of them fit into the renew deadline.
    async fn attempt(&mut self) -> Result<Attempt, CallError> {
        let limit = self.options.timing.renew_deadline / 2;
        match timeout(limit, self.try_acquire_or_renew(limit)).await {
            Ok(attempt) => attempt,
            Err(_elapsed) => Err(CallError::Timeout(limit)),
        }
    }

    async fn try_acquire_or_renew(&mut self, limit: Duration) -> Result<Attempt, CallError> {
        if let Some(renewal) = self.record.renewal(Timestamp::now())
            && let Some(since) = self.send(Step::Replace(renewal), limit).await?
        {
            return Ok(Attempt::Held(since));
        }
        let found = call(limit, self.api.get_opt(&self.options.name)).await?;
        self.record.observe(found, Instant::now());
        match self.record.step(Instant::now(), Timestamp::now()) {
            Step::Wait(left) => Ok(Attempt::Standby(left)),
            step => Ok(match self.send(step, limit).await? {
                Some(since) => Attempt::Held(since),
                // Another candidate was faster.
                None => Attempt::Standby(self.options.timing.retry_period),
            }),
        }
    }

    /// Returns since when the lease is ours; `None` if it was changed, made or removed in between.
    async fn send(&mut self, step: Step, limit: Duration) -> Result<Option<Instant>, CallError> {
        // Before it is sent: another replica sees it later.
        let since = Instant::now();
        let params = PostParams::default();
        let answer = match step {
            Step::Create(lease) => call(limit, self.api.create(&params, &lease)).await,
            Step::Replace(lease) => call(limit, self.api.replace(&self.options.name, &params, &lease)).await,
            Step::Wait(_) => return Ok(None),
        };
        match answer {
            Ok(stored) => {
                self.record.observe(Some(stored), Instant::now());
                Ok(Some(since))
            }
            Err(error) if matches!(error.code(), Some(404 | 409)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn hold(&mut self, since: Instant) {
        let timing = self.options.timing;
        let had_it = self.leadership.may_write();
        self.leadership.extend(TermLimits {
            begin_before: since + timing.renew_deadline,
            end_before: since + timing.lease_duration.saturating_sub(LEASE_MARGIN),
        });
        if !had_it {
            tracing::info!(
                lease = self.options.name,
                identity = self.options.identity,
                "leading: this replica writes"
            );
        }
        self.logged = None;
    }

    fn stand_by(&mut self) {
        let holder = self.record.holder().map(str::to_owned).unwrap_or_default();
        if self.leadership.give_up() {
            tracing::warn!(holder, "the lease is lost; standing by");
        } else if self.logged != Some("standby") {
            tracing::info!(holder, "standing by: another replica holds the lease");
        }
        self.logged = Some("standby");
    }

    fn failed(&mut self, error: &CallError) {
        if !self.leadership.may_write() && self.leadership.give_up() {
            tracing::warn!("the lease was not renewed in time; standing by");
        }
        let reason = error.category();
        if self.logged != Some(reason) {
            tracing::warn!(%error, reason, lease = self.options.name, "cannot take or renew the lease; trying again");
        }
        self.logged = Some(reason);
    }

    /// Gives the lease back once nothing is being written any more; otherwise it ends by itself.
    async fn resign(&mut self, last_writes: &CancellationToken) {
        if !self.leadership.may_write() {
            return;
        }
        let settled = async {
            last_writes.cancelled().await;
            self.leadership.give_up();
            self.writer.settled().await;
        };
        let is_settled = timeout(LAST_WRITES_LIMIT, settled).await.is_ok();
        self.leadership.give_up();
        if !is_settled {
            tracing::warn!("a write is still under way; the lease ends by itself");
            return;
        }
        if let Err(error) = self.release().await {
            tracing::warn!(%error, "cannot give the lease back; it ends by itself");
        }
    }

    async fn release(&mut self) -> Result<(), CallError> {
        let limit = self.options.timing.renew_deadline / 2;
        // A renewal may have been cancelled on its way.
        let found = call(limit, self.api.get_opt(&self.options.name)).await?;
        self.record.observe(found, Instant::now());
        let Some(free) = self.record.release(Timestamp::now()) else { return Ok(()) };
        call(limit, self.api.replace(&self.options.name, &PostParams::default(), &free)).await?;
        tracing::info!("the lease is given back");
        Ok(())
    }
}

/// Wakes a standby when the lease changes, so that it takes over at once from a leader that ends. Without the right to watch
/// it, the retry period is what remains. Never returns.
async fn follow(api: Api<Lease>, name: String, changed: Arc<Notify>, observer: Observer) {
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let stats = WatchStats::new("leases", None, Need::Optional, &observer.watches, observer.metrics);
    watch(api, config, LeaseSink(changed), stats).await;
    tracing::info!("no right to watch the lease; it is read at each retry period");
    std::future::pending::<()>().await;
}

struct LeaseSink(Arc<Notify>);

impl Sink<Lease> for LeaseSink {
    fn event(&mut self, event: Event<Lease>) -> Flow {
        if matches!(event, Event::Apply(_) | Event::Delete(_)) {
            self.0.notify_one();
        }
        Flow::Continue
    }

    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) == Some(403) { Flow::Stop } else { Flow::Continue }
    }
}
