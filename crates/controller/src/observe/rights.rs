//! Rights that an installation may do without. They are asked for before a watch begins, so that a missing one is a state:
//! no request is refused, and nothing counts as an error.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use kube_runtime::watcher;
use parking_lot::Mutex;
use tagwatch_client::{Backoff, CALL_LIMIT, CallError, call};
use tokio::time::{Instant, sleep};

use super::stats::refusal_code;
use super::watch::Flow;

/// How long after it was first missing a right is asked for again. Each further wait is twice as long, up to
/// [`LAST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait: a right that is granted is used within this time.
const LAST_WAIT: Duration = Duration::from_mins(10);
/// How long a watch that worked may be refused before its right counts as gone: an API server that is starting refuses
/// everything until it knows the roles.
const REFUSAL_GRACE: Duration = Duration::from_secs(30);

/// The right to list and watch a resource.
pub(super) struct OptionalRight {
    client: Client,
    resource: ResourceAttributes,
    wait: Duration,
    /// It was missing before.
    was_missing: bool,
    /// Shared with the [`Refusals`] of the watch that was begun last.
    last_watch: Arc<Mutex<Option<WatchResult>>>,
}

/// What has come of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WatchResult {
    /// It has shown something.
    Worked,
    /// It was refused before.
    Refused,
}

impl OptionalRight {
    /// The right to a resource of an API group, in one namespace or in all.
    pub(super) fn new(client: Client, group: &str, plural: &str, namespace: Option<&str>) -> Self {
        let resource = ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(plural.to_owned()),
            namespace: namespace.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        Self { client, resource, wait: FIRST_WAIT, was_missing: false, last_watch: Arc::default() }
    }

    /// The right to one object: RBAC also grants lists and watches that select it by its name.
    pub(super) fn of_object(client: Client, group: &str, plural: &str, name: &str) -> Self {
        let mut right = Self::new(client, group, plural, None);
        right.resource.name = Some(name.to_owned());
        right
    }

    /// For the sink of the watch that the right allows.
    pub(super) fn refusals(&self) -> Refusals {
        Refusals { since: None, last_watch: Arc::clone(&self.last_watch) }
    }

    /// Waits until the right is granted. `missing` is called after each answer that it is not, and gets whether this is
    /// the first one.
    ///
    /// After a watch that was refused although the review allowed it, the waits go on growing.
    pub(super) async fn granted(&mut self, mut missing: impl FnMut(bool)) {
        let last_watch = self.last_watch.lock().take();
        match last_watch {
            Some(WatchResult::Refused) => {
                missing(self.note_missing());
                self.pause().await;
            }
            Some(WatchResult::Worked) => self.wait = FIRST_WAIT,
            None => {}
        }
        let mut backoff = Backoff::default();
        loop {
            match is_granted(&self.client, &self.resource).await {
                Ok(true) => break,
                Ok(false) => {
                    missing(self.note_missing());
                    self.pause().await;
                }
                // Without the right to ask, or an API to ask, the watch itself shows.
                Err(error) if matches!(error.code(), Some(403..=405)) => break,
                Err(error) => {
                    tracing::debug!(%error, resource = self.resource.resource, "cannot ask for a right; trying again");
                    sleep(backoff.delay_after(error.code().is_some())).await;
                }
            }
        }
    }

    /// Whether the right is missing for the first time; from now on, it was missing before.
    fn note_missing(&mut self) -> bool {
        !std::mem::replace(&mut self.was_missing, true)
    }

    async fn pause(&mut self) {
        sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LAST_WAIT);
    }
}

/// Asks whether there is the right to list and watch a resource.
pub(super) async fn is_granted(client: &Client, resource: &ResourceAttributes) -> Result<bool, CallError> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    for verb in ["list", "watch"] {
        let attributes = ResourceAttributes { verb: Some(verb.to_owned()), ..resource.clone() };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        };
        let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
        let status = call(CALL_LIMIT, reviews.create(&PostParams::default(), &review)).await?.status;
        if !status.is_some_and(|status| status.allowed && status.denied != Some(true)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells a right that is gone from an API server that is starting.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    since: Option<Instant>,
    last_watch: Arc<Mutex<Option<WatchResult>>>,
}

impl Refusals {
    /// The watch has shown something.
    pub(super) fn mark_worked(&mut self) {
        self.since = None;
        *self.last_watch.lock() = Some(WatchResult::Worked);
    }

