//! `tagwatch scan --cluster`: lists a cluster once, and judges it as the controller does, by the same index and the same
//! engine. What a controller knows from before, or learns from a registry, is not known here.

mod judge;
mod objects;
mod progress;
mod read;

use anyhow::{Error, anyhow};
use tagwatch_client::{
    Client, ClusterChoice, ClusterPolicy, ObjectLists, ReadPolicyError, ServerClock, read_policy,
};
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::Profile;
use tagwatch_scan::report::{NoteCode, ScanReport};
use tagwatch_scan::{ClusterReport, PolicyFile};

use crate::args::{PolicyArgs, ScanClusterArgs};
use crate::cluster::with_client;
use crate::policy::{DEFAULT_POLICY, changed_for_scan, choose};
use crate::status::Failure;
use progress::Progress;
use read::{ClusterReader, ReadCluster, Remark};

/// A scan of a cluster.
pub(super) struct ClusterScan<'a> {
    pub(super) cluster: &'a ScanClusterArgs,
    pub(super) namespace: Option<String>,
    pub(super) policy: &'a PolicyArgs,
    pub(super) rules: &'a [String],
    pub(super) exemptions: Option<&'a PolicyFile>,
    pub(super) show_passed: bool,
    pub(super) require_workloads: bool,
}

impl ClusterScan<'_> {
    pub(super) fn run(self) -> Result<ScanReport, Failure> {
        let ScanClusterArgs { all_namespaces, kubeconfig, context, .. } = self.cluster;
        let choice = ClusterChoice { kubeconfig: kubeconfig.clone(), context: context.clone() };
        with_client(&choice, async |client, clock| {
            let mut remarks = Vec::new();
            let policy = self.policy(&client, &mut remarks).await?;
            let policy = changed_for_scan(policy, self.rules, self.exemptions)?;
            let own = || self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
            let lists = ObjectLists::new(client.clone(), (!all_namespaces).then(own));
            let reader = ClusterReader { client, lists, policy: &policy.policy, progress: Progress::start() };
            let mut read = reader.read(&clock).await.map_err(|error| Failure::Api(Error::new(error)))?;
            remarks.append(&mut read.remarks);
            read.remarks = remarks;
            Ok(self.report(read, &policy, &clock))
        })
    }

    /// The policy of the arguments, else the one of the cluster, else the recommended profile.
    async fn policy(&self, client: &Client, remarks: &mut Vec<Remark>) -> Result<PolicyFile, Failure> {
        let PolicyArgs { policy, profile } = self.policy;
        if policy.is_some() || profile.is_some() {
            let chosen = choose(self.policy)?.file;
            return Ok(chosen.unwrap_or_else(|| PolicyFile::of(profile.unwrap_or_default())));
        }
        let name = self.cluster.policy_name.as_deref().unwrap_or(DEFAULT_POLICY);
        let recommended = || PolicyFile::of(Profile::default());
        match read_policy(client, name).await {
            Ok(Some(ClusterPolicy { labels, spec })) => {
                remarks.push((NoteCode::PolicyFound, format!("the TagPolicy {name} of the cluster decides")));
                PolicyFile::of_cluster(name, labels, spec).map_err(|error| Failure::Usage(anyhow!(error)))
            }
            Ok(None) if self.cluster.policy_name.is_some() => {
                Err(Failure::Usage(anyhow!("the cluster has no TagPolicy {name}")))
            }
            Ok(None) => Ok(recommended()),
            Err(ReadPolicyError::Call { source, .. }) if source.code() == Some(403) => {
                let message =
                    format!("no right to get the TagPolicy {name}: the recommended profile decides instead");
                remarks.push((NoteCode::NotPermitted, message));
                Ok(recommended())
            }
            Err(error @ ReadPolicyError::Call { .. }) => Err(Failure::Api(Error::new(error))),
            Err(error @ ReadPolicyError::Spec { .. }) => Err(Failure::Usage(Error::new(error))),
        }
    }

    fn report(&self, read: ReadCluster, policy: &PolicyFile, clock: &ServerClock) -> ScanReport {
        let ReadCluster { mut index, objects, count, remarks, refused, is_of_all } = read;
        let now = clock.now();
        judge::settle(&mut index, &refused, now);
        let engine = Engine::new(policy.policy.clone()).on(clock.today()).in_cluster();
        let mut report = ClusterReport::new(&engine, self.show_passed);
        for (code, message) in remarks {
            report.remark(code, &message);
        }
        for (name, namespace) in index.namespaces() {
            report.know_namespace(name, namespace);
        }
        judge::each_workload(&mut index, &objects, now, |workload| report.add(workload));
        let mut report = report.finish(count, Some(policy), self.require_workloads);
        if !is_of_all {
            // Exemptions may be for other namespaces.
            report.notes.retain(|note| note.code != NoteCode::UnusedExemption);
        }
        report
    }
}
