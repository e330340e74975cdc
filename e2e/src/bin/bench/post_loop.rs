//! The yardstick: the same reports, written by a bare loop of POSTs.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result};
use http::{HeaderValue, Request, header};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Client, Config, ResourceExt,
    api::{DynamicObject, ObjectMeta},
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::task::JoinSet;

use crate::{audit, cluster::Cluster};

/// As many as tagwatch writes at the same time.
pub(crate) const CONNECTIONS: usize = 8;
const AGENT: &str = "tagwatch-post-loop";

/// A report, ready to be sent.
#[derive(Debug)]
pub(crate) struct Body {
    path: String,
    json: Vec<u8>,
}

/// The reports that tagwatch stored as tagwatch sent them: without what the API server has put into their
/// metadata.
pub(crate) fn bodies(reports: Vec<DynamicObject>) -> Result<Arc<[Body]>> {
    reports.into_iter().map(body).collect()
}

fn body(report: DynamicObject) -> Result<Body> {
    let namespace = report.namespace().context("a report without a namespace")?;
    let ObjectMeta { name, namespace: _, labels, annotations, owner_references, .. } = report.metadata;
    let metadata = ObjectMeta {
        name,
        namespace: Some(namespace.clone()),
        labels,
        annotations,
        owner_references,
        ..ObjectMeta::default()
    };
    let json = serde_json::to_vec(&DynamicObject { metadata, ..report })?;
    let path = format!("/apis/wgpolicyk8s.io/v1alpha2/namespaces/{namespace}/policyreports");
    Ok(Body { path, json })
}

/// Seconds from just before the first client is made until the API server had answered the last creation:
/// TLS, connections and requests, but neither the making of the bodies nor the start of a process.
pub(crate) async fn fill(cluster: &Cluster, bodies: &Arc<[Body]>) -> Result<f64> {
    let log = cluster.audit_log();
    let mark = log.mark().await?;
    let credentials = cluster.credentials()?;
    let started = Timestamp::now();
    post_all(&credentials, bodies).await?;
    let last = audit::last_created(&log, mark, AGENT, u32::try_from(bodies.len())?).await?;
    Ok(audit::seconds(started, last))
}

async fn post_all(credentials: &Kubeconfig, bodies: &Arc<[Body]>) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = JoinSet::new();
    for _ in 0..CONNECTIONS {
        lanes.spawn(lane(credentials.clone(), Arc::clone(bodies), Arc::clone(&next)));
    }
    while let Some(ended) = lanes.join_next().await {
        ended??;
    }
    Ok(())
}

/// One connection: a client of its own, and one request after another.
async fn lane(credentials: Kubeconfig, bodies: Arc<[Body]>, next: Arc<AtomicUsize>) -> Result<()> {
    let mut config = Config::from_custom_kubeconfig(credentials, &KubeConfigOptions::default()).await?;
    config.headers.push((header::USER_AGENT, HeaderValue::from_static(AGENT)));
    config.default_retry = false;
    let client = Client::try_from(config)?;
    while let Some(Body { path, json }) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/json").body(json.clone())?;
        client.request_text(request).await?;
    }
    Ok(())
}
