//! Keeps proofs in a `ConfigMap` of our own namespace, so that they outlive us: the pods that showed them do not come
//! back, and the report is no place for them, since every owner of a workload may edit it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use tagwatch_client::{Backoff, CALL_LIMIT, call};
use tagwatch_index::Proofs;
use tagwatch_k8s::report::{INSTANCE_LABEL, MANAGED_BY_LABEL, MANAGER, ReportOwner};
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::attempts::Attempts;
use super::retries::LONGEST_WAIT;
use super::writer::{ClusterWriter, WriteError, WriteTarget};
use crate::observe::ProvenTags;
use crate::state::{Leadership, Outage, Readiness, ReadyToken};

/// The name of the object is that of the instance, and this.
const NAME_SUFFIX: &str = "-proven-tags";
/// Key of the data in the `ConfigMap`.
const KEY: &str = "proven-tags.json";
/// Writes are at least this far apart.
const WRITE_INTERVAL: Duration = Duration::from_secs(10);
/// How often it is looked whether an object of our name that is not ours is still there.
const FOREIGN_INTERVAL: Duration = Duration::from_mins(10);
/// How often it is looked whether there is anything to write.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Where proofs are kept, and who keeps them.
pub(crate) struct ProofKeeper {
    pub(crate) client: Client,
    /// Our own namespace.
    pub(crate) namespace: Option<String>,
    pub(crate) instance: Arc<str>,
    pub(crate) tags: ProvenTags,
    pub(crate) writer: Arc<ClusterWriter>,
    pub(crate) leadership: Leadership,
    pub(crate) ready: ReadyToken,
    /// Nothing is written before the initial state is known: two digests are likely two images until their nodes are read.
    pub(crate) readiness: Readiness,
}

impl ProofKeeper {
    /// Reads what is stored, and from then on writes what changes, while this replica leads. Nothing is written that was not
    /// read before. Returns after `stop`, once the last changes are written.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let Self { client, namespace, instance, tags, writer, leadership, ready, readiness } = self;
        let Some(namespace) = namespace else {
            tracing::info!("our own namespace is not named; proofs that a tag moved end with this process");
            ready.mark_ready();
            return stop.cancelled().await;
        };
        let api = Api::namespaced(client, &namespace);
        let name = format!("{instance}{NAME_SUFFIX}");
        let mut terms = leadership.terms();
        let mut store = ProofStore {
            api,
            name,
            instance,
            tags,
            writer,
            ready,
            stored: None,
            outage: Outage::default(),
            is_foreign: false,
            is_loaded: false,
        };
        let keeping = async {
            store.load().await;
            store.ready.mark_ready();
            readiness.synced().await;
            let (mut every, mut schedule) = (interval(LOOK_INTERVAL), Schedule::default());
            loop {
                every.tick().await;
                if terms.has_changed().unwrap_or_default() {
                    terms.mark_unchanged();
                    // The leader before us may have written since.
                    store.load().await;
                }
                store.bring_up_to_date(&mut schedule).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = keeping => {}
        }
        if store.is_loaded && readiness.is_synced() {
            store.bring_up_to_date(&mut Schedule::default()).await;
        }
    }
}

/// When the object is written next.
#[derive(Debug, Default)]
struct Schedule {
    not_before: Option<Instant>,
    attempts: Attempts,
    /// Of the proofs that are stored.
    seen: Option<(u64, i64)>,
}

/// The object as it was last read or written.
struct ProofStore {
    api: Api<ConfigMap>,
    name: String,
    instance: Arc<str>,
    tags: ProvenTags,
    writer: Arc<ClusterWriter>,
    ready: ReadyToken,
    stored: Option<ConfigMap>,
    /// It cannot be read or written.
    outage: Outage,
    /// An object of our name is not ours: we neither read nor write it.
    is_foreign: bool,
    /// It was read at least once.
    is_loaded: bool,
}

impl ProofStore {
    /// Writes what has changed, unless that was tried a short time ago.
    async fn bring_up_to_date(&mut self, schedule: &mut Schedule) {
        let now = self.tags.clock.now();
        let version = (self.tags.index.lock().proofs_version(), now.as_second() / (24 * 3_600));
        let is_early = schedule.not_before.is_some_and(|time| Instant::now() < time);
        if !self.writer.may_write() || schedule.seen == Some(version) || is_early {
            return;
        }
        let text = Proofs::render(&self.tags.index.lock(), now);
        if self.holds(&text) {
            schedule.seen = Some(version);
            return;
        }
        if self.is_foreign {
            self.load().await;
            if self.is_foreign {
                schedule.not_before = Some(Instant::now() + FOREIGN_INTERVAL);
                return;
            }
        }
        schedule.not_before = Some(Instant::now() + WRITE_INTERVAL);
        match self.write(&text).await {
            Ok(()) => {
                schedule.attempts.succeeded();
                if self.outage.end() {
                    tracing::info!(object = self.name, "the proofs that tags moved are stored again");
                }
                schedule.seen = Some(version);
            }
            Err(error) if error.code() == Some(409) => self.load().await,
            Err(error) => {
                let wait = schedule.attempts.failed(&error, "").wait.max(WRITE_INTERVAL);
                schedule.not_before = Some(Instant::now() + wait);
                if self.outage.begin() {
                    tracing::warn!(%error, object = self.name, "cannot store the proofs that tags moved; trying again");
                } else {
                    tracing::debug!(%error, object = self.name, "still cannot store the proofs that tags moved");
                }
            }
        }
    }

