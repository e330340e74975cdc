//! Server-side apply to the status of a `TagPolicy`, and its generation.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Requests, refusal, refused, revision, same, text, version};

const PATH: &str = "/apis/tagwatch.dev/v1alpha1/tagpolicies";

/// The configuration of an installation that says so many results.
fn config(policy: &Value, instance: &str, rules: &[(&str, i64)]) -> Value {
    let rules: Vec<Value> =
        rules.iter().map(|(rule, fail)| json!({ "rule": rule, "severity": "high", "fail": fail })).collect();
    json!({
        "apiVersion": "tagwatch.dev/v1alpha1", "kind": "TagPolicy",
        "metadata": { "name": policy["metadata"]["name"], "uid": policy["metadata"]["uid"] },
        "status": { "instances": [{ "name": instance, "observedGeneration": 1, "rules": rules }] },
    })
}

fn entry(policy: &Value, instance: &str) -> Value {
    let entries = policy["status"]["instances"].as_array();
    let found = entries.into_iter().flatten().find(|entry| entry["name"] == instance);
    found.cloned().unwrap_or_default()
}

fn rules(policy: &Value, instance: &str) -> Vec<(String, Option<i64>)> {
    let rules = entry(policy, instance);
    let rules = rules["rules"].as_array().into_iter().flatten();
    rules.map(|rule| (text(rule, "/rule"), rule["fail"].as_i64())).collect()
}

fn pairs(expected: &[(&str, i64)]) -> Vec<(String, Option<i64>)> {
    expected.iter().map(|(rule, fail)| ((*rule).to_owned(), Some(*fail))).collect()
}

pub(super) async fn check(requests: &Requests) -> Result<()> {
    let policy = json!({
        "apiVersion": "tagwatch.dev/v1alpha1", "kind": "TagPolicy",
        "metadata": { "generateName": "conformance-" }, "spec": { "profile": "recommended" },
    });
    let made = requests.post(PATH, &policy).await?;
    same("the first generation", &made["metadata"]["generation"], &json!(1))?;
    let path = format!("{PATH}/{}", text(&made, "/metadata/name"));
    let status = format!("{path}/status");
    applied(requests, &made, &status).await?;

    let mut wanted = requests.get(&path).await?;
    wanted["spec"]["profile"] = json!("strict");
    wanted["status"] = json!({ "instances": [] });
    let changed = requests.put(&path, &wanted).await?;
    same("another spec is another generation", &changed["metadata"]["generation"], &json!(2))?;
    ensure!(!entry(&changed, "a").is_null(), "a write of the object leaves the status alone: {changed}");
    let applied = requests.apply(&status, "a", &config(&made, "a", &[("four", 4)])).await?;
    same("a status is none", &applied["metadata"]["generation"], &json!(2))?;
    requests.delete(&path, &Value::Null).await?;
    let gone = requests.apply(&status, "a", &config(&made, "a", &[])).await;
    same("nothing to apply to", refusal(gone)?, refused(404, "NotFound"))
}

async fn applied(requests: &Requests, made: &Value, status: &str) -> Result<()> {
    let (one, two) = (("one", 1), ("two", 2));
    let first = requests.apply(status, "a", &config(made, "a", &[one, two])).await?;
    same("an entry", rules(&first, "a"), pairs(&[one, two]))?;
    ensure!(revision(&first)? > revision(made)?, "a status is a version");
    let other = requests.apply(status, "b", &config(made, "b", &[one])).await?;
    same("another manager's entry stays", rules(&other, "a"), pairs(&[one, two]))?;
    let again = requests.apply(status, "b", &config(made, "b", &[one])).await?;
    same("the same again makes no version", version(&again), version(&other))?;
    let less = requests.apply(status, "a", &config(made, "a", &[("two", 3)])).await?;
    same("what a manager names no more is removed", rules(&less, "a"), pairs(&[("two", 3)]))?;
    same("of its own alone", rules(&less, "b"), pairs(&[one]))?;
    let mut stranger = config(made, "a", &[]);
    stranger["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    // A status comes with no metadata of its own: the UID is not compared, as it is in a write of the whole object.
    let other = requests.apply(status, "a", &stranger).await?;
    same("the UID of a status counts for nothing", text(&other, "/metadata/uid"), text(made, "/metadata/uid"))
}
