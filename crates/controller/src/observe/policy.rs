//! Follows the one `TagPolicy` that counts: it can be there from the start, be created, changed and deleted, and so can
//! its definition.

use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client, Resource, ResourceExt};
use kube_runtime::watcher::{self, Event};
use parking_lot::Mutex;
use tagwatch_client::{Backoff, is_served};
use tagwatch_core::policy::API_VERSION;
use tagwatch_k8s::tag_policy::TagPolicy;
use tokio::time::sleep;

use super::absence::Absence;
use super::rights::{OptionalRight, Refusals};
use super::stats::{WatchStats, refusal_code};
use super::watch::{Flow, Sink, watch};
use crate::state::metrics::ControllerMetrics;
use crate::state::{
    ActivePolicy, CustomWatches, EngineHandle, Need, Outage, PolicySource, ReadyToken, Rejection,
    StatusTracker, WatchRegistry,
};

/// How often an API server without the definition is asked for it.
const ABSENT_INTERVAL: Duration = Duration::from_secs(5);
const PLURAL: &str = "tagpolicies";
/// The policy that applies unless another one is named; many clusters have none.
const DEFAULT_NAME: &str = "default";

/// What a change of the policy changes. Clones share it.
#[derive(Clone)]
pub(crate) struct PolicyObserver {
    pub(crate) policy: Arc<Mutex<ActivePolicy>>,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) custom: Arc<CustomWatches>,
    pub(crate) status: Arc<StatusTracker>,
    pub(crate) metrics: ControllerMetrics,
    pub(crate) watches: WatchRegistry,
}

impl PolicyObserver {
    /// Follows the policy of a name. Never returns.
    pub(crate) async fn follow(self, client: Client, name: String, ready: ReadyToken) {
        let stats = WatchStats::new(PLURAL, None, Need::Optional, &self.watches, self.metrics.clone());
        let (mut backoff, mut outage) = (Backoff::default(), Outage::default());
        let mut absence = Absence::default();
        let mut right = OptionalRight::of_object(client.clone(), &TagPolicy::group(&()), PLURAL, &name);
        loop {
            match is_served(&client, API_VERSION, PLURAL).await {
                Ok(true) => {
                    backoff.reset();
                    outage.end();
                    absence = Absence::default();
                    // An installation with fewer rights wants no policy, so nothing waits for it.
                    let missing = |is_first| {
                        ready.mark_ready();
                        if is_first {
                            tracing::warn!(
                                policy = name,
                                "no right to list and watch TagPolicies: what is in the cluster is not read"
                            );
                        }
                    };
                    right.granted(missing).await;
                    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
                    let sink = PolicySink {
                        observer: self.clone(),
                        ready: ready.clone(),
                        listed: None,
                        missed: (name != DEFAULT_NAME).then(|| name.clone()),
                        refusals: right.refusals(),
                    };
                    watch(Api::<TagPolicy>::all(client.clone()), config, sink, stats.clone()).await;
                    // Discovery may name for a while what is not served any more.
                    sleep(absence.pause(ABSENT_INTERVAL)).await;
                }
                Ok(false) => {
                    absence.count();
                    if absence.is_confirmed() {
                        self.set_policy(None);
                        ready.mark_ready();
                    }
                    sleep(absence.pause(ABSENT_INTERVAL)).await;
                }
                Err(error) => {
                    let reason = error.category();
                    if outage.begin() {
                        tracing::warn!(%error, reason, "cannot ask for the TagPolicy API; trying again");
                    } else {
                        tracing::debug!(%error, reason, "still cannot ask for the TagPolicy API");
                    }
                    sleep(backoff.delay_of(error.code())).await;
                }
            }
        }
    }

    /// Takes over the policy as it is in the cluster now. Where it is another one, the reconcile loop evaluates every workload
    /// again.
    fn set_policy(&self, object: Option<TagPolicy>) {
        let object = object.map(|mut object| {
            object.metadata.managed_fields = None;
            object
        });
        // One task sets policies, so it does not change meanwhile; and compiling takes its time.
        let before = self.policy.lock().clone();
        let mut now = before.clone();
        let policy = now.update(object);
        if let Some(policy) = policy {
            self.custom.declare(policy.workloads());
            // Before the object: its status says nothing of counts until the engine's policy is evaluated.
            self.engine.set_policy(policy);
        }
        *self.policy.lock() = now.clone();
        log_change(&before, &now);
        self.measure(&now);
        self.status.notify();
    }

    fn measure(&self, active: &ActivePolicy) {
        self.metrics.policy_valid.set(i64::from(active.rejection.is_none()));
        for source in PolicySource::ALL {
            let in_use = i64::from(source == active.source);
            self.metrics.policy_source.with_label_values(&[source.as_str()]).set(in_use);
        }
    }
}

