//! What clients have written on another server, noted in a double, so that the checks of its log apply to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::USER_AGENT;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{RwLock, RwLockWriteGuard};
use tokio::time::Instant;
use tower::BoxError;

use crate::double::{
    ApiDouble, ApiError, Caller, Preconditions, Resource, Store, Target, Verb, complete_body, resource_named,
};
use crate::fault::{Answer, Upstream};

/// What a server calls its objects, in the words of the double.
type Translate = Box<dyn Fn(&str) -> String + Send + Sync>;
/// Plural, namespace and name.
type Place = (&'static str, String, String);

/// A record of the writes to reports, leases and policies on another server.
pub struct Record {
    double: ApiDouble,
    translate: Translate,
    written: Mutex<Written>,
    names_are_known: RwLock<()>,
}

#[derive(Default)]
struct Written {
    versions: BTreeMap<Place, String>,
    log: Vec<RecordedWrite>,
}

/// A write that has changed something.
#[derive(Debug, Clone)]
pub struct RecordedWrite {
    /// The `User-Agent`.
    pub agent: String,
    /// To which resource, by its plural name.
    pub plural: &'static str,
    /// The object, as the double calls it.
    pub name: String,
    /// When it was answered.
    pub at: Instant,
}

/// A request whose answer is noted.
struct Noted {
    agent: String,
    verb: Verb,
    resource: &'static Resource,
    namespace: String,
    name: String,
}

impl Record {
    /// Of a server whose objects the double knows under other names.
    pub fn new(double: ApiDouble, translate: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self {
            double,
            translate: Box::new(translate),
            written: Mutex::default(),
            names_are_known: RwLock::default(),
        }
    }

    /// While this is held nothing is noted: an object is being made whose UID is not known yet.
    pub async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.names_are_known.write().await
    }

    /// The writes so far, the oldest first.
    pub fn writes(&self) -> Vec<RecordedWrite> {
        self.written.lock().log.clone()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.written.lock().log.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn noted(&self, request: &Request<Body>) -> Option<Noted> {
        let Target { verb, plural, namespace, name, .. } = Target::of(request.method(), request.uri())?;
        let is_noted = matches!(&*plural, "policyreports" | "leases" | "tagpolicies");
        if !is_noted || matches!(verb, Verb::List | Verb::Watch) {
            return None;
        }
        let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let translated = |text: Option<String>| (self.translate)(&text.unwrap_or_default());
        Some(Noted {
            agent: agent.unwrap_or_default().to_owned(),
            verb,
            resource: resource_named(&plural),
            namespace: translated(namespace),
            name: translated(name),
        })
    }

    fn note(&self, noted: &Noted, status: StatusCode, body: &[u8]) {
        let is_reading = noted.verb == Verb::Get;
        let is_answered = status.is_success() || is_reading && status == StatusCode::NOT_FOUND;
        if !is_answered {
            return;
        }
        let object = serde_json::from_str::<Value>(&(self.translate)(&String::from_utf8_lossy(body)));
        let object = object.unwrap_or_default();
        self.double.change(&noted.agent, |store, caller| {
            if is_reading {
                store.note_read(caller, noted.resource, Some(&noted.name));
            } else {
                self.note_write(noted, object, store, caller);
            }
        });
    }

    fn note_write(&self, noted: &Noted, mut object: Value, store: &mut Store, caller: &Caller) {
        let Noted { agent, verb, resource, namespace, name } = noted;
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().filter(|_| *verb == Verb::Create).unwrap_or(name).to_owned();
        let version = metadata["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let mut written = self.written.lock();
        let place = (resource.plural, namespace.clone(), name.clone());
        if *verb == Verb::Delete {
            written.versions.remove(&place);
            // It may be gone: answers overtake each other.
            drop(store.delete(resource, namespace, &name, &Preconditions::default(), caller));
        } else if written.versions.insert(place, version.clone()).as_deref() == Some(&*version) {
            return store.note_unchanged(caller, resource, &name);
        } else if resource.plural != "tagpolicies" {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
                    metadata.remove(field);
                }
            }
            // Its namespace may be ending in the double, where nothing is late.
            drop(store.put(resource, object, caller));
        }
        let (agent, plural, at) = (agent.clone(), resource.plural, Instant::now());
        written.log.push(RecordedWrite { agent, plural, name, at });
    }

    async fn carry_out(self: Arc<Self>, upstream: Upstream, noted: Noted, request: Request<Body>) -> Answer {
        let (head, body) = request.into_parts();
        let sent = body.collect_bytes().await?;
        let answer = upstream.answer(Request::from_parts(head, Body::from(sent.clone()))).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        let _names = self.names_are_known.read().await;
        if noted.verb == Verb::Create && head.status == StatusCode::CONFLICT {
            let sent: Value = serde_json::from_slice(&sent)?;
            let name = (self.translate)(sent["metadata"]["name"].as_str().unwrap_or_default());
            let key = (noted.namespace.clone(), name);
            self.double.change(&noted.agent, |store, caller| store.note_taken(caller, noted.resource, &key));
        }
        self.note(&noted, head.status, &body);
        Ok(Response::from_parts(head, complete_body(body)))
    }
}

