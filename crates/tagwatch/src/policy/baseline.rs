//! `tagwatch policy baseline`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use k8s_openapi::jiff::ToSpan;
use serde::Serialize;
use tagwatch_core::finding::Outcome;
use tagwatch_core::policy::{ExemptionSpec, TagPolicySpec, exact_exemption};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::WorkloadId;
use tagwatch_scan::output;
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{POLICY_API_VERSION, POLICY_KIND, ScanOptions, scan};

use super::{ChosenPolicy, choose, today};
use crate::args::PolicyBaselineArgs;
use crate::scan::style;
use crate::status::Failure;

/// A policy as a file holds it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyObject {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: TagPolicySpec,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: &'static str,
}

pub(crate) fn baseline(args: PolicyBaselineArgs) -> Result<ExitCode, Failure> {
    let PolicyBaselineArgs { paths, reason, expires, policy } = args;
    if reason.trim().is_empty() {
        return Err(Failure::Usage(anyhow!("--reason is empty; reports show it")));
    }
    let expires = expires.unwrap_or_else(|| today().saturating_add(90.days()));
    let ChosenPolicy { engine, file } = choose(&policy)?;
    let options = ScanOptions { paths, ..ScanOptions::default() };
    let report = scan(&engine, &options, &mut io::stdin().lock());
    output::write_notes(&report, &mut io::stderr().lock(), style(&io::stderr()))?;
    if !report.is_complete() {
        writeln!(io::stderr(), "tagwatch: not everything was read, so no baseline is written")?;
        return Ok(ExitCode::from(3));
    }
    let mut spec = file.map(|file| file.spec).unwrap_or_default();
    if let Some(profile) = policy.profile {
        spec.profile = Some(profile.to_string());
    }
    spec.exemptions.extend(exemptions(&report, &reason, &expires.to_string()));
    let object = PolicyObject {
        api_version: POLICY_API_VERSION,
        kind: POLICY_KIND,
        metadata: Metadata { name: "default" },
        spec,
    };
    let yaml = serde_saphyr::to_string(&object).map_err(|error| Failure::Other(anyhow!(error)))?;
    io::stdout().write_all(yaml.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// One for each container, with all rules that speak against it.
fn exemptions(report: &ScanReport, reason: &str, expires: &str) -> Vec<ExemptionSpec> {
    let mut found: BTreeMap<(WorkloadId, &UntrustedText), Vec<String>> = BTreeMap::new();
    for finding in &report.findings {
        if matches!(finding.result, Outcome::Pass | Outcome::Skip) {
            continue;
        }
        let place = &finding.place;
        let id = WorkloadId {
            api_version: place.api_version.clone(),
            kind: place.kind.clone(),
            namespace: place.namespace.clone(),
            name: place.name.clone(),
        };
        let rules = found.entry((id, &place.container)).or_default();
        if !rules.iter().any(|rule| rule == finding.rule) {
            rules.push(finding.rule.to_owned());
        }
    }
    found
        .into_iter()
        .map(|((id, container), rules)| {
            exact_exemption(&id, container, rules, reason, Some(expires.to_owned()))
        })
        .collect()
}
