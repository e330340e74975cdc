//! Follows the one `TagPolicy` that counts: it can be there from the start, come, change and go, and so can its
//! definition.

use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use kube_runtime::watcher::{self, Event};
use tagwatch_client::{Backoff, is_served};
use tagwatch_core::policy::API_VERSION;
use tagwatch_k8s::tag_policy::TagPolicy;
use tokio::time::sleep;

use crate::controller::Controller;
use crate::readiness::ReadyToken;
use crate::watch::{Flow, Sink, WatchStats, refusal_code, watch};

/// How often an API server without the definition is asked for it.
const ABSENT_INTERVAL: Duration = Duration::from_secs(5);
const PLURAL: &str = "tagpolicies";
/// What is judged by unless somebody asks for another one; many clusters have none.
const DEFAULT_NAME: &str = "default";

/// Follows the policy of a name, for ever.
pub(crate) async fn follow(client: Client, name: String, controller: Arc<Controller>, ready: ReadyToken) {
    let stats = WatchStats::new(PLURAL, controller.metrics.clone());
    let mut backoff = Backoff::default();
    loop {
        match is_served(&client, API_VERSION, PLURAL).await {
            Ok(true) => {
                backoff.reset();
                let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
                let sink = PolicySink {
                    controller: Arc::clone(&controller),
                    ready: ready.clone(),
                    listed: None,
                    missed: (name != DEFAULT_NAME).then(|| name.clone()),
                };
                watch(Api::<TagPolicy>::all(client.clone()), config, sink, stats.clone()).await;
            }
            Ok(false) => {
                controller.set_policy(None);
                ready.ready();
                sleep(ABSENT_INTERVAL).await;
            }
            Err(error) => {
                tracing::warn!(%error, reason = error.category(), "cannot ask for the TagPolicy API; trying again");
                sleep(backoff.next_delay()).await;
            }
        }
    }
}

struct PolicySink {
    controller: Arc<Controller>,
    ready: ReadyToken,
    listed: Option<TagPolicy>,
    /// The name of a policy that somebody asked for, until it is told that there is none.
    missed: Option<String>,
}

impl Sink<TagPolicy> for PolicySink {
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
                self.controller.set_policy(listed);
                self.ready.ready();
            }
            Event::Apply(policy) => self.controller.set_policy(Some(policy)),
            Event::Delete(_) => self.controller.set_policy(None),
        }
        Flow::Continue
    }

    /// 404 for a whole resource: its definition was removed. 403: an installation with fewer rights wants no policy, so
    /// nothing waits for it.
    fn failed(&mut self, error: &watcher::Error) -> Flow {
        match refusal_code(error) {
            Some(404) => return Flow::Stop,
            Some(403) => self.ready.ready(),
            _ => {}
        }
        Flow::Continue
    }
}
