//! What is served: aggregated with a tag, and one document for each group and version.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{body, json_response, page_not_found};
use super::resource::{RESOURCES, Resource};
use super::store::Store;
use crate::fault::AnswerBody;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

impl Store {
    /// The answer for a path without a resource.
    pub(super) fn discover(&self, path: &str, headers: &HeaderMap) -> Response<AnswerBody> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            ["version"] => {
                json_response(200, &json!({ "major": "1", "minor": "36", "gitVersion": "v1.36.3" }))
            }
            ["apis"] => self.groups(headers),
            ["api", version] => self.resources("", version),
            ["apis", group, version] => self.resources(group, version),
            _ => page_not_found(),
        }
    }

    fn served(&self) -> impl Iterator<Item = &'static Resource> {
        RESOURCES.iter().filter(|resource| self.is_served(resource))
    }

    fn resources(&self, group: &str, version: &str) -> Response<AnswerBody> {
        let of_version =
            self.served().filter(|resource| (resource.group, resource.version) == (group, version));
        let resources: Vec<Value> = of_version
            .map(|resource| {
                json!({
                    "name": resource.plural, "singularName": resource.kind.to_lowercase(), "kind": resource.kind,
                    "namespaced": resource.namespaced, "verbs": verbs(),
                })
            })
            .collect();
        if resources.is_empty() {
            return page_not_found();
        }
        let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        json_response(
            200,
            &json!({
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources,
            }),
        )
    }

    fn groups(&self, headers: &HeaderMap) -> Response<AnswerBody> {
        let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<&Resource>>> = BTreeMap::new();
        for resource in self.served().filter(|resource| !resource.group.is_empty()) {
            groups.entry(resource.group).or_default().entry(resource.version).or_default().push(resource);
        }
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        if !accept.contains("as=APIGroupDiscoveryList") {
            return json_response(200, &group_list(&groups));
        }
        let document = format!("{}\n", aggregated(&groups));
        let mut hasher = DefaultHasher::new();
        document.hash(&mut hasher);
        let etag = HeaderValue::from_str(&format!("\"{:016X}\"", hasher.finish())).ok();
        let is_known = etag.is_some() && headers.get(IF_NONE_MATCH) == etag.as_ref();
        let mut response =
            Response::new(if is_known { body("".as_bytes()) } else { body(document.into_bytes()) });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        if let Some(etag) = etag {
            response.headers_mut().insert(ETAG, etag);
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(AGGREGATED));
        response
    }
}

fn verbs() -> Value {
    json!(["create", "delete", "get", "list", "patch", "update", "watch"])
}

type Groups<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Resource>>>;

fn aggregated(groups: &Groups<'_>) -> Value {
    let resource = |resource: &&Resource| {
        json!({
            "resource": resource.plural, "singularResource": resource.kind.to_lowercase(),
            "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
            "responseKind": { "group": resource.group, "version": resource.version, "kind": resource.kind },
            "verbs": verbs(),
        })
    };
    let items: Vec<Value> = groups
        .iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|(version, resources)| {
                    let resources: Vec<Value> = resources.iter().map(resource).collect();
                    json!({ "version": version, "freshness": "Current", "resources": resources })
                })
                .collect();
            json!({ "metadata": { "name": group, "creationTimestamp": null }, "versions": versions })
        })
        .collect();
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
}

fn group_list(groups: &Groups<'_>) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .keys()
                .map(|version| json!({ "groupVersion": format!("{group}/{version}"), "version": version }))
                .collect();
            json!({ "name": group, "versions": versions, "preferredVersion": versions.first() })
        })
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}
