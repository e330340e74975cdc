//! The table of what the rules say of each sample, and what the reports say.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use anyhow::{Context, Result, bail};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};
use serde::Deserialize;
use serde_json::Value;

use super::NAMESPACES;

const TABLE: &str = include_str!("../../tests/expected-samples.yaml");

/// Whom a report is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Namespace of the workload.
    pub namespace: String,
    /// Group and version of its kind.
    pub api_version: String,
    /// Kind of the workload.
    pub kind: String,
    /// Name of the workload.
    pub name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, api_version, kind, name } = self;
        write!(f, "{namespace} {api_version} {kind}/{name}")
    }
}

/// One result of one rule: container, container type, tag class, rule, result, severity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Row(pub String, pub String, pub String, pub String, pub String, pub String);

impl Row {
    /// Whether it is about an image volume.
    pub(super) fn is_of_image_volume(&self) -> bool {
        self.1 == "imageVolume"
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(container, container_type, class, rule, result, severity) = self;
        write!(f, "{container} ({container_type}, {class}): {rule} {result} ({severity})")
    }
}

/// Results by workload; those of one workload are sorted, and stay as many as they are.
pub type Verdicts = BTreeMap<Workload, Vec<Row>>;

/// What the rules say of the samples.
///
/// # Errors
/// The table cannot be read, or names a workload twice.
pub fn expected() -> Result<Verdicts> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Entry {
        namespace: String,
        api_version: String,
        kind: String,
        name: String,
        results: Vec<Row>,
    }
    let entries: Vec<Entry> = serde_saphyr::from_str(TABLE).context("expected-samples.yaml")?;
    let mut table = Verdicts::new();
    for Entry { namespace, api_version, kind, name, results } in entries {
        let workload = Workload { namespace, api_version, kind, name };
        let twice = format!("expected-samples.yaml: {workload} stands there twice");
        if table.insert(workload, sorted(results)).is_some() {
            bail!(twice);
        }
    }
    Ok(table)
}

/// What tagwatch's reports say in the samples' namespaces, read as plain JSON: no code of
/// tagwatch is involved in the comparison.
///
/// # Errors
/// The reports cannot be listed, or two of them are about one workload.
pub async fn reported(client: &Client) -> Result<Verdicts> {
    let kind = GroupVersionKind::gvk("wgpolicyk8s.io", "v1alpha2", "PolicyReport");
    let reports: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=tagwatch");
    let mut found = Verdicts::new();
    for report in reports.list(&ours).await?.items {
        let scope = &report.data["scope"];
        let workload = Workload {
            namespace: text(&scope["namespace"]),
            api_version: text(&scope["apiVersion"]),
            kind: text(&scope["kind"]),
            name: text(&scope["name"]),
        };
        if !NAMESPACES.contains(&workload.namespace.as_str()) {
            continue;
        }
        let results = report.data["results"].as_array().into_iter().flatten().map(row).collect();
        let twice = format!("two reports about {workload}");
        if found.insert(workload, sorted(results)).is_some() {
            bail!(twice);
        }
    }
    Ok(found)
}

fn row(result: &Value) -> Row {
    let properties = &result["properties"];
    Row(
        text(&properties["container"]),
        text(&properties["containerType"]),
        text(&properties["tagClass"]),
        text(&result["rule"]),
        text(&result["result"]),
        text(&result["severity"]),
    )
}

/// Anything that is no string differs from everything that the table expects.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// Compares the two, to the last result.
///
/// # Errors
/// They differ; the error has a line for each difference.
pub fn compare(expected: &Verdicts, reported: &Verdicts) -> Result<()> {
    let mut differences = String::new();
    let workloads: std::collections::BTreeSet<_> = expected.keys().chain(reported.keys()).collect();
    for workload in workloads {
        match (expected.get(workload), reported.get(workload)) {
            (Some(_), None) => writeln!(differences, "- {workload}: no report")?,
            (None, Some(_)) => writeln!(differences, "- {workload}: a report that must not be")?,
            (Some(wanted), Some(found)) => {
                for row in without(wanted, found) {
                    writeln!(differences, "- {workload}: missing: {row}")?;
                }
                for row in without(found, wanted) {
                    writeln!(differences, "- {workload}: must not be: {row}")?;
                }
            }
            (None, None) => {}
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        bail!("reports differ from the table:\n{}", differences.trim_end())
    }
}

/// The rows of `some` that `others` lacks, each as often as it is missing.
fn without<'a>(some: &'a [Row], others: &[Row]) -> Vec<&'a Row> {
    let mut others: Vec<_> = others.iter().collect();
    let lacking = |row: &&Row| match others.iter().position(|other| other == row) {
        Some(at) => {
            others.swap_remove(at);
            false
        }
        None => true,
    };
    some.iter().filter(lacking).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_covers_what_it_promises() {
        let table = expected().unwrap();
        assert!(table.len() >= 25, "{} workloads", table.len());
        let namespaces: std::collections::BTreeSet<_> =
            table.keys().map(|workload| workload.namespace.as_str()).collect();
        assert_eq!(namespaces.into_iter().collect::<Vec<_>>(), NAMESPACES);
        let rows: Vec<_> = table.values().flatten().collect();
        for class in [
            "digest",
            "implicit-latest",
            "latest",
            "unique",
            "version",
            "floating",
            "unclassified",
            "invalid",
        ] {
            assert!(rows.iter().any(|row| row.2 == class), "no sample of class {class}");
        }
        for container_type in ["container", "init", "sidecar", "ephemeral", "imageVolume"] {
            assert!(rows.iter().any(|row| row.1 == container_type), "no sample with a {container_type}");
        }
    }

    #[test]
    fn every_kind_of_difference_is_reported() {
        let table = expected().unwrap();
        compare(&table, &table).unwrap();

        let cart = table.keys().find(|workload| workload.name == "cart").unwrap();
        let mut reported = table.clone();
        let twice = reported[cart][0].clone();
        reported.get_mut(cart).unwrap().push(twice);
        let error = compare(&table, &reported).unwrap_err().to_string();
        assert!(
            error.contains("shop apps/v1 Deployment/cart: must not be: api (container, latest)"),
            "{error}"
        );
        let error = compare(&reported, &table).unwrap_err().to_string();
        assert!(error.contains("shop apps/v1 Deployment/cart: missing: api (container, latest)"), "{error}");

        reported.remove(cart);
        let error = compare(&table, &reported).unwrap_err().to_string();
        assert!(error.contains("shop apps/v1 Deployment/cart: no report"), "{error}");
        let error = compare(&reported, &table).unwrap_err().to_string();
        assert!(error.contains("shop apps/v1 Deployment/cart: a report that must not be"), "{error}");
    }
}
