//! `spec.values` of a `HelmRelease` of Flux
//! (<https://fluxcd.io/flux/components/helm/helmreleases/#values>).

use tagwatch_core::kinds::group_of;

use super::Manifest;
use super::helm_values::{self, VALUES_KIND};
use super::object::{Described, add_workload};
use crate::yaml::{Node, Position};

const GROUP: &str = "helm.toolkit.fluxcd.io";

pub(super) fn is_helm_release(api_version: &str, kind: &str) -> bool {
    kind == "HelmRelease" && group_of(api_version) == GROUP
}

/// Reads the values of a release. Returns the positions of the images that were found, for what is not covered.
pub(super) fn read(node: Node<'_, '_>, api_version: &str, manifest: &mut Manifest) -> Vec<Position> {
    let Some(values) = node.get("spec").and_then(|spec| spec.get("values")) else { return Vec::new() };
    let containers = helm_values::read_values(values, "spec.values", manifest);
    if !containers.is_empty() {
        let described = Described::of_values(containers);
        add_workload(node, api_version, VALUES_KIND, described, manifest);
    }
    helm_values::count_images(values)
}
