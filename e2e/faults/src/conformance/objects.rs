//! Create, read, replace and delete.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Requests, config_map, refusal, refused, revision, same, text, version};

pub(super) async fn check(requests: &Requests) -> Result<()> {
    creations(requests).await?;
    replacements(requests).await?;
    custom_resources(requests).await?;
    deletions(requests).await?;
    finalizers(requests).await
}

async fn creations(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    let made = requests.post(&path, &config_map("made", "1")).await?;
    same("the namespace is filled in", text(&made, "/metadata/namespace"), requests.namespace.clone())?;
    for field in ["uid", "creationTimestamp", "resourceVersion"] {
        ensure!(!text(&made, &format!("/metadata/{field}")).is_empty(), "{field} of {made}");
    }
    let read = requests.get(&format!("{path}/made")).await?;
    same("what is read is what was made", version(&read), version(&made))?;
    let again = refusal(requests.post(&path, &config_map("made", "2")).await)?;
    same("a name is taken", again, refused(409, "AlreadyExists"))?;
    let missing = refusal(requests.get(&format!("{path}/missing")).await)?;
    same("a missing object", missing, refused(404, "NotFound"))?;

    let elsewhere = "/api/v1/namespaces/conformance-missing/configmaps";
    let answer = requests.post(elsewhere, &config_map("made", "1")).await;
    let status = answer.as_ref().err().and_then(|failure| match failure.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) => status.details.as_ref().map(|details| details.kind.clone()),
        _ => None,
    });
    same("the missing namespace is named", status.as_deref(), Some("namespaces"))?;
    same("a namespace is missing", refusal(answer)?, refused(404, "NotFound"))
}

async fn replacements(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    let first = requests.post(&path, &config_map("replaced", "1")).await?;
    let path = format!("{path}/replaced");
    let mut wanted = first.clone();
    wanted["data"]["key"] = json!("2");
    let second = requests.put(&path, &wanted).await?;
    ensure!(
        revision(&second)? > revision(&first)?,
        "{} is not newer than {}",
        version(&second),
        version(&first)
    );
    same("what the server fills in stays", text(&second, "/metadata/uid"), text(&first, "/metadata/uid"))?;
    same("an outdated version", refusal(requests.put(&path, &wanted).await)?, refused(409, "Conflict"))?;
    let unchanged = requests.put(&path, &second).await?;
    same("a write of what is stored makes no version", version(&unchanged), version(&second))?;

    let mut other = second.clone();
    other["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    same(
        "another object of the name",
        refusal(requests.put(&path, &other).await)?,
        refused(409, "Conflict"),
    )?;
    let missing = format!("{}/missing", requests.path("configmaps"));
    let mut wanted = config_map("missing", "1");
    same("nothing to replace", refusal(requests.put(&missing, &wanted).await)?, refused(404, "NotFound"))?;
    wanted["metadata"]["resourceVersion"] = second["metadata"]["resourceVersion"].clone();
    same("nothing of this version", refusal(requests.put(&missing, &wanted).await)?, refused(404, "NotFound"))
}

fn report(name: &str, fail: i64) -> Value {
    json!({
        "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
        "metadata": { "name": name, "labels": { "check": "it" } },
        "summary": { "pass": 0, "fail": fail, "warn": 0, "error": 0, "skip": 0 },
    })
}

async fn custom_resources(requests: &Requests) -> Result<()> {
    let path = requests.path("policyreports");
    let first = requests.post(&path, &report("a", 1)).await?;
    same("the first generation", &first["metadata"]["generation"], &json!(1))?;
    let path = format!("{path}/a");
    same("without a version", refusal(requests.put(&path, &report("a", 2)).await)?, refused(422, "Invalid"))?;

    let mut wanted = first.clone();
    wanted["metadata"]["labels"]["more"] = json!("it");
    let labelled = requests.put(&path, &wanted).await?;
    same("labels are no generation", &labelled["metadata"]["generation"], &json!(1))?;
    let mut wanted = labelled.clone();
    wanted["summary"]["fail"] = json!(3);
    let changed = requests.put(&path, &wanted).await?;
    same("content is", &changed["metadata"]["generation"], &json!(2))?;
    same("an outdated version", refusal(requests.put(&path, &wanted).await)?, refused(409, "Conflict"))?;
    let unchanged = requests.put(&path, &changed).await?;
    same("a write of what is stored makes no version", version(&unchanged), version(&changed))
}

async fn deletions(requests: &Requests) -> Result<()> {
    let path = requests.path("policyreports");
    let first = requests.post(&path, &report("deleted", 1)).await?;
    let path = format!("{path}/deleted");
    let insisting = |field: &str, value: &str| json!({ "kind": "DeleteOptions", "apiVersion": "v1", "preconditions": { field: value } });
    let other = insisting("uid", "00000000-0000-0000-0000-000000000000");
    same("another object", refusal(requests.delete(&path, &other).await)?, refused(409, "Conflict"))?;
    let outdated = insisting("resourceVersion", "1");
    same("another version", refusal(requests.delete(&path, &outdated).await)?, refused(409, "Conflict"))?;
    let mut exact = insisting("uid", &text(&first, "/metadata/uid"));
    exact["preconditions"]["resourceVersion"] = json!(version(&first));
    let answer = requests.delete(&path, &exact).await?;
    same(
        "it is deleted",
        (text(&answer, "/kind"), text(&answer, "/status")),
        ("Status".to_owned(), "Success".to_owned()),
    )?;
    same("it is gone", refusal(requests.get(&path).await)?, refused(404, "NotFound"))?;
    same("nothing to delete", refusal(requests.delete(&path, &exact).await)?, refused(404, "NotFound"))?;
    let again = requests.post(&requests.path("policyreports"), &report("deleted", 1)).await?;
    ensure!(text(&again, "/metadata/uid") != text(&first, "/metadata/uid"), "it is another object now");
    Ok(())
}

async fn finalizers(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    let mut held = config_map("held", "1");
    held["metadata"]["finalizers"] = json!(["tagwatch.dev/check"]);
    requests.post(&path, &held).await?;
    let path = format!("{path}/held");
    requests.delete(&path, &Value::Null).await?;
    let mut marked = requests.get(&path).await?;
    ensure!(!text(&marked, "/metadata/deletionTimestamp").is_empty(), "it is not marked: {marked}");
    marked["metadata"]["finalizers"] = json!([]);
    requests.put(&path, &marked).await?;
    same("the last finalizer is gone", refusal(requests.get(&path).await)?, refused(404, "NotFound"))
}