/// Logs what has changed; the watch repeats itself.
fn log_change(before: &ActivePolicy, now: &ActivePolicy) {
    let generation = |active: &ActivePolicy| {
        active.object.as_ref().map(|object| (object.uid(), object.metadata.generation))
    };
    if generation(before) == generation(now) {
        return;
    }
    let in_use = now.source.as_str();
    match (now.name(), &now.rejection) {
        (Some(policy), None) => tracing::info!(policy, "judging by this policy"),
        (Some(policy), Some(Rejection(mistakes))) => {
            tracing::error!(policy, in_use, mistakes, "the policy is invalid and not in use");
        }
        (None, _) => tracing::warn!("the policy is gone: judging by the recommended profile"),
    }
}

struct PolicySink {
    observer: PolicyObserver,
    ready: ReadyToken,
    listed: Option<TagPolicy>,
    /// The name of a policy that the options name, until it is logged that there is none.
    missed: Option<String>,
    refusals: Refusals,
}

impl Sink<TagPolicy> for PolicySink {
    fn mark_progress(&mut self) {
        self.refusals.mark_worked();
    }

    fn event(&mut self, event: Event<TagPolicy>) -> Flow {
        match event {
            Event::Init => self.listed = None,
            Event::InitApply(policy) => self.listed = Some(policy),
            Event::InitDone => {
                let listed = self.listed.take();
                let missed = self.missed.take();
                if let Some(policy) = missed.filter(|_| listed.is_none()) {
                    tracing::warn!(policy, "there is no such TagPolicy: judging by the recommended profile");
                }
                self.observer.set_policy(listed);
                self.ready.mark_ready();
            }
            Event::Apply(policy) => self.observer.set_policy(Some(policy)),
            Event::Delete(_) => self.observer.set_policy(None),
        }
        Flow::Continue
    }

    /// 404 for a whole resource: its definition was removed. A policy that can no longer be read stays in use.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) == Some(404) { Flow::Stop } else { self.refusals.mark_failed(error) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Response;
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{self, TestEnv, failure, response};

    fn answer(path: &str, query: &str, is_served: bool) -> Response<Body> {
        if path.ends_with("selfsubjectaccessreviews") {
            return response(201, &json!({ "metadata": {}, "spec": {}, "status": { "allowed": true } }));
        }
        if query.contains("watch=true") && !query.contains("sendInitialEvents=true") || !is_served {
            return response(
                404,
                &failure(404, "NotFound", "the server could not find the requested resource"),
            );
        }
        if !query.contains("watch=true") {
            let resource = json!({
                "name": PLURAL, "kind": "TagPolicy", "singularName": "tagpolicy", "namespaced": false, "verbs": ["watch"],
            });
            let list =
                json!({ "kind": "APIResourceList", "groupVersion": API_VERSION, "resources": [resource] });
            return response(200, &list);
        }
        let policy = json!({
            "kind": "TagPolicy", "apiVersion": API_VERSION, "spec": {},
            "metadata": { "name": DEFAULT_NAME, "uid": "policy", "resourceVersion": "5" },
        });
        let end = json!({ "kind": "TagPolicy", "apiVersion": API_VERSION, "spec": {}, "metadata": {
            "resourceVersion": "5", "annotations": { "k8s.io/initial-events-end": "true" },
        } });
        let event = |kind: &str, object: Value| json!({ "type": kind, "object": object });
        let events = [event("ADDED", policy), event("BOOKMARK", end)].map(|event| format!("{event}\n"));
        Response::new(Body::from(events.concat().into_bytes()))
    }

    /// Whether a policy is in use each time that the API server is asked for its definition. It answers by this list, and
    /// ends each watch as it does where a definition was removed.
    async fn in_use(served: &'static [bool]) -> Vec<bool> {
        let asked = Arc::new(AtomicUsize::new(0));
        let active: Arc<Mutex<Option<Arc<Mutex<ActivePolicy>>>>> = Arc::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (counted, policy, log) = (Arc::clone(&asked), Arc::clone(&active), Arc::clone(&seen));
        let client = testing::client(move |request| {
            let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
            let is_discovery = path.ends_with(API_VERSION);
            if is_discovery {
                counted.fetch_add(1, Ordering::Relaxed);
                log.lock().push(policy.lock().as_ref().is_some_and(|active| active.lock().object.is_some()));
            }
            let number = counted.load(Ordering::Relaxed);
            let answer = answer(path, query, served.get(number - 1).copied().unwrap_or(true));
            async move { answer }
        });
        let env = TestEnv::new(client.clone());
        let observer = env.parts.policy_observer();
        *active.lock() = Some(Arc::clone(&observer.policy));
        let following =
            observer.follow(client, DEFAULT_NAME.to_owned(), env.parts.readiness.expect("policy"));
        let enough = async {
            while asked.load(Ordering::Relaxed) <= served.len() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = following => {}
            () = enough => {}
        }
        seen.lock().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_definition_that_one_answer_leaves_out_is_not_gone() {
        assert_eq!(in_use(&[true, false, true]).await, [false, true, true, true]);
        assert_eq!(in_use(&[true, false, false]).await, [false, true, true, false]);
    }
}
