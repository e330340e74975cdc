//! What is served, and what is answered where nothing is.

use anyhow::{Context, Result, ensure};
use http::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

use super::{Requests, refusal, same};

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

pub(super) async fn check(requests: &Requests) -> Result<()> {
    let list = requests.get("/apis/wgpolicyk8s.io/v1alpha2").await?;
    let mut resources = list["resources"].as_array().into_iter().flatten();
    let found =
        resources.any(|resource| resource["name"] == "policyreports" && resource["namespaced"] == true);
    ensure!(found, "{list}");
    let groups = requests.get("/apis").await?;
    same("without its media type", &groups["kind"], &json!("APIGroupList"))?;
    aggregated(requests).await?;
    for path in ["/apis/missing.example.com/v1", "/apis/missing.example.com/v1/namespaces/a/things"] {
        same(path, refusal(requests.get(path).await)?.0, 404)?;
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": { "verb": "list", "group": "", "resource": "nodes" } },
    });
    let reviewed = requests.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await?;
    same("an administrator may", &reviewed["status"]["allowed"], &json!(true))
}

async fn aggregated(requests: &Requests) -> Result<()> {
    let ask = async |etag: Option<&http::HeaderValue>| -> Result<Response<Body>> {
        let mut request = Request::get("/apis").header(ACCEPT, AGGREGATED);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        Ok(requests.client.send(request.body(Body::empty())?).await?)
    };
    let first = ask(None).await?;
    let etag = first.headers().get(ETAG).cloned().context("an ETag")?;
    let document: Value = serde_json::from_slice(&first.into_body().collect_bytes().await?)?;
    same("the kind", &document["kind"], &json!("APIGroupDiscoveryList"))?;
    let groups = document["items"].as_array().into_iter().flatten();
    let versions = groups.filter(|group| group["metadata"]["name"] == "wgpolicyk8s.io");
    let versions = versions.flat_map(|group| group["versions"].as_array().into_iter().flatten());
    let resources = versions.flat_map(|version| version["resources"].as_array().into_iter().flatten());
    let mut reports = resources.filter(|resource| resource["resource"] == "policyreports");
    let report = reports.next().context("policyreports")?;
    same("its scope", &report["scope"], &json!("Namespaced"))?;
    same("its kind", &report["responseKind"]["kind"], &json!("PolicyReport"))?;
    let second = ask(Some(&etag)).await?;
    same("nothing has changed", second.status().as_u16(), 304)
}
