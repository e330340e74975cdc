//! One watch for each built-in kind and each watched namespace (or for all namespaces at once).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kube::{Api, Client};
use kube_runtime::watcher;
use tagwatch_client::{api, object_api};
use tagwatch_core::kinds::{WorkloadKind, watched};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::SlimPod;

use super::Observer;
use super::objects::{ObjectSink, WatchProgress};
use super::pods::PodSink;
use super::rights::Refusals;
use super::scope_rights::ScopeRights;
use super::stats::WatchStats;
use super::watch::{Flow, watch};
use crate::state::{Need, Readiness, ReadyToken};

/// A watch by the plural name of its resource.
pub(crate) type NamedWatch = (&'static str, Pin<Box<dyn Future<Output = ()> + Send>>);

/// The watches of built-in kinds in one namespace, or in all.
pub(crate) fn watches(
    observer: &Observer,
    readiness: &Readiness,
    client: &Client,
    config: &watcher::Config,
    rights: &ScopeRights,
) -> Vec<NamedWatch> {
    let scope = rights.namespace();
    let start = |kind: &'static Arc<WorkloadKind>| -> NamedWatch {
        let (registry, metrics) = (&observer.watches, observer.metrics.clone());
        let watch = BuiltInWatch {
            observer: observer.clone(),
            client: client.clone(),
            config: config.clone(),
            kind,
            rights: rights.clone(),
            ready: readiness.expect(watch_name(kind, scope)),
            stats: WatchStats::new(kind.plural, scope, Need::Required, registry, metrics),
        };
        (kind.plural, Box::pin(watch.run()))
    };
    watched().map(start).collect()
}

/// What `/readyz` calls a watch.
fn watch_name(kind: &WorkloadKind, scope: Option<&str>) -> String {
    scope.map_or_else(|| kind.plural.to_owned(), |namespace| format!("{} in {namespace}", kind.plural))
}

/// One watch with all that it needs to begin again.
struct BuiltInWatch {
    observer: Observer,
    client: Client,
    config: watcher::Config,
    kind: &'static Arc<WorkloadKind>,
    rights: ScopeRights,
    ready: ReadyToken,
    stats: WatchStats,
}

impl BuiltInWatch {
    /// Never returns: without its right, a watch begins again once that is granted.
    async fn run(self) {
        let Self { kind, rights, ready, stats, .. } = &self;
        loop {
            self.watch_once().await;
            stats.forbidden();
            if rights.is_one_of_several() {
                ready.mark_ready();
            }
            rights.granted(&kind.name.group, kind.plural).await;
        }
    }

    /// Returns where there is no right to it.
    async fn watch_once(&self) {
        let Self { observer, client, config, kind, rights, ready, stats } = self;
        let (observer, config, ready, stats) =
            (observer.clone(), config.clone(), ready.clone(), stats.clone());
        let scope = rights.namespace().map(str::to_owned);
        if kind.is_pod() {
            let api: Api<SlimPod> = api(client, scope.as_deref());
            return watch(api, config, PodSink::new(observer, scope, ready), stats).await;
        }
        let served = Arc::new(ServedKind::built_in(kind));
        let api = object_api(client, &served, scope.as_deref());
        let progress = Box::new(InitialList { ready, refusals: Refusals::default() });
        let sink = ObjectSink::new(observer, served, scope, Arc::new(AtomicBool::new(true)), progress);
        watch(api, config, sink, stats).await;
    }
}

/// Readiness waits for the list of a built-in kind.
struct InitialList {
    ready: ReadyToken,
    refusals: Refusals,
}

impl WatchProgress for InitialList {
    fn mark_progress(&mut self) {
        self.refusals.mark_worked();
    }

    fn mark_listed(&mut self, _objects: usize, _is_new: bool) {
        self.ready.mark_ready();
    }

    fn failed(&mut self, error: &watcher::Error) -> Flow {
        self.refusals.mark_failed(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Response;
    use kube::client::Body;
    use parking_lot::Mutex;
    use serde_json::{Value, json};
    use tokio::task::JoinSet;
    use tokio::time::sleep;

    use super::*;
    use crate::testing::{self, TestEnv, failure, response};

    /// Requests that were refused, and reviews that were asked for.
    #[derive(Default)]
    struct Asked {
        refused: usize,
        reviews: usize,
    }

    fn review(body: &[u8], allowed: bool) -> Response<Body> {
        let mut review: Value = serde_json::from_slice(body).unwrap();
        review["status"] = json!({ "allowed": allowed });
        response(201, &review)
    }

    /// The bookmark that ends an initial state without objects.
    fn nothing(path: &str) -> Response<Body> {
        let group =
            path.strip_prefix("/apis/").map(|path| path.split("/namespaces").next().unwrap_or_default());
        let object = json!({ "apiVersion": group.unwrap_or("v1"), "kind": "Any", "metadata": {
            "resourceVersion": "5", "annotations": { "k8s.io/initial-events-end": "true" },
        } });
        response(200, &json!({ "type": "BOOKMARK", "object": object }))
    }

    /// The API server refuses the namespace `bank` for ten minutes.
    #[tokio::test(start_paused = true)]
    async fn a_refused_namespace_costs_one_request_a_kind_and_then_a_question_in_45_seconds() {
        let (asked, is_refused) = (Arc::<Mutex<Asked>>::default(), Arc::new(Mutex::new(true)));
        let (noted, refused) = (Arc::clone(&asked), Arc::clone(&is_refused));
        let client = testing::client(move |request| {
            let (noted, refused) = (Arc::clone(&noted), *refused.lock());
            async move {
                let path = request.uri().path().to_owned();
                let query = request.uri().query().unwrap_or_default().to_owned();
                let body = request.into_body().collect_bytes().await.unwrap();
                if path.ends_with("/selfsubjectaccessreviews") {
                    noted.lock().reviews += 1;
                    return review(&body, !refused);
                }
                if path.contains("/namespaces/bank/") && refused {
                    noted.lock().refused += 1;
                    return response(403, &failure(403, "Forbidden", "no"));
                }
                if !query.contains("sendInitialEvents=true") {
                    return std::future::pending().await;
                }
                nothing(&path)
            }
        });
        let env = TestEnv::new(client.clone());
        let (observer, readiness) = (&env.parts.observer, crate::state::Readiness::default());
        observer.watches.divide(["bank", "shop"].map(str::to_owned), readiness.expect("any"));
        let mut tasks = JoinSet::new();
        for scope in ["bank", "shop"] {
            let rights = ScopeRights::new(client.clone(), Some(scope.to_owned()), true);
            let config = watcher::Config::default();
            for (_, watch) in watches(observer, &readiness, &client, &config, &rights) {
                tasks.spawn(watch);
            }
        }
        readiness.complete();
        readiness.synced().await;
        assert_eq!(observer.watches.lost(), [Box::<str>::from("bank")]);
        let kinds = watched().count();
        sleep(Duration::from_mins(10)).await;
        {
            let asked = asked.lock();
            assert_eq!(asked.refused, kinds, "each kind once");
            assert!((15..=19).contains(&asked.reviews), "{}", asked.reviews);
        }
        *is_refused.lock() = false;
        sleep(Duration::from_secs(61)).await;
        assert!(observer.watches.is_followed("bank"));
        assert_eq!(asked.lock().refused, kinds);
    }
}
