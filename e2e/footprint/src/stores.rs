//! What is filled: tagwatch's own structures as its watches fill them, and kube's.

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube_runtime::reflector::Store;
use kube_runtime::reflector::store::{Writer, store};
use kube_runtime::watcher::Event;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tagwatch_controller::Stored;
use tagwatch_core::kinds::find_watched;
use tagwatch_index::Index;
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{SlimObject, SlimPod, WireObject};

use crate::objects;

const NOW: &str = "2026-11-29T12:00:00Z";

/// The index with pods alone.
pub(crate) fn pods(count: u32) -> Result<Index> {
    let mut index = Index::default();
    let now: Timestamp = NOW.parse()?;
    for number in 0..count {
        let pod: SlimPod = decode(&objects::pod(number))?;
        index.apply_pod(&pod, now);
    }
    Ok(index)
}

/// kube's reflector store of pods.
pub(crate) fn kube_pods(count: u32) -> Result<(Store<Pod>, Writer<Pod>)> {
    kube_store(count, objects::pod)
}

type Reflected = (Store<Stored>, Writer<Stored>);

/// The index and the reflector stores of Deployments and ReplicaSets, as the watches of both fill them.
pub(crate) fn workloads(count: u32) -> Result<(Index, [Reflected; 2])> {
    let mut index = Index::default();
    let deployments = reflected(&mut index, "Deployment", count, objects::deployment)?;
    let replica_sets = reflected(&mut index, "ReplicaSet", count, objects::replica_set)?;
    Ok((index, [deployments, replica_sets]))
}

type KubeStores = ((Store<Deployment>, Writer<Deployment>), (Store<ReplicaSet>, Writer<ReplicaSet>));

/// kube's reflector stores of the same objects.
pub(crate) fn kube_workloads(count: u32) -> Result<KubeStores> {
    Ok((kube_store(count, objects::deployment)?, kube_store(count, objects::replica_set)?))
}

fn reflected(index: &mut Index, kind: &str, count: u32, object: impl Fn(u32) -> Value) -> Result<Reflected> {
    let kind = find_watched("apps/v1", kind).context("a kind that is not watched")?;
    let served = ServedKind::built_in(kind);
    let (store, mut writer) = store();
    let mut listed = Vec::new();
    for number in 0..count {
        let wire: WireObject = decode(&object(number))?;
        let mut object = SlimObject::read(&wire, &served);
        index.share_keys(&mut object);
        listed.push(object);
    }
    let (objects, _) = index.apply_list(&kind.name, None, listed);
    writer.apply_watcher_event(&Event::Init);
    for object in objects.into_iter().filter(|object| !object.is_silent()) {
        writer.apply_watcher_event(&Event::InitApply(Stored(object)));
    }
    writer.apply_watcher_event(&Event::InitDone);
    Ok((store, writer))
}

fn kube_store<K>(count: u32, object: impl Fn(u32) -> Value) -> Result<(Store<K>, Writer<K>)>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + 'static,
{
    let (store, mut writer) = store();
    writer.apply_watcher_event(&Event::Init);
    for number in 0..count {
        writer.apply_watcher_event(&Event::InitApply(decode(&object(number))?));
    }
    writer.apply_watcher_event(&Event::InitDone);
    Ok((store, writer))
}

/// From the text that the API server would send, as the client decodes it.
fn decode<T: DeserializeOwned>(object: &Value) -> Result<T> {
    Ok(serde_json::from_str(&object.to_string())?)
}
