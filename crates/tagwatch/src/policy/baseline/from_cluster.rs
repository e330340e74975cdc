//! A baseline from the reports of a cluster.

use anyhow::Error;
use tagwatch_client::{
    ClusterChoice, ClusterPolicy, IssueFilter, IssueQuery, StoredIssue, list_issues, read_policy,
};
use tagwatch_core::workload::WorkloadId;
use tagwatch_scan::PolicyMetadata;

use super::{BaselineFinding, BaselineInput};
use crate::args::{PolicyBaselineArgs, from_severity};
use crate::cluster::with_client;
use crate::messages::note;
use crate::policy::{DEFAULT_POLICY, choose};
use crate::status::Failure;

/// Starts from the policy of the arguments, else from the one in the cluster, which the baseline can replace.
pub(super) fn find(args: &PolicyBaselineArgs) -> Result<BaselineInput, Failure> {
    let is_given = args.policy.policy.is_some() || args.policy.profile.is_some();
    let given = is_given.then(|| choose(&args.policy)).transpose()?;
    let severities = args.min_severity.map(from_severity).unwrap_or_default();
    let filter = IssueFilter { severities, ..IssueFilter::default() };
    let query = IssueQuery { namespace: args.namespace.clone(), filter, ..IssueQuery::default() };
    let name = args.policy_name.as_deref().unwrap_or(DEFAULT_POLICY);
    let choice = ClusterChoice { kubeconfig: args.kubeconfig.clone(), context: args.context.clone() };
    let (listed, (metadata, spec)) = with_client(&choice, async |client, clock| {
        let listed =
            list_issues(&client, &query, &clock).await.map_err(|error| Failure::Api(Error::new(error)))?;
        let policy = if let Some(chosen) = given {
            chosen.file.map(|file| (file.metadata, file.spec)).unwrap_or_default()
        } else {
            let policy = read_policy(&client, name).await;
            let policy = policy.map_err(|error| Failure::Api(Error::new(error)))?;
            if policy.is_none() && args.policy_name.is_some() {
                note(&format!("there is no TagPolicy {name}: starting from the recommended profile"));
            }
            let ClusterPolicy { labels, spec } = policy.unwrap_or_default();
            (PolicyMetadata { name: Some(name.to_owned()), labels }, spec)
        };
        Ok((listed, policy))
    })?;
    Ok(BaselineInput { metadata, spec, findings: listed.issues.into_iter().map(finding).collect() })
}

fn finding(issue: StoredIssue) -> BaselineFinding {
    let StoredIssue { namespace, api_version, kind, name, container, rule, .. } = issue;
    let id = WorkloadId { api_version, kind, namespace: Some(namespace), name };
    BaselineFinding { id, container, rule: rule.raw().to_owned() }
}
