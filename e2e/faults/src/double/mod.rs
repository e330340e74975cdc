//! An API server inside this process, with the behaviour that tagwatch depends on. The checks in
//! [`check_api`](crate::check_api) hold it to the real one.

mod aggregated;
mod answer;
mod apply;
mod discovery;
mod list;
mod request;
mod resource;
mod selector;
mod store;
mod watch;
mod write;

use std::sync::Arc;

use http::header::{CONTENT_TYPE, DATE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use k8s_openapi::jiff::fmt::rfc2822::DateTimePrinter;
use kube::Client;
use kube::client::Body;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::sync::watch as channel;

use crate::clock::SimulatedClock;
use crate::fault::{AnswerBody, Upstream};
pub(crate) use answer::ApiError;
pub(crate) use answer::body as complete_body;
use answer::{json_response, page_not_found};
use apply::PatchKind;
pub(crate) use request::Target;
pub use request::Verb;
use request::{Form, Query};
pub use resource::{Resource, resource_named};
pub use store::{Caller, Change, ChangeKind, Store};
pub(crate) use store::{Needless, uid_of};
use write::Written;
pub(crate) use write::seconds;
pub use write::{Part, Preconditions};

/// An API server. Clones are the same one.
#[derive(Debug, Clone)]
pub struct ApiDouble(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Mutex<Store>,
    /// Shows the version to watches.
    changed: channel::Sender<u64>,
    clock: SimulatedClock,
}

/// A request that has arrived in full.
struct Call<'a> {
    target: Target,
    resource: &'static Resource,
    query: Query,
    headers: &'a HeaderMap,
    body: &'a [u8],
    caller: Caller,
}

impl ApiDouble {
    /// Without objects.
    pub fn new(clock: SimulatedClock) -> Self {
        let (store, changed) = (Mutex::default(), channel::Sender::new(0));
        Self(Arc::new(Shared { store, changed, clock }))
    }

    /// A client without faults.
    pub fn client(&self, agent: &str) -> Client {
        self.upstream().client(agent)
    }

    /// For a [`FaultLayer`](crate::FaultLayer).
    pub fn upstream(&self) -> Upstream {
        let double = self.clone();
        Upstream::new(move |request| {
            let double = double.clone();
            async move { Ok(double.answer(request).await) }
        })
    }

    /// Changes the store as another client would, and shows watches what has changed.
    pub fn change<T>(&self, agent: &str, act: impl FnOnce(&mut Store, &Caller) -> T) -> T {
        let caller = self.caller(agent);
        let changed = act(&mut self.0.store.lock(), &caller);
        self.announce();
        changed
    }

    /// Reads the store.
    pub fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.0.store.lock())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock()
    }

    fn changes(&self) -> channel::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn announce(&self) {
        self.0.changed.send_modify(|count| *count += 1);
    }

    fn caller(&self, agent: &str) -> Caller {
        Caller { agent: agent.into(), now: self.0.clock.now() }
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Body>) -> Response<AnswerBody> {
        let (head, body) = request.into_parts();
        let body = match body.collect_bytes().await {
            Ok(body) => body,
            Err(error) => return ApiError::bad_request(&error.to_string()).into_response(),
        };
        let answer = self.answer_to(&head.method, &head.uri, &head.headers, &body);
        let mut answer = answer.unwrap_or_else(ApiError::into_response);
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.0.clock.now());
        if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
            answer.headers_mut().insert(DATE, date);
        }
        answer
    }

    fn answer_to(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Response<AnswerBody>, ApiError> {
        let Some(target) = Target::of(method, uri) else {
            return Ok(self.store().discover(uri.path(), headers));
        };
        if target.group == "authorization.k8s.io" {
            return review(body);
        }
        let resource = resource::find(&target.group, &target.version, &target.plural);
        let Some(resource) = resource.filter(|resource| self.store().is_served(resource)) else {
            return Ok(page_not_found());
        };
        let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let caller = self.caller(agent);
        let call = Call { target, resource, query: Query::parse(uri)?, headers, body, caller };
        if call.target.verb == Verb::Watch {
            return self.watch(resource, call.target.namespace, call.query, Form::of(headers));
        }
        let answer = call.carry_out(&mut self.store());
        self.announce();
        answer
    }
}

