//! An API server that holds one lease, with resource versions as the real one has them.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::testing::{client, failure, response};

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// What happens to the requests of one candidate.
#[derive(Clone, Copy, Default)]
pub(super) struct Faults {
    /// Longest way there, and back.
    latency: Duration,
    /// Of a hundred requests, lost before they arrive.
    lost: usize,
    /// Of a hundred answers, lost on their way back: the request was carried out.
    unanswered: usize,
    /// Of a hundred requests, refused.
    refused: usize,
}

impl Faults {
    pub(super) fn cut_off() -> Self {
        Self { lost: 100, ..Self::default() }
    }

    /// A request may arrive when its sender has given it up.
    pub(super) fn unreliable() -> Self {
        Self { latency: Duration::from_secs(6), lost: 20, unanswered: 20, refused: 10 }
    }
}

#[derive(Clone)]
pub(super) struct LeaseServer(Arc<Mutex<State>>);

struct State {
    lease: Option<Value>,
    version: u64,
    faults: [Faults; 3],
    random: Random,
    /// Shows the version to those who watch.
    changed: watch::Sender<u64>,
    clocks: i64,
}

impl LeaseServer {
    pub(super) fn new(seed: u64) -> Self {
        let random = Random::new(seed ^ 0x5eed);
        let changed = watch::Sender::new(0);
        Self(Arc::new(Mutex::new(State {
            lease: None,
            version: 1,
            faults: [Faults::default(); 3],
            random,
            changed,
            clocks: 0,
        })))
    }

    pub(super) fn set_faults(&self, candidate: usize, faults: Faults) {
        self.0.lock().faults[candidate] = faults;
    }

    /// From now on the times that are stored are others: those in a record come from a machine's clock.
    pub(super) fn shift_clocks(&self) {
        let mut state = self.0.lock();
        let years = i64::try_from(state.random.below(21)).unwrap() - 10;
        state.clocks = years * 365 * 24 * 3_600;
    }

    /// The client of a candidate. What was sent arrives, whether its sender waits or not.
    pub(super) fn client(&self, candidate: usize) -> Client {
        let server = self.clone();
        client(move |request| {
            let answer = tokio::spawn(server.clone().answer(candidate, request));
            async move { answer.await.unwrap() }
        })
    }

    async fn answer(self, candidate: usize, request: Request<Body>) -> Response<Body> {
        let faults = self.0.lock().faults[candidate];
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch="));
        if is_watch {
            return self.watch(candidate).await;
        }
        if self.percent(faults.lost) {
            return pending().await;
        }
        sleep(self.part_of(faults.latency)).await;
        let method = request.method().clone();
        let body = request.into_body().collect_bytes().await.unwrap();
        let answer = if self.percent(faults.refused) {
            response(500, &failure(500, "InternalError", "no"))
        } else {
            self.carry_out(&method, &body)
        };
        if self.percent(faults.unanswered) {
            return pending().await;
        }
        sleep(self.part_of(faults.latency)).await;
        answer
    }

    fn percent(&self, percent: usize) -> bool {
        self.0.lock().random.below(100) < percent
    }

    fn part_of(&self, limit: Duration) -> Duration {
        let millis = usize::try_from(limit.as_millis()).unwrap() + 1;
        Duration::from_millis(u64::try_from(self.0.lock().random.below(millis)).unwrap())
    }

    fn carry_out(&self, method: &Method, body: &[u8]) -> Response<Body> {
        let state = &mut *self.0.lock();
        let missing = || response(404, &failure(404, "NotFound", "no such lease"));
        let conflict = || response(409, &failure(409, "Conflict", "it is another version"));
        if *method == Method::GET {
            return state.lease.as_ref().map_or_else(missing, |lease| response(200, lease));
        }
        let mut wanted: Value = serde_json::from_slice(body).unwrap();
        match (&state.lease, method) {
            (Some(_), &Method::POST) => return conflict(),
            (None, &Method::PUT) => return missing(),
            (Some(stored), &Method::PUT)
                if stored["metadata"]["resourceVersion"] != wanted["metadata"]["resourceVersion"] =>
            {
                return conflict();
            }
            _ => {}
        }
        state.version += 1;
        wanted["metadata"]["resourceVersion"] = json!(state.version.to_string());
        if state.clocks != 0 {
            let time = Timestamp::now().as_microsecond() + state.clocks * 1_000_000;
            let time = Timestamp::from_microsecond(time).unwrap();
            wanted["spec"]["renewTime"] = json!(format!("{time:.6}"));
        }
        state.lease = Some(wanted.clone());
        state.changed.send_replace(state.version);
        response(200, &wanted)
    }

    /// Answers once the lease changes, with the initial state as a stream ends: the watch begins again then, which is all that
    /// a candidate makes of an event.
    async fn watch(&self, candidate: usize) -> Response<Body> {
        let mut changes = self.0.lock().changed.subscribe();
        loop {
            if changes.changed().await.is_err() {
                return pending().await;
            }
            if self.0.lock().faults[candidate].lost == 0 {
                break;
            }
        }
        let (lease, version) = {
            let state = self.0.lock();
            (state.lease.clone(), state.version)
        };
        let bookmark = json!({ "type": "BOOKMARK", "object": {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "resourceVersion": version.to_string(),
                "annotations": { "k8s.io/initial-events-end": "true" } },
            "spec": {},
        } });
        let modified = json!({ "type": "MODIFIED", "object": lease });
        let lines = format!("{bookmark}\n{modified}\n");
        Response::builder().status(200).body(Body::from(lines.into_bytes())).unwrap()
    }
}
