//! What the reports of a cluster hold.

use anyhow::anyhow;
use tagwatch_controller::cluster_policy::read_policy;
use tagwatch_controller::issues::{Issue, IssueQuery, issues};
use tagwatch_core::workload::WorkloadId;

use super::{DEFAULT_POLICY, Finding, Found};
use crate::args::PolicyBaselineArgs;
use crate::cluster::with_client;
use crate::policy::choose;
use crate::status::Failure;

/// Starts from the policy of the arguments, else from the one in the cluster, so that what this writes can take its
/// place.
pub(super) fn find(args: &PolicyBaselineArgs) -> Result<Found, Failure> {
    let is_given = args.policy.policy.is_some() || args.policy.profile.is_some();
    let given = is_given.then(|| choose(&args.policy)).transpose()?;
    let query = IssueQuery { namespace: args.namespace.clone(), ..IssueQuery::default() };
    let (issues, spec) = with_client(args.context.as_deref(), async |client, _| {
        let issues = issues(&client, &query).await.map_err(|error| Failure::Api(anyhow!("{error}")))?;
        let spec = match given {
            Some(chosen) => chosen.file.map(|file| file.spec).unwrap_or_default(),
            None => read_policy(&client, DEFAULT_POLICY)
                .await
                .map_err(|error| Failure::Api(anyhow!("{error}")))?
                .unwrap_or_default(),
        };
        Ok((issues, spec))
    })?;
    Ok(Found { spec, findings: issues.into_iter().map(finding).collect() })
}

fn finding(issue: Issue) -> Finding {
    let Issue { namespace, kind, name, container, rule, .. } = issue;
    let id = WorkloadId { api_version: "".into(), kind, namespace: Some(namespace), name };
    Finding { id, container, rule: rule.raw().to_owned() }
}