    /// Whether a failed watch ends, because its right is missing. One that never worked ends at once.
    pub(super) fn mark_failed(&mut self, error: &watcher::Error) -> Flow {
        if refusal_code(error) != Some(403) {
            return Flow::Continue;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let mut last_watch = self.last_watch.lock();
        if *last_watch == Some(WatchResult::Worked) {
            return if since.elapsed() < REFUSAL_GRACE { Flow::Continue } else { Flow::Stop };
        }
        *last_watch = Some(WatchResult::Refused);
        Flow::Stop
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{self, failure, response};

    /// The attributes of each review, with the second in which it came.
    type Asked = Arc<Mutex<Vec<(u64, Value)>>>;

    /// An API server that answers reviews by their number, or refuses them with a status code, and notes their attributes
    /// with the second they came in.
    fn server(answer: impl Fn(usize) -> Result<bool, u16> + Send + Sync + 'static) -> (Client, Asked) {
        let asked = Asked::default();
        let (noted, answer, begun) = (Arc::clone(&asked), Arc::new(answer), Instant::now());
        let client = testing::client(move |request| {
            let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
            async move {
                assert_eq!(request.uri().path(), "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
                let body = request.into_body().collect_bytes().await.unwrap();
                let mut review: Value = serde_json::from_slice(&body).unwrap();
                let number = noted.lock().len();
                noted.lock().push((begun.elapsed().as_secs(), review["spec"]["resourceAttributes"].clone()));
                match answer(number) {
                    Ok(allowed) => review["status"] = json!({ "allowed": allowed }),
                    Err(code) => return response(code, &failure(code, "Refused", "no")),
                }
                response(201, &review)
            }
        });
        (client, asked)
    }

    fn seconds(asked: &Mutex<Vec<(u64, Value)>>) -> Vec<u64> {
        asked.lock().iter().map(|(second, _)| *second).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn asks_for_both_verbs_and_for_nothing_else() {
        let (client, asked) = server(|_| Ok(true));
        let mut right = OptionalRight::new(client, "argoproj.io", "rollouts", Some("shop"));
        right.granted(|_| panic!("it is granted")).await;
        let attributes = |verb: &str| json!({ "group": "argoproj.io", "resource": "rollouts", "namespace": "shop", "verb": verb });
        assert_eq!(*asked.lock(), [(0, attributes("list")), (0, attributes("watch"))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_right_is_asked_for_rarely_and_ever_more_rarely() {
        let (client, asked) = server(|number| Ok(number >= 8));
        let mut right = OptionalRight::new(client, "", "nodes", None);
        let mut missing = Vec::new();
        right.granted(|is_first| missing.push(is_first)).await;
        assert_eq!(missing, [true, false, false, false, false, false, false, false]);
        assert_eq!(seconds(&asked)[..9], [0, 30, 90, 210, 450, 930, 1530, 2130, 2730]);
    }

    fn refused() -> watcher::Error {
        let status = kube::core::Status::failure("no", "Forbidden").with_code(403);
        watcher::Error::WatchStartFailed(kube::Error::Api(status.boxed()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_refused_although_the_review_allows_it_waits_too() {
        let (client, asked) = server(|_| Ok(true));
        let mut right = OptionalRight::new(client, "", "nodes", None);
        let mut missing = Vec::new();
        for _ in 0..4 {
            right.granted(|is_first| missing.push(is_first)).await;
            assert_eq!(right.refusals().mark_failed(&refused()), Flow::Stop);
        }
        assert_eq!(missing, [true, false, false]);
        assert_eq!(seconds(&asked), [0, 0, 30, 30, 90, 90, 210, 210]);
        right.refusals().mark_worked();
        right.granted(|_| panic!("the watch has worked")).await;
        right.granted(|_| panic!("a watch that ends for another reason is no refusal")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_answer_it_goes_on_asking_and_without_the_right_to_ask_the_watch_shows() {
        let (client, asked) = server(|number| Err(if number < 3 { 503 } else { 403 }));
        OptionalRight::new(client, "", "nodes", None).granted(|_| panic!("nothing says so")).await;
        assert_eq!(asked.lock().len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_worked_outlasts_a_restart_of_the_api_server() {
        let right = OptionalRight::new(server(|_| Ok(true)).0, "", "nodes", None);
        let mut refusals = right.refusals();
        refusals.mark_worked();
        assert_eq!(refusals.mark_failed(&refused()), Flow::Continue);
        sleep(REFUSAL_GRACE.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(refusals.mark_failed(&refused()), Flow::Continue);
        refusals.mark_worked();
        assert_eq!(refusals.mark_failed(&refused()), Flow::Continue);
        sleep(REFUSAL_GRACE).await;
        assert_eq!(refusals.mark_failed(&refused()), Flow::Stop);
        assert_eq!(refusals.mark_failed(&watcher::Error::NoResourceVersion), Flow::Continue);
    }
}
