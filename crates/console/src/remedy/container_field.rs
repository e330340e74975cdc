//! The path of a field in an object.

use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

/// A path such as `spec.template.spec.containers[0].image`, split after its last index: the path of a container or
/// volume, and that of a field in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerField<'a> {
    item: Vec<Step<'a>>,
    fields: Vec<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

impl<'a> ContainerField<'a> {
    /// `None` unless the path leads to a field of an item of a list.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let mut item = Vec::new();
        let mut fields = Vec::new();
        for segment in path.split('.') {
            let (name, index) = match segment.split_once('[') {
                Some((name, rest)) => (name, Some(rest.strip_suffix(']')?.parse().ok()?)),
                None => (segment, None),
            };
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_plain) {
                return None;
            }
            fields.push(name);
            if let Some(index) = index {
                item.extend(fields.drain(..).map(Step::Field));
                item.push(Step::Item(index));
            }
        }
        (!item.is_empty() && !fields.is_empty()).then_some(Self { item, fields })
    }

    /// The path of the same container's pull policy.
    pub(super) fn pull_policy(&self, kind: ContainerType) -> Self {
        let mut fields = self.fields.clone();
        fields.pop();
        fields.push(kind.pull_policy_field());
        Self { item: self.item.clone(), fields }
    }

    /// JSON pointer (RFC 6901) of the field.
    pub(super) fn pointer(&self) -> String {
        format!("{}/{}", self.item(), self.fields.join("/"))
    }

    /// JSON pointer of the container's name.
    pub(super) fn name_pointer(&self) -> String {
        format!("{}/name", self.item())
    }

    fn item(&self) -> String {
        let step = |step: &Step<'_>| match step {
            Step::Field(name) => format!("/{name}"),
            Step::Item(index) => format!("/{index}"),
        };
        self.item.iter().map(step).collect()
    }

    /// The manifest with this field, as YAML. A comment gives the index in lists around the container.
    pub(super) fn yaml(&self, name: &UntrustedText, value: &UntrustedText) -> String {
        let indent = |depth: usize| "  ".repeat(depth);
        let (mut lines, mut depth) = (Vec::new(), 0_usize);
        for (at, step) in self.item.iter().enumerate() {
            let outer = indent(depth.saturating_sub(1));
            match step {
                Step::Field(field) => {
                    lines.push(format!("{}{field}:", indent(depth)));
                    depth += 1;
                }
                Step::Item(_) if at + 1 == self.item.len() => {
                    lines.push(format!("{outer}- name: {}", name.yaml()));
                }
                Step::Item(index) => {
                    lines.push(format!("{outer}- # the item at {index}, counted from 0"));
                }
            }
        }
        for (at, field) in self.fields.iter().enumerate() {
            let is_last = at + 1 == self.fields.len();
            let value = if is_last { format!(" {}", value.yaml()) } else { String::new() };
            lines.push(format!("{}{field}:{value}", indent(depth + at)));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_pointer_and_yaml() {
        let path = ContainerField::parse("spec.template.spec.containers[2].image").unwrap();
        assert_eq!(path.pointer(), "/spec/template/spec/containers/2/image");
        assert_eq!(path.name_pointer(), "/spec/template/spec/containers/2/name");
        assert_eq!(
            path.yaml(&"web".into(), &"nginx:1.27".into()),
            "spec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: nginx:1.27\n"
        );
    }

    #[test]
    fn an_image_volume_has_fields_of_its_own() {
        let path = ContainerField::parse("spec.volumes[0].image.reference").unwrap();
        let pull_policy = path.pull_policy(ContainerType::ImageVolume);
        assert_eq!(pull_policy.pointer(), "/spec/volumes/0/image/pullPolicy");
        assert_eq!(
            pull_policy.yaml(&"models".into(), &"Always".into()),
            "spec:\n  volumes:\n  - name: models\n    image:\n      pullPolicy: Always\n"
        );
    }

    #[test]
    fn a_template_can_be_in_a_list_or_in_a_mapping() {
        let path = ContainerField::parse("spec.jobs[1].template.spec.containers[0].image").unwrap();
        assert_eq!(path.pointer(), "/spec/jobs/1/template/spec/containers/0/image");
        assert_eq!(
            path.yaml(&"web".into(), &"nginx:1.27".into()),
            "spec:\n  jobs:\n  - # the item at 1, counted from 0\n    template:\n      spec:\n        containers:\n        \
             - name: web\n          image: nginx:1.27\n"
        );
        let path = ContainerField::parse("spec.roles.Work-er_2.template.spec.containers[0].image").unwrap();
        assert_eq!(path.pointer(), "/spec/roles/Work-er_2/template/spec/containers/0/image");
    }

    #[test]
    fn other_paths_are_rejected() {
        for path in [
            "",
            "spec.image",
            "spec.containers[x].image",
            "a/b[0].c",
            "a[0]",
            "spec.~[0].image",
            "spec..a[0].image",
            "a[0]b.c",
            "a[0][1].c",
            "[0].c",
        ] {
            assert_eq!(ContainerField::parse(path), None, "{path}");
        }
    }
}
