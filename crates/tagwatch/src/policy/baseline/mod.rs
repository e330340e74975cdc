//! The command `tagwatch policy baseline`: writes exemptions for what violates a policy today.

mod from_cluster;
mod from_files;
mod grouped;
mod replace;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use k8s_openapi::jiff::ToSpan;
use serde::Serialize;
use tagwatch_core::kinds::Kinds;
use tagwatch_core::policy::{
    API_VERSION, ExactMatch, ExemptionSpec, KIND, Policy, TagPolicySpec, exact_exemption,
};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::WorkloadId;
use tagwatch_scan::{PolicyFile, PolicyMetadata};

use super::{DEFAULT_POLICY, counted, today};
use crate::args::PolicyBaselineArgs;
use crate::messages::{self, note};
use crate::status::Failure;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyObject {
    api_version: &'static str,
    kind: &'static str,
    metadata: PolicyMetadata,
    spec: TagPolicySpec,
}

struct BaselineInput {
    /// Name and labels of the policy that the baseline extends.
    metadata: PolicyMetadata,
    /// The policy that the baseline extends.
    spec: TagPolicySpec,
    findings: Vec<BaselineFinding>,
}

struct BaselineFinding {
    id: WorkloadId,
    container: UntrustedText,
    rule: String,
}

pub(crate) fn baseline(args: &PolicyBaselineArgs) -> Result<ExitCode, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::Usage(anyhow!("--reason is empty; reports show it")));
    }
    let (today, until) = (today(), args.expires);
    if let Some(past) = until.filter(|last| *last < today) {
        let message =
            format!("--expires {past} is over: nothing would be exempt; expected {today} or a later day");
        return Err(Failure::Usage(anyhow!(message)));
    }
    let input = if args.cluster { Some(from_cluster::find(args)?) } else { from_files::find(args)? };
    let Some(BaselineInput { metadata, mut spec, findings }) = input else {
        messages::error("not everything was read, so no baseline is written");
        return Ok(ExitCode::from(3));
    };
    if let Some(profile) = args.policy.profile {
        spec.profile = Some(profile.to_string());
    }
    note_missing_namespaces(&findings);
    let expires = until.unwrap_or_else(|| today.saturating_add(90.days()));
    let kinds = Kinds::new(&spec.workloads);
    spec.exemptions.extend(exemptions(findings, &kinds, &args.reason, &expires.to_string()));
    check(&spec)?;
    let name = args.policy_name.clone().or(metadata.name).unwrap_or_else(|| DEFAULT_POLICY.to_owned());
    let metadata = PolicyMetadata { name: Some(name), ..metadata };
    let object = PolicyObject { api_version: API_VERSION, kind: KIND, metadata, spec };
    let yaml = serde_saphyr::to_string(&object).map_err(|error| Failure::Other(anyhow!(error)))?;
    note_size(&object, &yaml)?;
    match &args.output {
        Some(path) => replace::replace(path, yaml.as_bytes()).map_err(Failure::Usage)?,
        None => io::stdout().write_all(yaml.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Maximum size of all annotations of an object; `kubectl apply` stores a copy of the object in one.
const MAX_ANNOTATIONS: usize = 256 << 10;

/// The result must be a valid policy, whatever it started from.
fn check(spec: &TagPolicySpec) -> Result<(), Failure> {
    let written = serde_json::to_value(spec).map_err(|error| Failure::Other(anyhow!(error)))?;
    let Err(errors) = Policy::read(&written) else { return Ok(()) };
    let lines: Vec<String> = errors.iter().map(|error| format!("\n  {error}")).collect();
    Err(Failure::Usage(anyhow!("what would be written is no valid policy:{}", lines.concat())))
}

fn note_missing_namespaces(findings: &[BaselineFinding]) {
    let without = findings.iter().filter(|finding| finding.id.namespace.is_none());
    let ids: BTreeSet<&WorkloadId> = without.map(|finding| &finding.id).collect();
    if !ids.is_empty() {
        note(&format!(
            "{} without a namespace: the exemptions count in every namespace; --namespace says which one it is",
            counted(ids.len(), "workload")
        ));
    }
}

fn note_size(object: &PolicyObject, yaml: &str) -> Result<(), Failure> {
    let json = serde_json::to_vec(object).map_err(|error| Failure::Other(anyhow!(error)))?.len();
    let file_limit = usize::try_from(PolicyFile::MAX_BYTES).unwrap_or(usize::MAX);
    if yaml.len() > file_limit {
        note(&format!(
            "the policy has {} bytes, and a policy file may have {file_limit}: a scan would refuse it; make one for \
             each folder",
            yaml.len()
        ));
    }
    // Leaves room for the fields that `kubectl apply` adds.
    if json > MAX_ANNOTATIONS - 4_096 {
        note(&format!(
            "the policy has {json} bytes as JSON, more than `kubectl apply` can keep in its annotation: use \
             `kubectl apply --server-side`"
        ));
    }
    Ok(())
}

/// One exemption for each container, with all rules that it violates.
fn exemptions(
    findings: Vec<BaselineFinding>,
    kinds: &Kinds,
    reason: &str,
    expires: &str,
) -> Vec<ExemptionSpec> {
    let mut found: BTreeMap<(WorkloadId, UntrustedText), Vec<String>> = BTreeMap::new();
    for BaselineFinding { id, container, rule } in findings {
        let rules = found.entry((id, container)).or_default();
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let exempt = |((id, container), mut rules): ((WorkloadId, UntrustedText), Vec<String>)| {
        rules.sort();
        let WorkloadId { api_version, kind, namespace, name } = &id;
        let kind = kinds.name_in_policy(api_version.raw(), kind.raw());
        let matches = ExactMatch { namespace: namespace.as_ref(), kind: &kind, name, container: &container };
        exact_exemption(matches, rules, reason, Some(expires.to_owned()))
    };
    grouped::grouped(found.into_iter().map(exempt).collect())
}
