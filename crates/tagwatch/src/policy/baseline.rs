//! `tagwatch policy baseline`.

mod from_cluster;
mod from_files;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use k8s_openapi::jiff::ToSpan;
use serde::Serialize;
use tagwatch_core::policy::{API_VERSION, ExemptionSpec, KIND, TagPolicySpec, exact_exemption};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::WorkloadId;

use super::today;
use crate::args::PolicyBaselineArgs;
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

/// What a baseline is made of.
struct Found {
    /// The policy that it adds to.
    spec: TagPolicySpec,
    findings: Vec<Finding>,
}

/// Something that is to be exempt.
struct Finding {
    id: WorkloadId,
    container: UntrustedText,
    rule: String,
}

pub(crate) fn baseline(args: &PolicyBaselineArgs) -> Result<ExitCode, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::Usage(anyhow!("--reason is empty; reports show it")));
    }
    let found = if args.cluster { Some(from_cluster::find(args)?) } else { from_files::find(args)? };
    let Some(Found { mut spec, findings }) = found else {
        writeln!(io::stderr(), "tagwatch: not everything was read, so no baseline is written")?;
        return Ok(ExitCode::from(3));
    };
    if let Some(profile) = args.policy.profile {
        spec.profile = Some(profile.to_string());
    }
    let expires = args.expires.unwrap_or_else(|| today().saturating_add(90.days()));
    spec.exemptions.extend(exemptions(findings, &args.reason, &expires.to_string()));
    let metadata = Metadata { name: DEFAULT_POLICY };
    let object = PolicyObject { api_version: API_VERSION, kind: KIND, metadata, spec };
    let yaml = serde_saphyr::to_string(&object).map_err(|error| Failure::Other(anyhow!(error)))?;
    io::stdout().write_all(yaml.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The policy that `tagwatch run` judges by unless it is told another.
const DEFAULT_POLICY: &str = "default";

/// One for each container, with all rules that speak against it.
fn exemptions(findings: Vec<Finding>, reason: &str, expires: &str) -> Vec<ExemptionSpec> {
    let mut found: BTreeMap<(WorkloadId, UntrustedText), Vec<String>> = BTreeMap::new();
    for Finding { id, container, rule } in findings {
        let rules = found.entry((id, container)).or_default();
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let exempt = |((id, container), mut rules): ((WorkloadId, UntrustedText), Vec<String>)| {
        rules.sort();
        exact_exemption(&id, &container, rules, reason, Some(expires.to_owned()))
    };
    found.into_iter().map(exempt).collect()
}
