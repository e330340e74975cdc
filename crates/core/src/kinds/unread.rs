//! Pod templates where no path leads, and paths that lead to something that is none: both would let images pass
//! unjudged.

use std::collections::BTreeSet;

use super::resolve::{Tree, ValueType};
use super::template_path::TemplatePath;
use crate::text::UntrustedText;

/// Whether a pod template says what its pods run: it has `spec.containers`.
pub fn holds_containers<T: Tree>(template: T) -> bool {
    template
        .field("spec")
        .and_then(|spec| spec.field("containers"))
        .is_some_and(|containers| containers.value_type() != ValueType::Null)
}

/// Whether what a path leads to is no pod template, though something is there. A `spec` that is no mapping is a
/// mistake of another kind, which the reader reports.
pub fn is_flawed<T: Tree>(template: T) -> bool {
    let can_hold = template
        .field("spec")
        .is_none_or(|spec| matches!(spec.value_type(), ValueType::Mapping | ValueType::Null));
    can_hold && !holds_containers(template) && !template.entries().is_empty()
}

/// What is said of a place that is no pod template, with the path that was probably meant. Safe for a terminal, as its
/// parts are.
pub fn unread_template(flawed: Option<&str>, meant: Option<&str>) -> String {
    let what = match flawed {
        Some(path) => format!("{path} is no pod template, for it has no spec.containers"),
        None => "this holds containers where no template path leads".to_owned(),
    };
    match meant {
        Some(meant) => format!("{what}: the images are not judged; did you mean {meant}?"),
        None => format!("{what}: no image is judged there"),
    }
}

/// The path of a template whose containers are at `containers`, such as `spec.tasks[*].template` for
/// `spec.tasks[0].template.spec.containers`. `None` where no path can lead there.
pub fn template_path_of(containers: &str) -> Option<String> {
    let concrete = containers.strip_suffix(".spec.containers")?;
    let mut path = String::new();
    let mut rest = concrete;
    while let Some((before, behind)) = rest.split_once('[') {
        let (_, after) = behind.split_once(']')?;
        path.push_str(before);
        path.push_str("[*]");
        rest = after;
    }
    path.push_str(rest);
    path.parse::<TemplatePath>().is_ok().then_some(path)
}

/// The path of the first `spec.containers` that is a list with an image, outside of the templates that are read, which
/// are given by their paths. The parser has limited the depth of the tree, and so this recursion.
pub fn find_unread_template<T: Tree>(object: T, read: &BTreeSet<&str>) -> Option<String> {
    search(object, read, "")
}

fn search<T: Tree>(value: T, read: &BTreeSet<&str>, path: &str) -> Option<String> {
    if read.contains(path) {
        return None;
    }
    let containers = value.field("spec").and_then(|spec| spec.field("containers"));
    if containers.is_some_and(|list| list.items().into_iter().any(|item| item.field("image").is_some())) {
        let dot = if path.is_empty() { "" } else { "." };
        return Some(format!("{path}{dot}spec.containers"));
    }
    for (key, next) in value.entries() {
        let key = UntrustedText::from(key).terminal();
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        if let Some(found) = search(next, read, &path) {
            return Some(found);
        }
    }
    let mut items = value.items().into_iter().enumerate();
    items.find_map(|(index, item)| search(item, read, &format!("{path}[{index}]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_template_leaves_indexes_open() {
        let path = template_path_of;
        assert_eq!(path("spec.template.spec.containers").as_deref(), Some("spec.template"));
        assert_eq!(path("spec.acts[12].a[0].spec.containers").as_deref(), Some("spec.acts[*].a[*]"));
        for none in [
            "spec.containers",
            "spec.template.containers",
            "spec.a[b.spec.containers",
            "a..b.spec.containers",
        ] {
            assert_eq!(path(none), None, "{none}");
        }
    }

    #[test]
    fn what_was_meant_is_named_where_it_is_known() {
        assert_eq!(
            unread_template(Some("spec.template.spec"), Some("spec.template")),
            "spec.template.spec is no pod template, for it has no spec.containers: the images are not judged; did you \
             mean spec.template?"
        );
        assert!(unread_template(Some("spec"), None).ends_with(": no image is judged there"));
    }
}
