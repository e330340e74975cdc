//! Helm values and parameters of Argo CD applications
//! (<https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>): their images are counted.

use std::collections::BTreeSet;

use tagwatch_core::kinds::group_of;

use super::helm_values::count_images;
use super::image_fields::Naming;
use super::search::Known;
use super::texts::{images_in_lines, limits};
use super::{Manifest, Reason, Unjudged, image_parts, search, uncovered};
use crate::yaml::{Documents, Node, Position, Source, YamlError};

const GROUP: &str = "argoproj.io";

pub(super) fn is_application(api_version: &str, kind: &str) -> bool {
    matches!(kind, "Application" | "ApplicationSet") && group_of(api_version) == GROUP
}

/// Counts the images of an application, or of the template of several.
pub(super) fn read(node: Node<'_, '_>, api_version: &str, kind: &str, manifest: &mut Manifest) {
    let spec = node.get("spec");
    let (spec, root) = match spec.and_then(|spec| spec.get("template")) {
        Some(template) => (template.get("spec"), "spec.template.spec"),
        None => (spec, "spec"),
    };
    let depth = manifest.depth;
    let (mut judged, mut elsewhere) = (Vec::new(), Vec::new());
    let sources = spec.and_then(|spec| spec.get("sources")).into_iter().flat_map(Node::items);
    let sources = sources.map(|source| (source, format!("{root}.sources[*]")));
    let one = spec.and_then(|spec| spec.get("source")).map(|source| (source, format!("{root}.source")));
    for (source, path) in one.into_iter().chain(sources) {
        let mut count = |at: Position, field: &str, count: u64| {
            if count > 0 {
                manifest.unjudged.push(Unjudged {
                    api_version: api_version.into(),
                    kind: kind.into(),
                    reason: Reason::ApplicationValues,
                    count,
                    paths: vec![format!("{path}.{field}")],
                    has_more: false,
                    at,
                });
            }
        };
        let helm = source.get("helm");
        if let Some(values) = helm.and_then(|helm| helm.get("valuesObject")) {
            let images = count_images(values);
            count(values.position(), "helm.valuesObject", images.len() as u64);
            judged.extend(images);
        }
        if let Some((values, text)) =
            helm.and_then(|helm| helm.get("values")).and_then(|node| Some((node, node.text()?)))
        {
            count(values.position(), "helm.values", count_in_text(text, depth));
            judged.push(values.position());
        }
        if let Some(parameters) = helm.and_then(|helm| helm.get("parameters")) {
            count(parameters.position(), "helm.parameters", count_parameters(parameters));
            elsewhere.push(parameters);
        }
        if let Some(images) = source.get("kustomize").and_then(|kustomize| kustomize.get("images")) {
            count(images.position(), "kustomize.images", images.items().len() as u64);
            judged.extend(images.items().map(Node::position));
        }
    }
    let known = Known { judged: &judged, elsewhere: &elsewhere };
    uncovered::remark_beside(node, (api_version, kind), known, |_| None, manifest);
}

fn count_in_text(text: &str, depth: usize) -> u64 {
    let (mut count, mut is_template) = (0, false);
    let source = Source::utf8(text);
    for document in Documents::new(&source, limits(depth)) {
        match document {
            Ok(document) => count += search::count_in_values(document.root(), depth + 1),
            // That of an ApplicationSet, which its controller fills in.
            Err(located) => is_template |= located.error == YamlError::TemplateAction,
        }
    }
    if is_template { count.max(images_in_lines(text, true)) } else { count }
}

/// Parameters such as `image.tag` and `controller.image.repository` of one image count once.
fn count_parameters(parameters: Node<'_, '_>) -> u64 {
    let names = parameters.items().filter_map(|parameter| parameter.get("name")?.text());
    let images: BTreeSet<&str> = names.filter_map(image_of_parameter).collect();
    u64::try_from(images.len()).unwrap_or(u64::MAX)
}

fn image_of_parameter(name: &str) -> Option<&str> {
    // An item of a list of images has its index behind it.
    let field = name.split_once('[').map_or(name, |(field, _)| field);
    image_parts::image_of(name).or_else(|| (Naming::of(field) != Naming::Other).then_some(name))
}
