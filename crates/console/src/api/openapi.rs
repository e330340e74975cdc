//! The `OpenAPI` document, generated from the types of the answers.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use crate::auth::AuthenticatedRequest;
use crate::http::json as answer;
use crate::record::{
    ChangePage, ErrorRecord, ImagePage, IssueDetails, IssuePage, NamespaceList, OverviewRecord, RuleList,
    WorkloadDetails, WorkloadPage,
};

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);

pub(super) async fn document(_: AuthenticatedRequest) -> Response {
    answer(StatusCode::OK, &*DOCUMENT)
}

/// Name, location (`query` or `path`) and description.
type Parameter = (&'static str, &'static str, &'static str);

const SINCE: &str = "Hours or days before now, such as 24h or 7d, or an instant in RFC 3339.";
const ISSUE_FILTER: [Parameter; 17] = [
    ("namespace", "query", "Namespaces, repeated or separated by commas."),
    ("kind", "query", "Kinds, as `Kind` or `Kind.group`."),
    ("severity", "query", "critical, high, medium, low, info."),
    ("result", "query", "fail, error, warn, skip."),
    ("rule", "query", "Ids of rules."),
    ("image", "query", "Images as written; repeated, a comma is part of it."),
    ("registry", "query", "Registries; `docker.io` where an image names none."),
    ("class", "query", "Tag classes, such as latest or floating."),
    ("name", "query", "Names of workloads; repeated."),
    ("container", "query", "Names of containers; repeated."),
    ("since", "query", SINCE),
    TEAM,
    ("q", "query", "Text within names, images and messages."),
    ("exempt", "query", "no (default), yes or all."),
    (
        "sort",
        "query",
        "severity (default), result, rule, namespace, workload, container, image or age; `-` reverses.",
    ),
    PAGE,
    PER_PAGE,
];
const CHANGE_FILTER: [Parameter; 9] = [
    ("since", "query", SINCE),
    ("change", "query", "opened, resolved, image."),
    ("namespace", "query", "Namespaces, repeated or separated by commas."),
    TEAM,
    (
        "severity",
        "query",
        "critical, high, medium, low, info: of issues alone, so that no change of an image is listed.",
    ),
    ("rule", "query", "Ids of rules: of issues alone, so that no change of an image is listed."),
    ("q", "query", "Text within names, images and messages."),
    PAGE,
    PER_PAGE,
];
const IMAGE_FILTER: [Parameter; 7] = [
    ("by", "query", "image (default) or registry."),
    ("registry", "query", "Registries, repeated or separated by commas."),
    ("namespace", "query", "Namespaces, repeated or separated by commas."),
    TEAM,
    ("q", "query", "Text within names, images and messages of the issues that are grouped."),
    PAGE,
    PER_PAGE,
];
const PAGE: Parameter = ("page", "query", "From 1; a page beyond the last is the last.");
const TEAM: Parameter = (
    "team",
    "query",
    "Values of the first label that the policy's metricLabels name; `(none)` for workloads without one.",
);
const PER_PAGE: Parameter = ("per_page", "query", "From 1 to 100; 50 by default.");
const WORKLOAD_FILTER: [Parameter; 7] = [
    ("namespace", "query", "One namespace."),
    ("status", "query", "violating, error, exempt or compliant."),
    TEAM,
    ("q", "query", "Text within names and images."),
    ("sort", "query", "status (default), namespace, kind, name, findings, containers or age; `-` reverses."),
    PAGE,
    PER_PAGE,
];
const WORKLOAD: [Parameter; 3] = [
    ("namespace", "path", "Its namespace."),
    ("kind", "path", "Its kind, as `Kind` or `Kind.group`."),
    ("name", "path", "Its name."),
];
const ISSUE: [Parameter; 1] =
    [("id", "path", "The result's key in the workload's report, or one that it had under another result.")];

fn build() -> Value {
    // OpenAPI 3.1 uses JSON Schema 2020-12, with definitions under another path.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let paths = json!({
        "/api/v1/overview": operation::<OverviewRecord>(&mut schemas, "How things stand", &[]),
        "/api/v1/changes": operation::<ChangePage>(&mut schemas, "What changed", &CHANGE_FILTER),
        "/api/v1/images": operation::<ImagePage>(&mut schemas, "Findings by image or registry", &IMAGE_FILTER),
        "/api/v1/issues": operation::<IssuePage>(&mut schemas, "Issues", &ISSUE_FILTER),
        "/api/v1/issues/{id}": operation::<IssueDetails>(&mut schemas, "One issue", &ISSUE),
        "/api/v1/namespaces": operation::<NamespaceList>(&mut schemas, "Namespaces that hold something", &[]),
        "/api/v1/workloads": operation::<WorkloadPage>(&mut schemas, "Checked workloads", &WORKLOAD_FILTER),
        "/api/v1/workloads/{namespace}/{kind}/{name}":
            operation::<WorkloadDetails>(&mut schemas, "One workload", &WORKLOAD),
        "/api/v1/rules": operation::<RuleList>(&mut schemas, "Every rule", &[]),
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tagwatch console",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the console shows, as JSON. Read-only. Fields are only ever added.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A Kubernetes token." },
            },
        },
    })
}

fn operation<T: JsonSchema>(schemas: &mut SchemaGenerator, summary: &str, parameters: &[Parameter]) -> Value {
    let content = |schema: schemars::Schema| json!({ "application/json": { "schema": schema } });
    let success = content(schemas.subschema_for::<T>());
    let failure = content(schemas.subschema_for::<ErrorRecord>());
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|&(name, location, description)| {
            let schema = json!({ "type": if name.ends_with("page") { "integer" } else { "string" } });
            let required = location == "path";
            json!({ "name": name, "in": location, "required": required, "description": description, "schema": schema })
        })
        .collect();
    json!({ "get": {
        "summary": summary,
        "operationId": operation_id::<T>(),
        "parameters": parameters,
        "responses": {
            "200": { "description": summary, "content": success },
            "default": { "description": "Why there is no answer", "content": failure },
        },
    } })
}

/// The operation id of an answer's type, such as `getIssuePage` for `IssuePage`.
fn operation_id<T: JsonSchema>() -> String {
    format!("get{}", T::schema_name().trim_end_matches("Record"))
}
