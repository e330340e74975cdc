//! What makes two reports the same.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use serde::Serialize;

use super::carried;
use super::property::FIRST_SEEN;
use super::{CONTENT_HASH_ANNOTATION, PolicyReport, ReportResult, ReportSummary, hex};

/// SHA-256 of all that a report says but times: its owner, the labels that it carries of its namespace, its scope, its
/// summary and its results. Other labels, annotations, finalizers and owners that others have added are theirs, and do
/// not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentHash([u8; 32]);

impl ContentHash {
    pub(super) fn of(report: &PolicyReport) -> Self {
        let PolicyReport { api_version: _, kind: _, metadata, scope, scope_selector, summary, results } =
            report;
        let scope_uid = scope.as_ref().and_then(|scope| scope.uid.as_ref());
        let owner = metadata.owner_references.iter().flatten().find(|owner| Some(&owner.uid) == scope_uid);
        Self(hex::sha256_of_json(&Content {
            owner,
            carried_labels: carried::of_report(metadata),
            scope: scope.as_ref(),
            scope_selector: scope_selector.as_ref(),
            summary: *summary,
            results: results.iter().flatten().map(ContentResult::from).collect(),
        }))
    }

    /// Whether the annotation for it says the same.
    pub(super) fn is_noted(self, metadata: &ObjectMeta) -> bool {
        let noted = metadata.annotations.as_ref().and_then(|noted| noted.get(CONTENT_HASH_ANNOTATION));
        noted.is_some_and(|noted| *noted == hex::encode(&self.0))
    }
}

/// [`ContentHash`] in hex, as the annotation has it.
pub fn content_hash(report: &PolicyReport) -> String {
    hex::encode(&ContentHash::of(report).0)
}

#[derive(Serialize)]
struct Content<'a> {
    owner: Option<&'a OwnerReference>,
    /// Left out where there are none: reports that an older version wrote keep their hash.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    carried_labels: BTreeMap<&'a str, &'a str>,
    scope: Option<&'a ObjectReference>,
    scope_selector: Option<&'a LabelSelector>,
    summary: Option<ReportSummary>,
    results: Vec<ContentResult<'a>>,
}

#[derive(Serialize)]
struct ContentResult<'a> {
    source: Option<&'a str>,
    policy: &'a str,
    rule: Option<&'a str>,
    category: Option<&'a str>,
    severity: Option<&'a str>,
    result: Option<&'a str>,
    scored: Option<bool>,
    message: Option<&'a str>,
    properties: BTreeMap<&'a str, &'a str>,
    resources: Option<&'a [ObjectReference]>,
    resource_selector: Option<&'a LabelSelector>,
}

impl<'a> From<&'a ReportResult> for ContentResult<'a> {
    fn from(result: &'a ReportResult) -> Self {
        let ReportResult {
            source,
            policy,
            rule,
            category,
            severity,
            result,
            scored,
            message,
            timestamp: _,
            properties,
            resources,
            resource_selector,
        } = result;
        let timeless = properties.iter().flatten().filter(|(name, _)| *name != FIRST_SEEN);
        Self {
            source: source.as_deref(),
            policy,
            rule: rule.as_deref(),
            category: category.as_deref(),
            severity: severity.as_deref(),
            result: result.as_deref(),
            scored: *scored,
            message: message.as_deref(),
            properties: timeless.map(|(name, value)| (name.as_ref(), value.as_str())).collect(),
            resources: resources.as_deref(),
            resource_selector: resource_selector.as_ref(),
        }
    }
}
