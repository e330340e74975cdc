//! Events on the workloads: one for each issue that opened or was resolved, and no more than the rate.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, ResourceExt, api::ListParams};
use libtest_mimic::Trial;
use serde_json::Value;
use tagwatch_e2e::eventually;

use crate::{
    controller::Controller,
    objects::{CLEAN, LATEST, PASSES, container, deployment, pulled, with_image},
    runner::shared,
    test_env::{LIMIT, TestEnv},
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        shared(each_issue_has_its_events),
        shared(no_event_is_repeated_after_a_restart),
        shared(none_are_sent_unless_asked_for),
        shared(what_is_over_the_rate_is_counted),
    ]
}

const EVENTS: &str = "tagwatch_events_total";
const FAILS: [&str; 2] = ["web latest-tag fail", "web stale-pull-policy fail"];
/// Events that may go at once.
const BURST: usize = 100;

async fn events(env: &TestEnv) -> Result<Vec<Event>> {
    let api: Api<Event> = Api::namespaced(env.client(), env.namespace());
    let listed = api.list(&ListParams::default()).await?.items;
    Ok(listed.into_iter().filter(|event| event.reporting_controller.as_deref() == Some("tagwatch")).collect())
}

/// Type, reason and how often, of each event on an object with this UID, in order.
pub(crate) async fn on(env: &TestEnv, uid: &str) -> Result<Vec<(String, String, i32)>> {
    let about = |event: &Event| event.regarding.as_ref().and_then(|regarding| regarding.uid.clone());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut found: Vec<_> = events(env)
        .await?
        .iter()
        .filter(|event| about(event).as_deref() == Some(uid))
        .map(|event| {
            (text(&event.type_), text(&event.reason), event.series.as_ref().map_or(1, |all| all.count))
        })
        .collect();
    found.sort();
    Ok(found)
}

async fn has_events(env: &TestEnv, uid: &str, wanted: &[(&str, &str, i32)]) -> Result<()> {
    eventually(LIMIT, "the events", || async {
        let found = on(env, uid).await?;
        let found: Vec<_> =
            found.iter().map(|(kind, why, count)| (kind.as_str(), why.as_str(), *count)).collect();
        ensure!(found == wanted, "{found:?}");
        Ok(())
    })
    .await
}

async fn with_events(env: &TestEnv) -> Result<Controller> {
    let tagwatch = env.tagwatch_with(&["--namespaces", env.namespace(), "--events"]).await?;
    tagwatch.is_ready(LIMIT).await?;
    Ok(tagwatch)
}

async fn each_issue_has_its_events(env: &TestEnv) -> Result<()> {
    opens_resolves_and_opens_again(env).await?;
    let described = ["describe", "deployment", "announced", "--namespace", env.namespace()];
    let described = env.cluster().control_plane.kubectl(&described).await?;
    ensure!(described.contains("latest-tag (high, fail): container web runs"), "{described}");
    ensure!(
        described.contains("latest-tag in container web is resolved; it had been open since"),
        "{described}"
    );
    let report = env.report("Deployment", "announced").await?;
    let id = report.results()[0]["properties"]["resultID"].as_str().context("no key")?.to_owned();
    let places = events(env).await?.into_iter().filter_map(|event| event.related);
    let here = places.filter(|place| place.name.as_deref() == Some(&report.name()));
    let places: Vec<String> = here.filter_map(|place| place.field_path).collect();
    ensure!(places.contains(&format!("results{{{id}}}")), "{places:?}");
    Ok(())
}

/// Both of its issues open, are resolved, and open again: the events of the first time are counted up.
pub(crate) async fn opens_resolves_and_opens_again(env: &TestEnv) -> Result<()> {
    let tagwatch = with_events(env).await?;
    let made = env.create(deployment("announced", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let uid = made.uid().context("no UID")?;
    let opened = ("Warning", "IssueOpened", 1);
    has_events(env, &uid, &[opened, opened]).await?;
    env.patch("Deployment", "announced", with_image(CLEAN, "IfNotPresent")).await?;
    env.reported("Deployment", "announced", &PASSES).await?;
    let resolved = ("Normal", "IssueResolved", 1);
    has_events(env, &uid, &[resolved, resolved, opened, opened]).await?;
    env.patch("Deployment", "announced", with_image(LATEST, "IfNotPresent")).await?;
    env.reported("Deployment", "announced", &FAILS).await?;
    let again = ("Warning", "IssueOpened", 2);
    has_events(env, &uid, &[resolved, resolved, again, again]).await?;
    tagwatch.counts(EVENTS, &[("outcome", "published")], 6.0).await?;
    tagwatch.counts(EVENTS, &[], 6.0).await?;
    tagwatch.end().await
}

async fn no_event_is_repeated_after_a_restart(env: &TestEnv) -> Result<()> {
    let tagwatch = with_events(env).await?;
    let made = env.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    let uid = made.uid().context("no UID")?;
    let opened = ("Warning", "IssueOpened", 1);
    has_events(env, &uid, &[opened, opened]).await?;
    env.reported("Deployment", "web", &FAILS).await?;
    tagwatch.end().await?;
    let tagwatch = with_events(env).await?;
    env.patch("Deployment", "web", with_image(CLEAN, "IfNotPresent")).await?;
    let resolved = ("Normal", "IssueResolved", 1);
    has_events(env, &uid, &[resolved, resolved, opened, opened]).await?;
    tagwatch.counts(EVENTS, &[], 2.0).await?;
    tagwatch.end().await
}

async fn none_are_sent_unless_asked_for(env: &TestEnv) -> Result<()> {
    let tagwatch = env.tagwatch().await?;
    env.create(deployment("web", 0, &[pulled("web", LATEST, "IfNotPresent")])).await?;
    env.reported("Deployment", "web", &FAILS).await?;
    let sent = env.writes().await?.of_resource("events");
    ensure!(sent.count() == 0, "{sent}");
    ensure!(
        env.writes().await?.of_resource("policyreports").count() == 1,
        "the report is a write that is seen"
    );
    tagwatch.end().await
}

/// More issues than the rate lets through at once, in one report.
async fn what_is_over_the_rate_is_counted(env: &TestEnv) -> Result<()> {
    let tagwatch = with_events(env).await?;
    let containers: Vec<Value> =
        (0..BURST + 50).map(|number| container(&format!("c{number}"), LATEST)).collect();
    let made = env.create(deployment("many", 0, &containers)).await?;
    let issues = eventually(LIMIT, "the report", || async {
        let report = env.report("Deployment", "many").await?;
        let found = report.results().iter().filter(|result| result["result"] != "pass").count();
        ensure!(found > BURST, "{found} issues are not over the rate of {BURST}");
        Ok(found)
    })
    .await?;
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let issues = issues as f64;
    tagwatch.counts(EVENTS, &[], issues).await?;
    let published = [("outcome", "published")];
    let published = tagwatch.measures(EVENTS, &published, |published| published >= 100.0).await?;
    ensure!(published < issues, "all {issues} were sent");
    let uid = made.uid().context("no UID")?;
    let seen = on(env, &uid).await?.len();
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let seen = seen as f64;
    ensure!(seen == published, "{seen} are there, {published} were published");
    tagwatch.end().await
}
