//! Watches: what they show, in which order, and how they end.

use std::pin::Pin;

use anyhow::{Context, Result, bail, ensure};
use futures::{Stream, TryStreamExt as _};
use kube::core::WatchEvent;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{LIMIT, Requests, config_map, revision, same, text, version};

/// The lines of a watch as (type, object).
struct Lines(Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<Value>>> + Send>>);

impl Lines {
    async fn open(requests: &Requests, path: &str, accept: &str) -> Result<Self> {
        let request = http::Request::get(path).header("accept", accept).body(Vec::new())?;
        let events = timeout(LIMIT, requests.client.request_events(request))
            .await?
            .with_context(|| path.to_owned())?;
        Ok(Self(Box::pin(events)))
    }

    /// `None` at the end.
    async fn next(&mut self) -> Result<Option<(&'static str, Value)>> {
        let event = timeout(LIMIT, self.0.try_next()).await.context("the next event")??;
        Ok(event.map(|event| match event {
            WatchEvent::Added(object) => ("ADDED", object),
            WatchEvent::Modified(object) => ("MODIFIED", object),
            WatchEvent::Deleted(object) => ("DELETED", object),
            WatchEvent::Bookmark(mark) => {
                let metadata = json!({ "resourceVersion": mark.metadata.resource_version, "annotations": mark.metadata.annotations });
                ("BOOKMARK", json!({ "kind": mark.types.kind, "metadata": metadata }))
            }
            WatchEvent::Error(status) => ("ERROR", json!({ "code": status.code, "reason": status.reason })),
        }))
    }

    /// The next event that shows an object.
    async fn object(&mut self) -> Result<(&'static str, Value)> {
        loop {
            match self.next().await? {
                Some(("BOOKMARK", _)) => {}
                Some(event) => return Ok(event),
                None => bail!("the watch has ended"),
            }
        }
    }
}

pub(super) async fn check(requests: &Requests) -> Result<()> {
    changes(requests).await.context("changes from a version")?;
    selected(requests).await.context("with a selector")?;
    initial_state(requests).await.context("with the initial state")?;
    expired(requests).await.context("from a version that is too old")?;
    time_limit(requests).await.context("with a time limit")
}

async fn changes(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    let list = requests.get(&path).await?;
    let mut lines = Lines::open(
        requests,
        &format!("{path}?watch=true&resourceVersion={}", version(&list)),
        "application/json",
    )
    .await?;
    let made = requests.post(&path, &config_map("watched", "1")).await?;
    let mut wanted = made.clone();
    wanted["data"]["key"] = json!("2");
    let changed = requests.put(&format!("{path}/watched"), &wanted).await?;
    // Stored already: no event.
    requests.put(&format!("{path}/watched"), &changed).await?;
    requests.delete(&format!("{path}/watched"), &Value::Null).await?;
    let (kind, object) = lines.object().await?;
    same("the first event", (kind, version(&object)), ("ADDED", version(&made)))?;
    let (kind, object) = lines.object().await?;
    same("the second event", (kind, version(&object)), ("MODIFIED", version(&changed)))?;
    let (kind, object) = lines.object().await?;
    same("the third event", (kind, text(&object, "/metadata/name")), ("DELETED", "watched".to_owned()))?;
    ensure!(revision(&object)? > revision(&changed)?, "a deletion has a version of its own");

    // A later watch from between shows the rest alone.
    let mut lines = Lines::open(
        requests,
        &format!("{path}?watch=true&resourceVersion={}", version(&changed)),
        "application/json",
    )
    .await?;
    let (kind, again) = lines.object().await?;
    same("the rest", (kind, version(&again)), ("DELETED", version(&object)))
}

async fn selected(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    let list = requests.get(&path).await?;
    let query = format!("watch=true&labelSelector=watched%3Dyes&resourceVersion={}", version(&list));
    let mut lines = Lines::open(requests, &format!("{path}?{query}"), "application/json").await?;
    let plain = requests.post(&path, &config_map("selected", "1")).await?;
    let place = format!("{path}/selected");
    let with_label = |object: &Value, label: Value| {
        let mut wanted = object.clone();
        wanted["metadata"]["labels"]["watched"] = label;
        wanted
    };
    let labelled = requests.put(&place, &with_label(&plain, json!("yes"))).await?;
    let (kind, object) = lines.object().await?;
    same("it is selected now", (kind, version(&object)), ("ADDED", version(&labelled)))?;
    let other = requests.put(&place, &with_label(&labelled, json!("no"))).await?;
    let (kind, object) = lines.object().await?;
    same("it is selected no more", (kind, version(&object)), ("DELETED", version(&other)))?;
    same("it is shown as it was", text(&object, "/metadata/labels/watched"), "yes".to_owned())
}

async fn initial_state(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    let made = requests.post(&path, &config_map("initial", "1")).await?;
    let query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=0";
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    for (accept, form) in [("application/json", "ConfigMap"), (accept, "PartialObjectMetadata")] {
        // A cache may be a moment late; a state that is not older than what was made holds it.
        let query = query.replace("resourceVersion=0", &format!("resourceVersion={}", version(&made)));
        let mut lines = Lines::open(requests, &format!("{path}?{query}"), accept).await?;
        let mut names = Vec::new();
        let mark = loop {
            match lines.next().await? {
                Some(("ADDED", object)) => {
                    same("the form", text(&object, "/kind"), form.to_owned())?;
                    names.push(text(&object, "/metadata/name"));
                }
                Some(("BOOKMARK", mark)) => break mark,
                other => bail!("{other:?}"),
            }
        };
        same("the mark", text(&mark, "/metadata/annotations/k8s.io~1initial-events-end"), "true".to_owned())?;
        same("the form of the mark", text(&mark, "/kind"), form.to_owned())?;
        ensure!(names.contains(&"initial".to_owned()), "{names:?}");
        ensure!(revision(&mark)? >= revision(&made)?, "{mark}");
        let name = format!("after-{}", form.to_lowercase());
        requests.post(&path, &config_map(&name, "1")).await?;
        let (kind, object) = lines.object().await?;
        same("behind the mark", (kind, text(&object, "/metadata/name")), ("ADDED", name))?;
    }
    let wrong = Lines::open(
        requests,
        &format!("{path}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"),
        "application/json",
    )
    .await;
    let code = wrong.err().and_then(|failure| match failure.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    });
    same("without resourceVersionMatch", code, Some(422))
}

async fn expired(requests: &Requests) -> Result<()> {
    // Of a custom resource: the cache of a built-in one may reach back to the first version of a new server.
    let path = requests.path("policyreports");
    let mut lines =
        Lines::open(requests, &format!("{path}?watch=true&resourceVersion=1"), "application/json").await?;
    let (kind, status) = lines.object().await?;
    same(
        "an error inside a success",
        (kind, &status["code"], &status["reason"]),
        ("ERROR", &json!(410), &json!("Expired")),
    )
}

async fn time_limit(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    let list = requests.get(&path).await?;
    let query = format!("watch=true&timeoutSeconds=1&resourceVersion={}", version(&list));
    let mut lines = Lines::open(requests, &format!("{path}?{query}"), "application/json").await?;
    while let Some((kind, object)) = lines.next().await? {
        same("nothing else happens", kind, "BOOKMARK").with_context(|| object.to_string())?;
    }
    Ok(())
}
