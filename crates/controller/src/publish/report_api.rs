//! Reads and writes single reports.

use std::sync::Arc;

use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};
use tagwatch_client::{CALL_LIMIT, CallError, call};
use tagwatch_k8s::report::{PolicyReport, Precondition, ReportPlan, StoredReport};

use super::writer::{ClusterWriter, Verb, WriteError, WriteTarget};
use crate::state::ReportKey;

/// The report API.
pub(crate) struct ReportApi {
    client: Client,
    writer: Arc<ClusterWriter>,
}

impl ReportApi {
    pub(crate) fn new(client: Client, writer: Arc<ClusterWriter>) -> Self {
        Self { client, writer }
    }

    /// Reads one report with its body.
    pub(crate) async fn read(&self, key: &ReportKey) -> Result<Option<StoredReport>, CallError> {
        let report = call(CALL_LIMIT, self.api(key).get_opt(&key.name)).await?;
        Ok(report.map(StoredReport::from))
    }

    /// Carries out a plan. Returns what is stored afterwards.
    pub(crate) async fn carry_out(
        &self,
        key: &ReportKey,
        plan: ReportPlan,
    ) -> Result<Option<StoredReport>, WriteError> {
        let (api, params) = (self.api(key), PostParams::default());
        let stored = match plan {
            ReportPlan::Create(report) => {
                self.writer.write(WriteTarget::Report(Verb::Create), api.create(&params, &report)).await?
            }
            ReportPlan::Replace(report) => {
                let replacing = api.replace(&key.name, &params, &report);
                self.writer.write(WriteTarget::Report(Verb::Update), replacing).await?
            }
            ReportPlan::Delete(precondition) => {
                self.delete(&api, key, precondition).await?;
                return Ok(None);
            }
            ReportPlan::Keep | ReportPlan::Blocked => return Ok(None),
        };
        Ok(Some(stored.into()))
    }

    async fn delete(
        &self,
        api: &Api<PolicyReport>,
        key: &ReportKey,
        precondition: Precondition,
    ) -> Result<(), WriteError> {
        let Precondition { uid, resource_version } = precondition;
        let preconditions = Some(Preconditions { uid, resource_version });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        let deleting = api.delete(&key.name, &params);
        match self.writer.write(WriteTarget::Report(Verb::Delete), deleting).await {
            Err(error) if error.code() == Some(404) => Ok(()),
            answer => answer.map(drop),
        }
    }

    fn api(&self, key: &ReportKey) -> Api<PolicyReport> {
        Api::namespaced(self.client.clone(), &key.namespace)
    }
}