impl Upstream {
    /// The same server, whose answers to writes are recorded. What is sent is carried out and recorded to its end, even where
    /// its sender is killed.
    #[must_use]
    pub fn recorded(self, record: Arc<Record>) -> Self {
        Self::new(move |request| {
            let (upstream, record) = (self.clone(), Arc::clone(&record));
            async move {
                let Some(noted) = record.noted(&request) else { return upstream.answer(request).await };
                tokio::spawn(record.carry_out(upstream, noted, request)).await.map_err(BoxError::from)?
            }
        })
    }

    /// The same server without streams of initial states, as before Kubernetes 1.32.
    #[must_use]
    pub fn without_watch_lists(self) -> Self {
        Self::new(move |request| {
            let upstream = self.clone();
            async move {
                let query = request.uri().query().unwrap_or_default();
                if query.split('&').any(|option| option == "sendInitialEvents=true") {
                    return Ok(ApiError::injected(422, None).into_response());
                }
                upstream.answer(request).await
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::SimulatedClock;
    use crate::double::Needless;

    fn double(namespace: &str) -> ApiDouble {
        let double = ApiDouble::new(SimulatedClock::start());
        let namespace = json!({ "metadata": { "name": namespace } });
        double.change("test", |store, caller| {
            store.put(resource_named("namespaces"), namespace, caller).unwrap();
        });
        double
    }

    #[tokio::test(start_paused = true)]
    async fn writes_on_another_server_are_noted_under_the_names_of_the_double() {
        let (server, noted) = (double("shop-run1"), double("shop"));
        let record = Arc::new(Record::new(noted.clone(), |text| text.replace("-run1", "")));
        let client = server.upstream().recorded(Arc::clone(&record)).client("tagwatch");
        let path = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop-run1/policyreports";
        let send = async |method: &str, path: String, body: Value| {
            let request = Request::builder().method(method).uri(path);
            let request = request.header("content-type", "application/json");
            client.request::<Value>(request.body(body.to_string().into_bytes()).unwrap()).await
        };
        let report = json!({ "metadata": { "name": "r" }, "results": [] });
        let made = send("POST", path.to_owned(), report.clone()).await.unwrap();
        let held = || noted.read(|store| store.get(resource_named("policyreports"), "shop", "r").is_some());
        assert!(held());
        send("PUT", format!("{path}/r"), made).await.unwrap();
        for _ in 0..2 {
            send("POST", path.to_owned(), report.clone()).await.unwrap_err();
        }
        let needless: Vec<Needless> =
            noted.read(|store| store.needless_writes().iter().map(|write| write.reason).collect());
        assert_eq!(needless, [Needless::Unchanged, Needless::Taken]);
        send("DELETE", format!("{path}/r"), json!({})).await.unwrap();
        assert!(!held());
        assert_eq!(record.len(), 2, "what changed something: {:?}", record.writes());
    }
}
