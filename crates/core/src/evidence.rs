//! The place that a finding is about, as a snippet of YAML: the same in reports and in `scan -o json`.

use crate::text::UntrustedText;
use crate::workload::{Container, ContainerType};

/// Longest snippet in bytes (`reports.md`, "Bounds").
pub const MAX_BYTES: usize = 2048;

// What the values may take of it, quotes and escapes included. Keys, indents and three cut marks take less
// than the 300 bytes that remain.
const MAX_NAME: usize = 300;
const MAX_IMAGE: usize = 1300;
const MAX_PULL_POLICY: usize = 148;

/// The list that holds the container, with its name, its image and its pull policy as written.
///
/// It is valid YAML whatever the cluster or the manifest holds: values that could be read as anything but
/// text are quoted and escaped. A value too long to fit is cut, and a comment beside it says so.
pub fn snippet(container: &Container) -> String {
    let kind = container.container_type;
    let mut lines = vec![format!("{}:", kind.list_field())];
    lines.push(format!("- name: {}", value(&container.name, MAX_NAME)));
    let indent = if kind == ContainerType::ImageVolume {
        lines.push("  image:".to_owned());
        "    "
    } else {
        "  "
    };
    lines.push(format!("{indent}{}: {}", kind.image_field(), value(&container.image, MAX_IMAGE)));
    if let Some(policy) = &container.pull_policy {
        lines.push(format!("{indent}{}: {}", kind.pull_policy_field(), value(policy, MAX_PULL_POLICY)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A scalar of at most `max` bytes, or its head with a mark that says so.
pub(crate) fn value(text: &UntrustedText, max: usize) -> String {
    // A scalar is never shorter than its text.
    if text.raw().len() <= max {
        let scalar = text.yaml();
        if scalar.len() <= max {
            return scalar;
        }
    }
    format!("{} # cut: {} characters in all", text.yaml_head(max), text.raw().chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(kind: ContainerType, image: &str, pull_policy: Option<&str>) -> Container {
        Container {
            name: "web".into(),
            container_type: kind,
            image: image.into(),
            pull_policy: pull_policy.map(Into::into),
            field_path: String::new(),
            observed: None,
            drift: None,
        }
    }

    #[test]
    fn shows_what_is_written_where_it_is_written() {
        assert_eq!(
            snippet(&container(ContainerType::Sidecar, "nginx:latest", Some("Always"))),
            "initContainers:\n- name: web\n  image: nginx:latest\n  imagePullPolicy: Always\n"
        );
        assert_eq!(
            snippet(&container(ContainerType::ImageVolume, "models:1", None)),
            "volumes:\n- name: web\n  image:\n    reference: models:1\n"
        );
    }

    #[test]
    fn a_cut_says_so_and_keeps_the_limit() {
        for filler in ["a", "ü", "\u{1b}", "\u{e0001}", "\"", "1"] {
            let mut long =
                container(ContainerType::ImageVolume, &filler.repeat(9000), Some(&filler.repeat(999)));
            long.name = filler.repeat(100_000).into();
            let yaml = snippet(&long);
            assert!(yaml.len() <= MAX_BYTES, "{} bytes", yaml.len());
            assert!(yaml.contains("# cut: 9000 characters in all"), "{yaml}");
            assert!(yaml.len() > MAX_BYTES * 3 / 4, "cut too early: {} bytes", yaml.len());
        }
    }
}
