//! Begins and ends watches of custom kinds as these come and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube_runtime::watcher;
use tagwatch_client::{Backoff, Discovery};
use tagwatch_core::kinds::{KindName, Kinds, WorkloadKind};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::watches::{INTERVAL, Watches};
use crate::observe::Observer;
use crate::observe::absence::Absence;
use crate::state::{CustomWatches, Outage};

/// How long the first evaluation waits for the first lists.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches custom kinds. Returns only when a watch panicked.
pub(crate) async fn run(
    observer: Observer,
    custom: Arc<CustomWatches>,
    client: Client,
    config: watcher::Config,
    scopes: Vec<Option<String>>,
) {
    let wanted = custom.wanted();
    let discovery = Discovery::new(client.clone());
    let watches = Watches::new(observer, custom, client, config, scopes);
    Manager {
        watches,
        discovery,
        wanted,
        absent: BTreeMap::new(),
        backoff: Backoff::default(),
        outage: Outage::default(),
        first_answer: None,
    }
    .run()
    .await;
}

struct Manager {
    watches: Watches,
    discovery: Discovery,
    wanted: watch::Receiver<Arc<Kinds>>,
    /// How often in a row discovery has left out a kind that is watched.
    absent: BTreeMap<KindName, Absence>,
    backoff: Backoff,
    outage: Outage,
    first_answer: Option<Instant>,
}

impl Manager {
    /// Returns only when a watch panicked.
    async fn run(mut self) {
        let gone = Arc::new(Notify::new());
        let mut next = Instant::now();
        loop {
            tokio::select! {
                () = sleep_until(next) => next = self.ask(&gone).await,
                // The policy declares others. Fails only when the controller is gone.
                _ = self.wanted.changed() => next = Instant::now(),
                () = gone.notified() => next = Instant::now(),
                Some(ended) = self.watches.join_next() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        return;
                    }
                }
            }
        }
    }

    /// Asks what is served, and acts on it. Returns when to ask again.
    async fn ask(&mut self, gone: &Arc<Notify>) -> Instant {
        let wanted = Arc::clone(&self.wanted.borrow_and_update());
        let states = &self.watches.custom;
        let pause = match self.discovery.ask(&wanted).await {
            Ok(()) => {
                self.backoff.reset();
                self.outage.end();
                self.first_answer.get_or_insert_with(Instant::now);
                self.follow(&wanted, gone);
                INTERVAL
            }
            Err(error) => {
                let refused = error.code().is_some_and(|code| code < 500);
                let reason = error.category();
                if self.outage.begin() {
                    tracing::warn!(%error, reason, "cannot ask which custom kinds are served; trying again");
                } else {
                    tracing::debug!(%error, reason, "still cannot ask which custom kinds are served");
                }
                if refused {
                    states.mark_discovered();
                }
                self.backoff.delay_of(error.code())
            }
        };
        if self.first_answer.is_some_and(|first| first.elapsed() >= PATIENCE) {
            self.watches.custom.give_up_waiting();
        }
        Instant::now() + pause
    }

    fn follow(&mut self, wanted: &Kinds, gone: &Arc<Notify>) {
        for kind in self.watches.kinds() {
            if wanted.get(&kind).is_none() {
                self.watches.end(&kind);
            }
        }
        for kind in wanted.watched_custom() {
            match self.discovery.served().resource(kind) {
                Some(resource) => {
                    self.absent.remove(&kind.name);
                    self.watches.ensure(kind, &resource, gone);
                }
                None if self.count_absence(&kind.name) => {
                    self.absent.remove(&kind.name);
                    self.watches.end(&kind.name);
                }
                None => {}
            }
        }
        let served = self.discovery.served();
        let is_absent = |kind: &&Arc<WorkloadKind>| {
            served.resource(kind).is_none() && !served.is_uncertain(&kind.name.group)
        };
        let absent = wanted.watched_custom().filter(is_absent).map(|kind| kind.name.clone()).collect();
        self.watches.custom.set_absent(absent);
        self.watches.custom.mark_discovered();
    }

    /// Counts that discovery left a kind out. Returns whether the kind is to be given up.
    fn count_absence(&mut self, kind: &KindName) -> bool {
        if !self.watches.is_running(kind) || self.discovery.served().is_uncertain(&kind.group) {
            return false;
        }
        let absence = self.absent.entry(kind.clone()).or_default();
        absence.count();
        absence.is_confirmed() || self.watches.has_stopped(kind)
    }
}
