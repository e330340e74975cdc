//! Helm values and parameters of Argo CD applications
//! (<https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>): their images are counted.

use tagwatch_core::kinds::group_of;

use super::embedded::image_lines;
use super::helm_values::count_images;
use super::{Manifest, Reason, Unjudged, uncovered};
use crate::yaml::{Documents, Limits, Node, Position, Source, YamlError};

const GROUP: &str = "argoproj.io";

/// Limits of values that are a text.
const LIMITS: Limits = Limits { bytes: 1 << 20, documents: 1, nodes: 50_000, depth: 128 };

/// Ends of a parameter's name behind that of an image.
const IMAGE_PARTS: [&str; 5] = ["registry", "repository", "tag", "version", "digest"];

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
    let mut judged = Vec::new();
    let sources = spec.and_then(|spec| spec.get("sources")).into_iter().flat_map(Node::items);
    let sources = sources.map(|source| (source, format!("{root}.sources[*]")));
    let one = spec.and_then(|spec| spec.get("source")).map(|source| (source, format!("{root}.source")));
    for (source, path) in one.into_iter().chain(sources) {
        let mut count = |at: Position, field: &str, count: usize| {
            if count > 0 {
                manifest.unjudged.push(Unjudged {
                    api_version: api_version.into(),
                    kind: kind.into(),
                    reason: Reason::ApplicationValues,
                    count: u64::try_from(count).unwrap_or(u64::MAX),
                    paths: vec![format!("{path}.{field}")],
                    has_more: false,
                    at,
                });
            }
        };
        let helm = source.get("helm");
        if let Some(values) = helm.and_then(|helm| helm.get("valuesObject")) {
            let images = count_images(values);
            count(values.position(), "helm.valuesObject", images.len());
            judged.extend(images);
        }
        if let Some((values, text)) =
            helm.and_then(|helm| helm.get("values")).and_then(|node| Some((node, node.text()?)))
        {
            count(values.position(), "helm.values", count_in_text(text));
            judged.push(values.position());
        }
        if let Some(parameters) = helm.and_then(|helm| helm.get("parameters")) {
            count(parameters.position(), "helm.parameters", count_parameters(parameters));
        }
        if let Some(images) = source.get("kustomize").and_then(|kustomize| kustomize.get("images")) {
            count(images.position(), "kustomize.images", images.items().len());
            judged.extend(images.items().map(Node::position));
        }
    }
    uncovered::remark(node, api_version, kind, &judged, |_| None, manifest);
}

fn count_in_text(text: &str) -> usize {
    let (mut count, mut is_template) = (0, false);
    let source = Source::utf8(text);
    for document in Documents::new(&source, LIMITS) {
        match document {
            Ok(document) => count += count_images(document.root()).len(),
            // That of an ApplicationSet, which its controller fills in.
            Err(located) => is_template |= located.error == YamlError::TemplateAction,
        }
    }
    let lines = if is_template { usize::try_from(image_lines(text)).unwrap_or(usize::MAX) } else { 0 };
    count.max(lines)
}

/// Parameters such as `image.tag` and `controller.image.repository` of one image count once.
fn count_parameters(parameters: Node<'_, '_>) -> usize {
    let names = parameters.items().filter_map(|parameter| parameter.get("name")?.text());
    let images = names.filter_map(|name| {
        let image = match name.rsplit_once('.') {
            Some((image, part)) if IMAGE_PARTS.contains(&part) => image,
            _ => name,
        };
        image.to_ascii_lowercase().ends_with("image").then_some(image)
    });
    images.collect::<std::collections::BTreeSet<_>>().len()
}
