//! A control plane with what `config/` installs.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, Client, api::PostParams};
use tagwatch_e2e::{ControlPlane, Identity, Options, eventually, samples::config};
use tokio::sync::Mutex;

const LIMIT: Duration = Duration::from_secs(30);
/// The service account of `config/rbac`.
pub(crate) const ACCOUNT: Identity<'static> = Identity::ServiceAccount { namespace: "tagwatch", name: "tagwatch" };

/// A control plane, and a kubeconfig with the rights of tagwatch's service account.
pub(crate) struct Cluster {
    control_plane: Mutex<Option<ControlPlane>>,
    pub(crate) kubeconfig: PathBuf,
}