impl Call<'_> {
    fn carry_out(self, store: &mut Store) -> Result<Response<AnswerBody>, ApiError> {
        let Target { verb, namespace, name, .. } = &self.target;
        let (resource, form) = (self.resource, Form::of(self.headers));
        let place = (namespace.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default());
        let answer = |code, object: &Value| json_response(code, &list::in_form(object, form));
        if matches!(verb, Verb::List | Verb::Get) {
            store.note_read(&self.caller, resource, name.as_deref());
        }
        match verb {
            Verb::Watch | Verb::List => {
                Ok(json_response(200, &store.list(resource, namespace.as_deref(), &self.query, form)?))
            }
            Verb::Get => match store.get(resource, place.0, place.1) {
                Some(object) => Ok(answer(200, object)),
                None => Err(ApiError::not_found(resource, place.1)),
            },
            Verb::Create => {
                let object = parse(self.body)?;
                let created =
                    store.create(resource, namespace.as_deref(), object, Part::Main, &self.caller)?;
                Ok(answer(201, &created))
            }
            Verb::Update | Verb::Patch => {
                let written = self.write(store, place)?;
                if matches!(written, Written::Unchanged(_)) {
                    store.note_unchanged(&self.caller, resource, place.1);
                }
                Ok(answer(200, written.object()))
            }
            Verb::Delete => {
                let preconditions = self.preconditions()?;
                let last = store.delete(resource, place.0, place.1, &preconditions, &self.caller)?;
                Ok(match store.get(resource, place.0, place.1) {
                    Some(held) => answer(200, held),
                    None => json_response(200, &deleted(resource, place.1, &last)),
                })
            }
        }
    }

    fn write(&self, store: &mut Store, place: (&str, &str)) -> Result<Written, ApiError> {
        let part = match self.target.subresource.as_deref() {
            None => Part::Main,
            Some("status") => Part::Status,
            Some(_) => return Err(ApiError::not_found(self.resource, place.1)),
        };
        let (resource, caller, object) = (self.resource, &self.caller, parse(self.body)?);
        if self.target.verb == Verb::Update {
            return store.replace(resource, place.0, place.1, object, part, caller);
        }
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match (PatchKind::of(content_type)?, &self.query.field_manager) {
            (PatchKind::Merge, _) => store.merge_patch(resource, place, &object, part, caller),
            (PatchKind::Apply, Some(manager)) if self.query.is_forced => {
                store.apply(resource, place, manager, object, part, caller)
            }
            (PatchKind::Apply, Some(_)) => Err(ApiError::unsupported("the double applies by force alone")),
            (PatchKind::Apply, None) => {
                Err(ApiError::bad_request("fieldManager is required for apply patch"))
            }
        }
    }

    fn preconditions(&self) -> Result<Preconditions, ApiError> {
        if self.body.is_empty() {
            return Ok(Preconditions::default());
        }
        let options = parse(self.body)?;
        let text = |field: &str| options["preconditions"][field].as_str().map(str::to_owned);
        Ok(Preconditions { uid: text("uid"), resource_version: text("resourceVersion") })
    }
}

fn parse(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::bad_request(&error.to_string()))
}

/// The answer to a deletion that is done.
fn deleted(resource: &Resource, name: &str, last: &Value) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": { "name": name, "group": resource.group, "kind": resource.plural, "uid": uid_of(last) },
    })
}

/// Allows everything: a right that is missing is a fault.
fn review(body: &[u8]) -> Result<Response<AnswerBody>, ApiError> {
    let mut review = parse(body)?;
    review["status"] = json!({ "allowed": true });
    Ok(json_response(201, &review))
}
