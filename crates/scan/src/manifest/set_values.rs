//! Values that are set elsewhere: those of named parameters and variables, of operations of JSON patches, and of mutations.

use super::image_fields::{self, Naming};
use crate::yaml::{Node, Position, Value};

/// Fields with the path of a value: of operations (RFC 6902), of overrides of Karmada, which are alike, and of mutations of
/// Gatekeeper (<https://open-policy-agent.github.io/gatekeeper/website/docs/mutation/>).
const PATHS: [&str; 4] = ["path", "location", "fieldPath", "toFieldPath"];

/// Parts of an image that an override of Karmada changes (`ImageOverrider`,
/// <https://karmada.io/docs/userguide/scheduling/override-policy/>).
const COMPONENTS: [&str; 3] = ["Registry", "Repository", "Tag"];

/// Parts of an image that an `AssignImage` of Gatekeeper sets.
const ASSIGNED: [&str; 3] = ["assignPath", "assignTag", "assignDomain"];

/// Whether the path of a field, with dots or slashes, leads to an image.
pub(super) fn leads_to_image(path: &str) -> bool {
    naming_of(path).is_one()
}

/// What the last field of a path says. `reference` is that of an image volume.
fn naming_of(path: &str) -> Naming {
    let is_index = |field: &&str| *field == "-" || field.bytes().all(|byte| byte.is_ascii_digit());
    let mut fields = path.rsplit(['.', '/']);
    match fields.next() {
        Some("reference") => Naming::Image,
        // An item of a list.
        Some(last) if is_index(&last) => match fields.next().map(Naming::of) {
            Some(Naming::List) => Naming::Like,
            _ => Naming::Other,
        },
        Some(last) => Naming::of(last),
        None => Naming::Other,
    }
}

/// Where a value names images that is set at a path.
pub(super) fn images_at(path: &str, value: Node<'_, '_>) -> Vec<Position> {
    match naming_of(path) {
        Naming::Image => image_fields::named(value),
        Naming::Like => image_fields::versioned(value),
        Naming::List => image_fields::listed(value),
        Naming::Other => Vec::new(),
    }
}

/// A parameter or a variable of a list: `{name, value}`, or `{name, default}`.
pub(super) fn named_value<'d, 't>(item: Node<'d, 't>) -> Option<(&'d str, Node<'d, 't>)> {
    let value = item.get("value").or_else(|| item.get("default"))?;
    Some((item.get("name")?.text()?, value))
}

/// The images that a mapping sets elsewhere, each with the field that holds it.
pub(super) fn found<'d>(entries: &[(&'d str, Node<'d, '_>)]) -> Vec<(&'d str, Position)> {
    let get = |name: &str| entries.iter().find(|(key, _)| *key == name).copied();
    let text = |name: &str| get(name).and_then(|(_, value)| value.text());
    if let Some((field, value)) = get("value").or_else(|| get("default")) {
        if text("component").is_some_and(|component| COMPONENTS.contains(&component))
            && get("operator").is_some()
        {
            return vec![(field, value.position())];
        }
        let positions = match text("name").map(Naming::of) {
            Some(Naming::Image | Naming::Like) => image_fields::versioned(value),
            Some(Naming::List) => image_fields::listed(value),
            Some(Naming::Other) | None => PATHS
                .iter()
                .find_map(|path| text(path))
                .map(|path| images_at(path, value))
                .unwrap_or_default(),
        };
        return positions.into_iter().map(|at| (field, at)).collect();
    }
    let mutates = text("location").is_some_and(leads_to_image);
    let Some((field, parameters)) = get("parameters").filter(|_| mutates) else { return Vec::new() };
    let assigned = parameters.get("assign").and_then(|assign| assign.get("value"));
    let mut parts = ASSIGNED.iter().filter_map(|part| parameters.get(part));
    let image = assigned.or_else(|| parts.next()).filter(|value| matches!(value.value(), Value::String(_)));
    image.into_iter().map(|image| (field, image.position())).collect()
}
