//! Rights that tagwatch cannot do without, in one watched namespace or in all. What one of its watches lacks most others
//! lack too: while any is refused, one of them at a time is asked for, in turn, ever more rarely. No watch is tried.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::Client;
use tagwatch_client::Backoff;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::rights::is_granted;

/// A scope of which nothing was asked for this long is one that was followed since: waits begin anew.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(3);

/// The rights in one watched namespace, or in all. Clones share when to ask.
#[derive(Clone)]
pub(crate) struct ScopeRights {
    client: Client,
    namespace: Option<String>,
    /// Others are watched without it.
    is_one_of_several: bool,
    /// Held by the watch that asks; the others stand in line.
    turn: Arc<Mutex<Turn>>,
}

#[derive(Default)]
struct Turn {
    backoff: Backoff,
    asked: Option<Instant>,
    /// When a right was last granted. Those that stood in line then ask at once.
    granted: Option<Instant>,
    /// The last question got no answer.
    was_silent: bool,
}

impl ScopeRights {
    pub(crate) fn new(client: Client, namespace: Option<String>, is_one_of_several: bool) -> Self {
        Self { client, namespace, is_one_of_several, turn: Arc::default() }
    }

    /// The namespace; `None` is all at once.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Whether readiness and the first evaluation do without this namespace while it is refused.
    pub(super) fn is_one_of_several(&self) -> bool {
        self.is_one_of_several
    }

    /// Waits until the right to list and watch a resource is granted, after its watch was refused.
    pub(super) async fn granted(&self, group: &str, plural: &str) {
        let resource = ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(plural.to_owned()),
            namespace: self.namespace.clone(),
            ..ResourceAttributes::default()
        };
        let mut waits_since = Instant::now();
        loop {
            // Fair: each of those in line has its turn.
            let mut turn = self.turn.lock().await;
            turn.pause(waits_since).await;
            turn.asked = Some(Instant::now());
            let answer = is_granted(&self.client, &resource).await;
            turn.was_silent = matches!(&answer, Err(error) if error.code().is_none());
            match answer {
                Ok(true) => {
                    turn.granted = Some(Instant::now());
                    return;
                }
                // Without the right to ask, or an API to ask, the watch itself shows.
                Err(error) if matches!(error.code(), Some(403..=405)) => return,
                Err(error) => {
                    tracing::debug!(%error, resource = plural, "cannot ask for a right; trying again");
                }
                Ok(false) => {}
            }
            waits_since = Instant::now();
        }
    }
}

impl Turn {
    async fn pause(&mut self, waits_since: Instant) {
        if self.granted.is_some_and(|granted| granted > waits_since) {
            return;
        }
        if self.asked.is_none_or(|asked| asked.elapsed() >= FORGOTTEN_AFTER) {
            self.backoff.reset();
        }
        let wait = if self.was_silent {
            self.backoff.delay_after(false)
        } else {
            self.backoff.delay_while_refused()
        };
        sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};
    use tokio::time::timeout;

    use super::*;
    use crate::testing::{self, response};

    type Shared<T> = Arc<parking_lot::Mutex<T>>;

    /// An API server that grants these resources, and the second of each review with its resource.
    struct Server {
        granted: Shared<BTreeSet<&'static str>>,
        asked: Shared<Vec<(u64, String)>>,
        rights: ScopeRights,
    }

    impl Server {
        fn new() -> Self {
            let (granted, asked) = (Shared::<BTreeSet<&str>>::default(), Shared::<Vec<_>>::default());
            let (known, noted, begun) = (Arc::clone(&granted), Arc::clone(&asked), Instant::now());
            let client = testing::client(move |request| {
                let (known, noted) = (Arc::clone(&known), Arc::clone(&noted));
                async move {
                    assert!(request.uri().path().ends_with("/selfsubjectaccessreviews"), "{}", request.uri());
                    let body = request.into_body().collect_bytes().await.unwrap();
                    let mut review: Value = serde_json::from_slice(&body).unwrap();
                    let attributes = &review["spec"]["resourceAttributes"];
                    assert_eq!(attributes["namespace"], "shop");
                    let resource = attributes["resource"].as_str().unwrap().to_owned();
                    let allowed = known.lock().contains(&*resource);
                    noted.lock().push((begun.elapsed().as_secs(), resource));
                    review["status"] = json!({ "allowed": allowed });
                    response(201, &review)
                }
            });
            let rights = ScopeRights::new(client, Some("shop".to_owned()), true);
            Self { granted, asked, rights }
        }

        fn wait_for(&self, plural: &'static str) -> tokio::task::JoinHandle<()> {
            let rights = self.rights.clone();
            tokio::spawn(async move { rights.granted("", plural).await })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_question_in_45_seconds_for_nine_kinds_each_time_of_another_one_and_all_at_once_when_it_is_back()
     {
        let kinds = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let server = Server::new();
        let waiting: Vec<_> = kinds.iter().map(|kind| server.wait_for(kind)).collect();
        sleep(Duration::from_mins(11)).await;
        let asked = std::mem::take(&mut *server.asked.lock());
        let seconds: Vec<u64> = asked.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds[..9], [0, 1, 3, 7, 15, 31, 63, 108, 153], "one at a time: {asked:?}");
        assert_eq!(seconds.len(), 20);
        let resources: BTreeSet<&str> = asked.iter().map(|(_, resource)| &**resource).collect();
        assert_eq!(resources.len(), kinds.len(), "{asked:?}");

        // Not all of them come back.
        server.granted.lock().extend(&kinds[..8]);
        let begun = Instant::now();
        for waiting in waiting.into_iter().take(8) {
            waiting.await.unwrap();
        }
        // The one that is missing may be the first that is asked for.
        assert!(begun.elapsed() <= Duration::from_mins(2), "{:?}", begun.elapsed());
        server.asked.lock().clear();
        sleep(Duration::from_mins(10)).await;
        assert!((12..=16).contains(&server.asked.lock().len()), "{:?}", server.asked.lock());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_refused_although_the_right_is_granted_waits_ever_longer() {
        let server = Server::new();
        server.granted.lock().insert("pods");
        for _ in 0..12 {
            server.rights.granted("", "pods").await;
        }
        let asked: Vec<u64> = server.asked.lock().iter().map(|(second, _)| *second).step_by(2).collect();
        assert_eq!(asked[..9], [0, 1, 3, 7, 15, 31, 63, 108, 153]);

        // Once it was followed for a while, waits begin anew.
        sleep(FORGOTTEN_AFTER).await;
        timeout(Duration::from_secs(1), server.rights.granted("", "pods")).await.unwrap();
    }
}
