//! The place of a value in an object.

use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

/// A path such as `spec.template.spec.containers[0].image`, split at its one index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place<'a> {
    list: Vec<&'a str>,
    index: usize,
    fields: Vec<&'a str>,
}

impl<'a> Place<'a> {
    /// `None` for a path that is not that of a value in a list of containers or volumes.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let (list, rest) = path.split_once('[')?;
        let (index, fields) = rest.split_once("].")?;
        let names = |path: &'a str| -> Vec<&'a str> { path.split('.').collect() };
        let place = Self { list: names(list), index: index.parse().ok()?, fields: names(fields) };
        let is_plain =
            |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        place.list.iter().chain(&place.fields).all(is_plain).then_some(place)
    }

    /// Where the pull policy of the same container stands.
    pub(super) fn pull_policy(&self, kind: ContainerType) -> Self {
        let mut fields = self.fields.clone();
        fields.pop();
        fields.push(kind.pull_policy_field());
        Self { list: self.list.clone(), index: self.index, fields }
    }

    /// JSON pointer (RFC 6901) of the value.
    pub(super) fn image(&self) -> String {
        format!("{}/{}", self.item(), self.fields.join("/"))
    }

    /// That of the container's name.
    pub(super) fn name(&self) -> String {
        format!("{}/name", self.item())
    }

    fn item(&self) -> String {
        format!("/{}/{}", self.list.join("/"), self.index)
    }

    /// A patch as YAML, which finds the container by its name.
    pub(super) fn yaml(&self, name: &UntrustedText, value: &UntrustedText) -> String {
        let mut lines: Vec<String> = self
            .list
            .iter()
            .enumerate()
            .map(|(depth, field)| format!("{}{field}:", "  ".repeat(depth)))
            .collect();
        let depth = self.list.len() - 1;
        lines.push(format!("{}- name: {}", "  ".repeat(depth), name.yaml()));
        for (at, field) in self.fields.iter().enumerate() {
            let is_last = at + 1 == self.fields.len();
            let value = if is_last { format!(" {}", value.yaml()) } else { String::new() };
            lines.push(format!("{}{field}:{value}", "  ".repeat(depth + 1 + at)));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_in_both_forms() {
        let place = Place::parse("spec.template.spec.containers[2].image").unwrap();
        assert_eq!(place.image(), "/spec/template/spec/containers/2/image");
        assert_eq!(place.name(), "/spec/template/spec/containers/2/name");
        assert_eq!(
            place.yaml(&"web".into(), &"nginx:1.27".into()),
            "spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: nginx:1.27\n"
        );
    }

    #[test]
    fn an_image_volume_has_fields_of_its_own() {
        let place = Place::parse("spec.volumes[0].image.reference").unwrap();
        let pull_policy = place.pull_policy(ContainerType::ImageVolume);
        assert_eq!(pull_policy.image(), "/spec/volumes/0/image/pullPolicy");
        assert_eq!(
            pull_policy.yaml(&"models".into(), &"Always".into()),
            "spec:\n  volumes:\n  - name: models\n    image:\n      pullPolicy: Always\n"
        );
    }

    #[test]
    fn anything_else_is_no_place() {
        for path in ["", "spec.image", "spec.containers[x].image", "a/b[0].c", "a[0]", "spec.~[0].image"] {
            assert_eq!(Place::parse(path), None, "{path}");
        }
    }
}
