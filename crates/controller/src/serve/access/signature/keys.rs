//! The keys with which the API server signs tokens of service accounts, by their ids.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::Request;
use kube::Client;
use parking_lot::Mutex;
use serde::Deserialize;
use tagwatch_client::{CALL_LIMIT, CallError, call};
use tokio::time::Instant;

use super::public_key::PublicKey;

/// Where the API server publishes them, as a set of JSON Web Keys (KEP-1393, Service Account Issuer Discovery). Kubernetes
/// grants it to all service accounts, by the cluster role binding `system:service-account-issuer-discovery`.
const PATH: &str = "/openid/v1/jwks";
/// A token that names an unknown key has the set read again, this long after the last time at the earliest. It bounds the
/// requests that made-up tokens cause, and is the longest time in which tokens of a new key are not recognised.
const REREAD_AFTER: Duration = Duration::from_mins(1);
/// A set of this age is read again before it is used: keys that were withdrawn are no longer in it.
pub(super) const MAX_AGE: Duration = Duration::from_hours(1);
/// Keys of a set. An API server has one, and a second one while it is replaced; those beyond are left out.
const MAX_KEYS: usize = 64;

/// A set (RFC 7517, section 5).
#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

/// The keys, which are read when one is asked for.
pub(super) struct SigningKeys {
    client: Client,
    known: Arc<Mutex<KnownKeys>>,
    /// The last one, or the one that is going on. Calls share it, and it is a task of its own, within [`CALL_LIMIT`]: it goes
    /// on where the call that began it ends with its connection.
    reading: Mutex<Option<Reading>>,
}

#[derive(Default)]
struct KnownKeys {
    keys: HashMap<String, Arc<PublicKey>>,
    /// What the log says.
    state: Option<KeysState>,
}

struct Reading {
    began: Instant,
    done: Shared<BoxFuture<'static, ()>>,
}

/// Whether there are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeysState {
    Usable,
    /// There are some, and none whose signatures can be checked.
    Unusable,
    /// With the HTTP status of the answer, if there was one.
    Unreadable(Option<u16>),
}

impl SigningKeys {
    pub(super) fn new(client: Client) -> Self {
        Self { client, known: Arc::default(), reading: Mutex::default() }
    }

    /// The key of an id. Reads the set where it is not known, or is too old, within the limits.
    pub(super) async fn find(&self, id: &str) -> Option<Arc<PublicKey>> {
        if self.is_current()
            && let Some(key) = self.known(id)
        {
            return Some(key);
        }
        self.reading().await;
        self.known(id)
    }

    fn is_current(&self) -> bool {
        self.reading.lock().as_ref().is_some_and(|last| last.began.elapsed() < MAX_AGE)
    }

    pub(super) fn known(&self, id: &str) -> Option<Arc<PublicKey>> {
        self.known.lock().keys.get(id).cloned()
    }

    /// The last reading, or another one.
    fn reading(&self) -> Shared<BoxFuture<'static, ()>> {
        let mut reading = self.reading.lock();
        if let Some(last) = reading.as_ref().filter(|last| last.began.elapsed() < REREAD_AFTER) {
            return last.done.clone();
        }
        let task = tokio::spawn(read(self.client.clone(), Arc::clone(&self.known)));
        let done = task.map(drop).boxed().shared();
        *reading = Some(Reading { began: Instant::now(), done: done.clone() });
        done
    }
}

/// Reads the set. Where that fails, the keys stay as they are.
async fn read(client: Client, known: Arc<Mutex<KnownKeys>>) {
    let answer = call(CALL_LIMIT, async {
        let request = Request::get(PATH).body(Vec::new()).map_err(kube::Error::HttpError)?;
        client.request::<JwkSet>(request).await
    });
    match answer.await {
        Ok(set) => known.lock().replace(set),
        Err(error) => known.lock().mark_unreadable(&error),
    }
}

impl KnownKeys {
    fn replace(&mut self, set: JwkSet) {
        let published = set.keys.len();
        let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(PublicKey::read);
        self.keys = keys.map(|(id, key)| (id, Arc::new(key))).collect();
        if self.keys.is_empty() {
            if self.enter(KeysState::Unusable) {
                tracing::warn!(
                    published,
                    "the API server publishes no key for signatures of RS256, ES256 or ES384: new tokens of service accounts \
                     have the budget of their address alone"
                );
            }
        } else if self.enter(KeysState::Usable) {
            tracing::info!(
                published,
                usable = self.keys.len(),
                "new tokens of service accounts are recognised by their signatures"
            );
        }
    }

    fn mark_unreadable(&mut self, error: &CallError) {
        if self.enter(KeysState::Unreadable(error.code())) {
            tracing::warn!(
                %error,
                path = PATH,
                "cannot read the keys with which the API server signs tokens: new tokens of service accounts have the budget of \
                 their address alone"
            );
        }
    }

    /// Whether this is another state than before.
    fn enter(&mut self, state: KeysState) -> bool {
        self.state.replace(state) != Some(state)
    }
}
