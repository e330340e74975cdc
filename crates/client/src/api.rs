//! The parts of the API that are read.

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::WireObject;

/// The objects of one namespace, or of all.
pub fn api<K>(client: &Client, scope: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match scope {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// The workload objects of a kind in one namespace, or in all.
pub fn object_api(client: &Client, served: &ServedKind, scope: Option<&str>) -> Api<WireObject> {
    match scope {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &served.resource),
        None => Api::all_with(client.clone(), &served.resource),
    }
}
