//! Patches and charts of Kustomize. A kustomization has them as fields, and the configuration of a built-in transformer or
//! generator has the same ones (api/types and plugin/builtin of kubernetes-sigs/kustomize).

use tagwatch_core::kinds::Kinds;

use super::helm_values::{self, VALUES_KIND};
use super::object::{Described, add_workload};
use super::{Embedded, Manifest, Reason, count_embedded_images, uncovered};
use crate::yaml::Node;

/// What changes objects that stand elsewhere. Paths are relative to the folder of the kustomization.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Files that are patches.
    pub(crate) patches: Vec<String>,
    /// Whether there are patches that are texts.
    pub(crate) has_inline: bool,
}

impl Changes {
    /// Adds a patch: a path, or a text in one of its fields. `inside` is the path of that field, from the root of the object.
    pub(crate) fn add_patch(
        &mut self,
        item: Node<'_, '_>,
        (field, inside): (&str, &str),
        kinds: &Kinds,
        manifest: &mut Manifest,
    ) {
        // A text alone is the form of Kustomize 1.
        let path = item.text().or_else(|| item.get("path").and_then(Node::text));
        self.patches.extend(path.filter(|path| !path.is_empty()).map(str::to_owned));
        if let Some(patch) = item.get(field) {
            self.add_inline(patch, inside, kinds, manifest);
        }
    }

    /// Adds a strategic merge patch: a path, or the patch itself.
    pub(crate) fn add_strategic_merge(
        &mut self,
        item: Node<'_, '_>,
        inside: &str,
        kinds: &Kinds,
        manifest: &mut Manifest,
    ) {
        match item.text() {
            Some(text) if is_inline(text) => self.add_inline(item, inside, kinds, manifest),
            path => self.patches.extend(path.map(str::to_owned)),
        }
    }

    /// Adds a patch that is a text, and counts its images.
    pub(crate) fn add_inline(
        &mut self,
        patch: Node<'_, '_>,
        inside: &str,
        kinds: &Kinds,
        manifest: &mut Manifest,
    ) {
        let Some(text) = patch.text() else { return };
        self.has_inline = true;
        let place = Embedded { at: patch.position(), path: inside.to_owned(), reason: Reason::Patch };
        count_embedded_images(text, place, kinds, manifest);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patches.is_empty() && !self.has_inline
    }
}

/// Whether a text that can be a path is what the path would lead to: Kustomize takes whatever it can read as an object.
pub(crate) fn is_inline(text: &str) -> bool {
    text.trim_end().contains('\n') || text.contains(": ") || text.trim_start().starts_with(['{', '['])
}

/// Reads the values of a chart that Kustomize has Helm render. `path` is that of the chart, with a dot behind it.
pub(crate) fn read_chart(chart: Node<'_, '_>, api_version: &str, path: &str, manifest: &mut Manifest) {
    let Some(values) = chart.get("valuesInline") else { return };
    let containers = helm_values::read_values(values, &format!("{path}valuesInline"), manifest);
    uncovered::remark_values(values, VALUES_KIND, &helm_values::count_images(values), manifest);
    if containers.is_empty() {
        return;
    }
    add_workload(chart, api_version, VALUES_KIND, Described::of_values(containers), manifest);
    let text = |field: &str| chart.get(field).and_then(Node::text).filter(|text| !text.is_empty());
    if let Some(located) = manifest.workloads.last_mut() {
        located.workload.id.name = text("releaseName").or_else(|| text("name")).unwrap_or_default().into();
        located.workload.id.namespace = text("namespace").map(Into::into);
    }
}
