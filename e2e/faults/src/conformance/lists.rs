//! Lists, pages and selectors.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Requests, config_map, refusal, refused, same, text, version};

pub(super) async fn check(requests: &Requests) -> Result<()> {
    let path = requests.path("configmaps");
    for number in 0..5 {
        let mut object = config_map(&format!("page-{number}"), "1");
        object["metadata"]["labels"]["pages"] = json!("yes");
        requests.post(&path, &object).await?;
    }
    pages(requests, &path).await?;
    selections(requests, &path).await?;
    metadata(requests, &path).await
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().into_iter().flatten();
    items.map(|item| text(item, "/metadata/name")).collect()
}

async fn pages(requests: &Requests, path: &str) -> Result<()> {
    let first = requests.get(&format!("{path}?labelSelector=pages%3Dyes&limit=2")).await?;
    same("the first page", names(&first), ["page-0", "page-1"].map(str::to_owned).to_vec())?;
    // A list shows one state, whatever happens between its pages.
    let mut late = config_map("page-9", "1");
    late["metadata"]["labels"]["pages"] = json!("yes");
    requests.post(path, &late).await?;
    requests.delete(&format!("{path}/page-4"), &Value::Null).await?;
    let (mut found, mut page) = (names(&first), first.clone());
    while !text(&page, "/metadata/continue").is_empty() {
        let token: String =
            form_urlencoded::byte_serialize(text(&page, "/metadata/continue").as_bytes()).collect();
        page = requests.get(&format!("{path}?labelSelector=pages%3Dyes&limit=2&continue={token}")).await?;
        same("every page is of one version", version(&page), version(&first))?;
        found.extend(names(&page));
    }
    let expected = (0..5).map(|number| format!("page-{number}")).collect();
    same("all pages", found, expected)?;
    let bogus = requests.get(&format!("{path}?limit=2&continue=bogus")).await;
    same("a token that is none", refusal(bogus)?, refused(400, "BadRequest"))
}

async fn selections(requests: &Requests, path: &str) -> Result<()> {
    let of = async |selector: &str| {
        Ok::<_, anyhow::Error>(names(&requests.get(&format!("{path}?{selector}")).await?))
    };
    same("by name", of("fieldSelector=metadata.name%3Dpage-1").await?, vec!["page-1".to_owned()])?;
    same("by another label", of("labelSelector=pages%3Dno").await?, Vec::new())?;
    let elsewhere = format!("fieldSelector=metadata.namespace%21%3D{}", requests.namespace);
    same("not in this namespace", of(&elsewhere).await?, Vec::new())?;
    let labelled = of("labelSelector=pages").await?;
    same("with a label", labelled.len(), 5)?;
    let unknown = requests.get(&format!("{path}?fieldSelector=data.key%3D1")).await;
    same("by a field that selects nothing", refusal(unknown)?, refused(400, "BadRequest"))
}

async fn metadata(requests: &Requests, path: &str) -> Result<()> {
    let form = |kind: &str| format!("application/json;as={kind};g=meta.k8s.io;v=v1");
    let request = |path: &str, kind: &str| {
        http::Request::get(path).header("accept", form(kind)).body(Vec::new()).context("a request")
    };
    let one: Value =
        requests.client.request(request(&format!("{path}/page-1"), "PartialObjectMetadata")?).await?;
    same("the kind of metadata", text(&one, "/kind"), "PartialObjectMetadata".to_owned())?;
    ensure!(one.get("data").is_none() && !version(&one).is_empty(), "{one}");
    let list: Value = requests.client.request(request(path, "PartialObjectMetadataList")?).await?;
    same("the kind of a list", text(&list, "/kind"), "PartialObjectMetadataList".to_owned())?;
    ensure!(names(&list).contains(&"page-1".to_owned()), "{list}");
    Ok(())
}
