//! Keeps proofs in a `ConfigMap` of our own namespace, so that they outlive us: the pods that showed them do not come
//! back, and the report is no place for them, since every owner of a workload may edit it.

use std::collections::BTreeMap;
use std::future::pending;
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

use super::writer::{ClusterWriter, WriteError, WriteTarget};
use crate::observe::ProvenTags;
use crate::state::ReadyToken;

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

/// Reads what is stored, and from then on writes what changes. Nothing is written that was not read before. Never returns.
pub(crate) async fn keep(
    client: Client,
    namespace: Option<String>,
    instance: Arc<str>,
    tags: ProvenTags,
    writer: Arc<ClusterWriter>,
    ready: ReadyToken,
) {
    let Some(namespace) = namespace else {
        tracing::info!("our own namespace is not named; proofs that a tag moved end with this process");
        ready.mark_ready();
        return pending().await;
    };
    let api = Api::namespaced(client, &namespace);
    let name = format!("{instance}{NAME_SUFFIX}");
    let mut store = ProofStore { api, name, instance, tags, writer, ready, stored: None, is_foreign: false };
    store.load().await;
    store.ready.mark_ready();
    let (mut every, mut next, mut seen) = (interval(LOOK_INTERVAL), Instant::now(), None);
    loop {
        every.tick().await;
        let now = store.tags.clock.now();
        let version = (store.tags.index.lock().proofs_version(), now.as_second() / (24 * 3_600));
        if seen == Some(version) || Instant::now() < next {
            continue;
        }
        let text = Proofs::render(&store.tags.index.lock(), now);
        if store.holds(&text) {
            seen = Some(version);
            continue;
        }
        if store.is_foreign {
            store.load().await;
            if store.is_foreign {
                next = Instant::now() + FOREIGN_INTERVAL;
                continue;
            }
        }
        next = Instant::now() + WRITE_INTERVAL;
        match store.write(&text).await {
            Ok(()) => seen = Some(version),
            Err(error) if error.code() == Some(409) => store.load().await,
            Err(error) => tracing::warn!(%error, "cannot store the proofs that tags moved; trying again"),
        }
    }
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
    /// An object of our name is not ours: we neither read nor write it.
    is_foreign: bool,
}

impl ProofStore {
    /// Reads the object until that works, and takes over what it holds. The first failure lets everything else begin:
    /// a missing right must not hold reports up.
    async fn load(&mut self) {
        let mut backoff = Backoff::default();
        loop {
            match call(CALL_LIMIT, self.api.get_opt(&self.name)).await {
                Ok(found) => {
                    self.take(found);
                    return self.restore();
                }
                Err(error) => {
                    let wait = backoff.next_delay();
                    tracing::warn!(%error, object = self.name, "cannot read the proofs that tags moved; trying again");
                    self.ready.mark_ready();
                    sleep(wait).await;
                }
            }
        }
    }

    fn take(&mut self, found: Option<ConfigMap>) {
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