    /// Reads the object until that works, and takes over what it holds. The first failure lets everything else begin:
    /// a missing right must not hold reports up.
    async fn load(&mut self) {
        let mut backoff = Backoff::default();
        loop {
            match call(CALL_LIMIT, self.api.get_opt(&self.name)).await {
                Ok(found) => {
                    if self.outage.end() {
                        tracing::info!(object = self.name, "the proofs that tags moved can be read again");
                    }
                    self.take(found);
                    return self.restore();
                }
                Err(error) => {
                    let asked = error.retry_after().unwrap_or_default().min(LONGEST_WAIT);
                    let wait = backoff.delay_of(error.code()).max(asked);
                    if self.outage.begin() {
                        tracing::warn!(%error, object = self.name, "cannot read the proofs that tags moved; trying again");
                    } else {
                        tracing::debug!(%error, object = self.name, "still cannot read the proofs that tags moved");
                    }
                    self.ready.mark_ready();
                    sleep(wait).await;
                }
            }
        }
    }

    fn take(&mut self, found: Option<ConfigMap>) {
        self.is_loaded = true;
        let was_foreign = self.is_foreign;
        self.is_foreign = found.as_ref().is_some_and(|found| !self.is_ours(found));
        if self.is_foreign && !was_foreign {
            tracing::warn!(
                object = self.name,
                "there is an object of this name without our labels; it is left alone, and proofs that a tag moved end \
                 with this process"
            );
        }
        self.stored = found.filter(|_| !self.is_foreign);
    }

    fn restore(&self) {
        let Some(text) = self.text() else { return };
        let (taken, refused) = Proofs::restore(text, &mut self.tags.index.lock(), self.tags.clock.now());
        tracing::info!(taken, refused, "read the proofs that tags moved");
        self.tags.refresh();
    }

    fn text(&self) -> Option<&str> {
        self.stored.as_ref()?.data.as_ref()?.get(KEY).map(String::as_str)
    }

    /// Whether there is nothing to write; an object that holds nothing is not made.
    fn holds(&self, text: &str) -> bool {
        self.text().map_or_else(|| text == Proofs::none(), |stored| stored == text)
    }

    async fn write(&mut self, text: &str) -> Result<(), WriteError> {
        let mut wanted = self.stored.clone().unwrap_or_else(|| ConfigMap {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            ..ConfigMap::default()
        });
        // One that an earlier version wrote names no instance.
        let ours = [(MANAGED_BY_LABEL, MANAGER), (INSTANCE_LABEL, &*self.instance)];
        let labels = wanted.metadata.labels.get_or_insert_default();
        labels.extend(ours.map(|(label, value)| (label.to_owned(), value.to_owned())));
        wanted.data = Some(BTreeMap::from([(KEY.to_owned(), text.to_owned())]));
        let params = PostParams::default();
        let written = if self.stored.is_some() {
            self.writer.write(WriteTarget::Proofs, self.api.replace(&self.name, &params, &wanted)).await
        } else {
            self.writer.write(WriteTarget::Proofs, self.api.create(&params, &wanted)).await
        };
        if written.as_ref().is_err_and(|error| error.code() == Some(404)) {
            self.stored = None;
        }
        self.stored = Some(written?);
        Ok(())
    }

    /// Its name holds our instance, so one that names none is ours too.
    fn is_ours(&self, object: &ConfigMap) -> bool {
        !ReportOwner::of(object.metadata.labels.as_ref(), &self.instance).is_another()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use parking_lot::Mutex;
    use serde_json::json;

    use super::*;
    use crate::testing::{TestEnv, client, put_off, response};

    /// A reference that moved, as it is stored.
    fn proven() -> String {
        let [a, b] = ["a", "b"].map(|letter| format!("sha256:{}", letter.repeat(64)));
        let (now, platform) = (Timestamp::now().as_second(), "linux/amd64/containerd");
        let digest = |digest: &str, other: &str| {
            json!({
                "digest": digest, "first": now, "last": now, "platforms": [platform], "apart_from": { platform: [other] },
            })
        };
        let digests = [digest(&a, &b), digest(&b, &a)];
        json!({ "references": [{ "reference": "docker.io/library/nginx:1.27", "digests": digests }] })
            .to_string()
    }

    /// The seconds, of ten minutes, at which proofs were sent to an API server that answers with this code.
    async fn sent(code: u16, retry_after: u32) -> Vec<u64> {
        let begun = Instant::now();
        let sent: Arc<Mutex<Vec<u64>>> = Arc::default();
        let seen = Arc::clone(&sent);
        let client = client(move |_| {
            seen.lock().push(begun.elapsed().as_secs());
            async move { response(code, &put_off(code, retry_after)) }
        });
        let env = TestEnv::new(client.clone());
        let tags = env.parts.proven_tags();
        let now = tags.clock.now();
        assert_eq!(Proofs::restore(&proven(), &mut tags.index.lock(), now), (1, 0));
        let mut store = ProofStore {
            api: Api::namespaced(client, "tagwatch"),
            name: "tagwatch-proven-tags".to_owned(),
            instance: "tagwatch".into(),
            tags,
            writer: Arc::clone(&env.parts.writer),
            ready: env.parts.readiness.expect("proofs"),
            stored: None,
            outage: Outage::default(),
            is_foreign: false,
            is_loaded: true,
        };
        let mut schedule = Schedule::default();
        while begun.elapsed() < Duration::from_mins(10) {
            store.bring_up_to_date(&mut schedule).await;
            sleep(LOOK_INTERVAL).await;
        }
        sent.lock().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn proofs_that_are_refused_are_sent_ever_more_rarely_and_as_the_server_asks() {
        let refused = sent(403, 0).await;
        assert_eq!(refused[..8], [0, 10, 20, 30, 40, 50, 66, 98]);
        assert!(refused[8..].windows(2).all(|pair| pair[1] - pair[0] == 60), "{refused:?}");
        assert_eq!(sent(429, 120).await, [0, 120, 240, 360, 480]);
    }
}
