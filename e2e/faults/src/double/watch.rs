//! Watches: from a version, or with the initial state first (KEP-3157).

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream;
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::ApiDouble;
use super::answer::{ApiError, response};
use super::list::in_form;
use super::request::{Form, Query};
use super::resource::Resource;
use super::selector::Selector;
use super::store::{Change, ChangeKind, Store, key_of};
use crate::fault::AnswerBody;

/// How often the version is shown to a watch that allows bookmarks (`apiserver/pkg/storage/cacher`).
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);
/// How long a watch lives that sets no limit (`--min-request-timeout`).
const DEFAULT_LIMIT: Duration = Duration::from_mins(30);
/// Marks the end of the initial state.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// A watch that is open.
struct Watch {
    double: ApiDouble,
    changes: watch::Receiver<u64>,
    resource: &'static Resource,
    namespace: Option<String>,
    selector: Selector,
    form: Form,
    allows_bookmarks: bool,
    /// The version up to which everything was sent.
    position: u64,
    lines: VecDeque<Bytes>,
    ends: Instant,
    next_bookmark: Instant,
    has_ended: bool,
}

impl ApiDouble {
    pub(super) fn watch(
        &self,
        resource: &'static Resource,
        namespace: Option<String>,
        query: Query,
        form: Form,
    ) -> Result<Response<AnswerBody>, ApiError> {
        let store = self.store();
        let is_aggregated = store.is_aggregated(resource);
        let wanted = if is_aggregated { Some(store.revision()) } else { query.revision()? };
        let sends_initial_events = query.sends_initial_events && !is_aggregated;
        if sends_initial_events && !store.has_watch_lists {
            let why = "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            return Err(ApiError::invalid(resource, "", "sendInitialEvents", why));
        }
        if query.sends_initial_events && query.version_match.as_deref() != Some("NotOlderThan") {
            let why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            return Err(ApiError::invalid(resource, "", "resourceVersionMatch", why));
        }
        let now = Instant::now();
        let mut watch = Watch {
            double: self.clone(),
            changes: self.changes(),
            resource,
            namespace: namespace.filter(|_| !is_aggregated),
            selector: if is_aggregated { Selector::default() } else { query.selector },
            form,
            allows_bookmarks: query.allows_bookmarks && !is_aggregated,
            position: wanted.unwrap_or_default(),
            lines: VecDeque::new(),
            ends: now + query.timeout_seconds.map_or(DEFAULT_LIMIT, Duration::from_secs),
            next_bookmark: now + BOOKMARK_INTERVAL,
            has_ended: false,
        };
        // Without a version, or with any, the present state comes first, whether it is to be marked or not.
        let from_state = sends_initial_events || watch.position == 0;
        if from_state {
            watch.send_state(&store, sends_initial_events)?;
        } else if !store.reaches(watch.position) {
            // An event inside a success, as every error behind the version's syntax (`cacher.go`, `newErrWatcher`).
            let why = format!("too old resource version: {} ({})", watch.position, store.oldest());
            watch.send("ERROR", &ApiError::expired(why).status());
            watch.has_ended = true;
        }
        drop(store);
        let lines = stream::unfold(watch, |mut watch| async move {
            let line = watch.next().await?;
            Some((Ok(Frame::data(line)), watch))
        });
        Ok(response(200, "application/json", StreamBody::new(lines).boxed_unsync()))
    }
}

impl Watch {
    /// The next line; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.has_ended {
                return None;
            }
            self.changes.borrow_and_update();
            self.catch_up();
            if !self.lines.is_empty() || self.has_ended {
                continue;
            }
            let until = self.ends.min(self.next_bookmark);
            tokio::select! {
                changed = self.changes.changed() => self.has_ended |= changed.is_err(),
                () = sleep_until(until) => self.look_at_time(),
            }
        }
    }

    fn look_at_time(&mut self) {
        if self.allows_bookmarks {
            self.send_bookmark(false);
        }
        let now = Instant::now();
        self.next_bookmark = now + BOOKMARK_INTERVAL;
        self.has_ended |= now >= self.ends;
    }

    /// Sends what has changed since, as far as the cache has come.
    fn catch_up(&mut self) {
        let double = self.double.clone();
        let store = double.store();
        let last = store.cached_revision();
        for change in store.since(self.position).iter().take_while(|change| change.revision <= last) {
            self.send_change(change);
        }
        self.position = self.position.max(last);
        // The definition is gone.
        self.has_ended |= !store.is_served(self.resource);
    }

    fn send_change(&mut self, change: &Change) {
        if change.resource != self.resource || !self.is_in_namespace(&change.object) {
            return;
        }
        let was_selected = change.before.as_ref().is_some_and(|before| self.selector.matches(before));
        let is_selected = change.kind != ChangeKind::Deleted && self.selector.matches(&change.object);
        match (was_selected, is_selected) {
            (false, false) => {}
            (false, true) => self.send_object("ADDED", &change.object),
            (true, true) => self.send_object("MODIFIED", &change.object),
            (true, false) if change.kind == ChangeKind::Deleted => {
                self.send_object("DELETED", &change.object);
            }
            // It is not selected any more: shown as it was, with the version of the change.
            (true, false) => {
                let mut last = change.before.as_deref().cloned().unwrap_or_default();
                last["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                self.send_object("DELETED", &last);
            }
        }
    }

    fn send_state(&mut self, store: &Store, is_marked: bool) -> Result<(), ApiError> {
        let revision = store.cached_revision();
        if self.position > revision {
            return Err(ApiError::too_large_version());
        }
        for object in store.objects_at(self.resource, revision)?.values() {
            if self.is_in_namespace(object) && self.selector.matches(object) {
                self.send_object("ADDED", object);
            }
        }
        self.position = revision;
        if is_marked {
            self.send_bookmark(true);
        }
        Ok(())
    }

    fn is_in_namespace(&self, object: &Value) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| key_of(object).0 == *namespace)
    }

    fn send_bookmark(&mut self, ends_initial_events: bool) {
        let mut bookmark = json!({
            "kind": self.resource.kind, "apiVersion": self.resource.api_version(),
            "metadata": { "resourceVersion": self.position.to_string(), "creationTimestamp": null },
        });
        if ends_initial_events {
            bookmark["metadata"]["annotations"] = json!({ INITIAL_EVENTS_END: "true" });
        }
        self.send_object("BOOKMARK", &bookmark);
    }

    fn send_object(&mut self, kind: &str, object: &Value) {
        match self.form {
            Form::Whole => self.send(kind, object),
            Form::Metadata => self.send(kind, &in_form(object, self.form)),
        }
    }

    fn send(&mut self, kind: &str, object: &Value) {
        // `type` comes first, as every API server writes it.
        let line = format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n");
        self.lines.push_back(Bytes::from(line));
    }
}
