//! The `OpenAPI` document describes the answers.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::support::{get, open};
use crate::fixture::{demo, empty, hostile};

/// A schema of the document, as a document of its own.
fn schema(document: &Value, path: &str, status: &str) -> Value {
    let schema =
        &document["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{path} {status}");
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    schema
}

#[tokio::test]
async fn every_answer_matches_its_openapi_schema() {
    for facts in [demo(), empty(), hostile()] {
        let console = open(facts);
        let document = get(&console, "/api/v1/openapi.json").await.json();
        assert_eq!(document["openapi"], "3.1.0");
        let issues = get(&console, "/api/v1/issues?exempt=all").await.json();
        let workloads = get(&console, "/api/v1/workloads").await.json();
        for path in document["paths"].as_object().expect("paths").keys() {
            let of = match path.as_str() {
                "/api/v1/issues/{id}" => paths(&issues["issues"]),
                path if path.contains('{') => paths(&workloads["workloads"]),
                path => vec![path.to_owned()],
            };
            let validator = jsonschema::validator_for(&schema(&document, path, "200")).expect("a schema");
            for address in of {
                let answer = get(&console, &address).await;
                let errors: Vec<_> =
                    validator.iter_errors(&answer.json()).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{address}: {errors:?}");
            }
        }
        let validator =
            jsonschema::validator_for(&schema(&document, "/api/v1/issues", "default")).expect("a schema");
        assert!(validator.is_valid(&get(&console, "/api/v1/issues?page=x").await.json()));
        assert!(!validator.is_valid(&json!({})));
    }
}

fn paths(list: &Value) -> Vec<String> {
    let items = list.as_array().expect("a list").iter();
    items.map(|item| format!("/api/v1{}", item["path"].as_str().expect("a path"))).collect()
}

#[tokio::test]
async fn a_schema_rejects_wrong_types() {
    let document = get(&open(demo()), "/api/v1/openapi.json").await.json();
    let validator =
        jsonschema::validator_for(&schema(&document, "/api/v1/overview", "200")).expect("a schema");
    assert!(!validator.is_valid(&json!({ "score": "87" })));
}

#[tokio::test]
async fn an_issue_includes_its_patch_and_history() {
    let console = open(demo());
    let found = get(&console, "/api/v1/issues?rule=stale-pull-policy&q=cart").await.json();
    let issue = get(&console, &paths(&found["issues"])[0]).await.json();
    assert_eq!(issue["closed"][0]["until"], "2026-11-02T16:30:00Z");
    assert_eq!(issue["imageChanges"].as_array().map(Vec::len), Some(3));
    assert_eq!(issue["evidenceLine"], 4);
    let patch = issue["remedies"][0]["patch"].as_str().expect("a patch");
    assert!(patch.ends_with("image: \"registry.example.com/shop/cart@sha256:<digest>\"\n"), "{patch}");
}

#[tokio::test]
async fn every_field_of_a_filter_is_documented() {
    let console = open(demo());
    let document = get(&console, "/api/v1/openapi.json").await.json();
    let mut filtered = 0;
    for (path, operation) in document["paths"].as_object().expect("paths") {
        let parameters = operation["get"]["parameters"].as_array().expect("parameters");
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let documented: Vec<&str> = of_query.filter_map(|parameter| parameter["name"].as_str()).collect();
        if documented.is_empty() {
            continue;
        }
        filtered += 1;
        let refused = get(&console, &format!("{path}?colour=red")).await.json();
        let message = refused["messages"][0].as_str().expect("a message").to_owned();
        let known = message.strip_prefix("`colour` is no field: expected ").expect(&message);
        let known = known.replace(" or ", ", ");
        let known: BTreeSet<&str> = known.split(", ").collect();
        assert_eq!(known, documented.iter().copied().collect(), "{path}");
        for field in documented {
            let answer = get(&console, &format!("{path}?{field}=")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}?{field}=");
        }
    }
    assert_eq!(filtered, 4);
}
