//! A report as the API server holds it: plain JSON, with nothing of tagwatch's own code in between.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use kube::{ResourceExt, api::DynamicObject};
use serde_json::Value;

/// A `PolicyReport` that was read from the API server.
#[derive(Clone, Debug)]
pub(crate) struct Report(pub(crate) DynamicObject);

impl From<DynamicObject> for Report {
    fn from(object: DynamicObject) -> Self {
        Self(object)
    }
}

impl Report {
    pub(crate) fn name(&self) -> String {
        self.0.name_any()
    }

    pub(crate) fn uid(&self) -> String {
        self.0.uid().unwrap_or_default()
    }

    /// resourceVersion: it changes with every write.
    pub(crate) fn version(&self) -> String {
        self.0.resource_version().unwrap_or_default()
    }

    pub(crate) fn is_about(&self, kind: &str, name: &str) -> bool {
        let scope = self.scope();
        scope["kind"] == kind && scope["name"] == name
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.0.labels().get("app.kubernetes.io/managed-by").is_some_and(|manager| manager == "tagwatch")
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.0.labels().get(name).map(String::as_str)
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.0.annotations().get(name).map(String::as_str)
    }

    pub(crate) fn scope(&self) -> &Value {
        &self.0.data["scope"]
    }

    /// UID of what it is about.
    pub(crate) fn scope_uid(&self) -> &str {
        self.scope()["uid"].as_str().unwrap_or_default()
    }

    pub(crate) fn summary(&self) -> &Value {
        &self.0.data["summary"]
    }

    pub(crate) fn results(&self) -> &[Value] {
        self.0.data["results"].as_array().map_or(&[], Vec::as_slice)
    }

    /// `container rule result` of each result, in its order.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        self.results().iter().map(verdict).collect()
    }

    /// Whether it has these verdicts and no others, in whatever order.
    pub(crate) fn says(&self, verdicts: &[&str]) -> bool {
        let mut found = self.verdicts();
        let mut wanted = verdicts.to_vec();
        found.sort();
        wanted.sort_unstable();
        found == wanted
    }

    /// Key of its only result of a rule.
    pub(crate) fn key_of(&self, rule: &str) -> Result<String> {
        let mut found = self.results().iter().filter(|result| result["rule"] == rule);
        let result = found.next().with_context(|| format!("no result of {rule}"))?;
        ensure!(found.next().is_none(), "several results of {rule}");
        Ok(result["properties"]["resultID"].as_str().context("no key")?.to_owned())
    }

    /// Seconds at which each result was first seen, by its verdict.
    pub(crate) fn first_seen(&self) -> Result<BTreeMap<String, i64>> {
        let time = |result: &Value| {
            let seconds = result["timestamp"]["seconds"].as_i64();
            Ok((verdict(result), seconds.with_context(|| format!("no time in {result}"))?))
        };
        let times: BTreeMap<_, _> = self.results().iter().map(time).collect::<Result<_>>()?;
        ensure!(times.len() == self.results().len(), "two results are alike: {:?}", self.verdicts());
        Ok(times)
    }
}

fn verdict(result: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let container = text(&result["properties"]["container"]);
    format!("{container} {} {}", text(&result["rule"]), text(&result["result"]))
}
