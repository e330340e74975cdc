//! Evidence of a finding, as a snippet of YAML: the same in reports and in `scan -o json`.

mod drift;

use std::fmt::Write as _;

use crate::drift::{DriftEvidence, OlderRevision};
use crate::pull_policy::PullPolicy;
use crate::reference;
use crate::text::UntrustedText;
use crate::workload::{Container, ContainerType, Origin};
pub use drift::drift_snippet;

/// Longest snippet in bytes (docs/design/reports.md, "Shape").
pub const MAX_BYTES: usize = 2048;

// Most bytes of each value, quotes and escapes included. Keys, indents and three cut marks take less than the 300
// bytes that remain.
const MAX_NAME: usize = 300;
const MAX_IMAGE: usize = 1300;
const MAX_PULL_POLICY: usize = 148;

/// Longest name of a pod, a node or a pod's image that is shown; Kubernetes allows 253 characters in a name.
pub(crate) const MAX_SHOWN: usize = 260;
/// Marks a snippet whose rest did not fit.
const CUT: &str = "# cut: there is more\n";

/// The list that holds the container, with its name, its image and its pull policy as written. Below it follows what
/// its pods have instead, where that is known.
///
/// It is valid YAML for any input: values that could be read as anything but text are quoted and escaped. A value too
/// long to fit is cut, and a comment beside it says so.
pub fn snippet(container: &Container) -> String {
    let kind = container.container_type;
    let mut out = Lines::default();
    let (holder, is_listed) = holder(container);
    out.line(0, &format!("{holder}:"));
    if is_listed {
        out.line(0, &format!("- name: {}", value(&container.name, MAX_NAME)));
    }
    let indent = if kind == ContainerType::ImageVolume {
        out.line(1, "image:");
        2
    } else {
        1
    };
    out.line(indent, &format!("{}: {}", kind.image_field(), value(&container.image, MAX_IMAGE)));
    if let Some(policy) = &container.pull_policy {
        out.line(indent, &format!("{}: {}", kind.pull_policy_field(), value(policy, MAX_PULL_POLICY)));
    }
    pods_differ(&mut out, container, container.drift.as_deref());
    out.finish()
}

/// The same for a container of a file, as it is written there.
pub fn written_snippet(origin: Origin, container: &Container) -> String {
    let mut out = Lines::default();
    let indent = match origin {
        Origin::Cluster | Origin::Manifest => return snippet(container),
        Origin::Compose(_) => {
            out.line(0, "services:");
            out.line(1, &format!("{}:", value(&container.name, MAX_NAME)));
            2
        }
        Origin::HelmValues | Origin::Kustomization => 0,
    };
    out.line(indent, &format!("image: {}", value(&container.image, MAX_IMAGE)));
    if let Some(policy) = &container.pull_policy {
        let field = origin.pull_policy_field(container.container_type);
        out.line(indent, &format!("{field}: {}", value(policy, MAX_PULL_POLICY)));
    }
    out.finish()
}

/// The field that holds a container, and whether it is a list. Not every kind keeps its containers in the lists of a pod
/// spec: the path says it.
fn holder(container: &Container) -> (&str, bool) {
    let listed = (container.container_type.list_field(), true);
    let Some(path) = container.field_path.strip_suffix(".image") else { return listed };
    let last = path.rsplit('.').next().unwrap_or_default();
    let (field, is_listed) = last.split_once('[').map_or((last, false), |(field, _)| (field, true));
    let is_field = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_field { (field, is_listed) } else { listed }
}

/// What live pods have in place of the image and the pull policy of the container.
pub(crate) fn pods_differ(out: &mut Lines, container: &Container, drift: Option<&DriftEvidence>) {
    if let Some(image) = drift.and_then(|drift| drift.template_image.as_ref()) {
        out.line(0, &format!("templateImage: {}", value(image, MAX_SHOWN)));
    }
    if let Some(older) = drift.and_then(|drift| drift.older_revision.as_ref()) {
        let OlderRevision { owner: _, namespace: _, kind, name, revision, is_rolled_out, has_started } =
            older;
        out.line(0, "olderRevision:");
        out.line(1, &format!("kind: {}", value(kind, MAX_SHOWN)));
        out.line(1, &format!("name: {}", value(name, MAX_SHOWN)));
        out.line(1, &format!("revision: {revision}"));
        out.line(1, &format!("pods: {}", if *has_started { "started" } else { "waiting" }));
        out.line(1, &format!("rollout: {}", if *is_rolled_out { "complete" } else { "unfinished" }));
    }
    let others = drift.map(|drift| drift.other_images.as_slice()).unwrap_or_default();
    if !others.is_empty() {
        out.line(0, "podsImages:");
    }
    for image in others {
        out.line(0, &format!("- {}", value(image, MAX_SHOWN)));
    }
    let Some(observed) = container.observed else { return };
    let carried = if container.effective_pull_policy() == PullPolicy::Always {
        if observed.all_always() { None } else { Some("other than Always") }
    } else {
        Some("Always").filter(|_| observed.always > 0)
    };
    if let Some(carried) = carried.filter(|_| observed.pods > 0) {
        let some = if observed.is_divided() { "some " } else { "" };
        out.line(0, &format!("podsPullPolicy: {some}{carried}"));
    }
}

/// Lines of a snippet, up to [`MAX_BYTES`].
#[derive(Default)]
pub(crate) struct Lines {
    text: String,
    is_cut: bool,
}

impl Lines {
    /// Adds a line, unless it or one before it did not fit.
    pub(crate) fn line(&mut self, indent: usize, line: &str) {
        let length = 2 * indent + line.len() + 1;
        self.is_cut = self.is_cut || self.text.len() + length + CUT.len() > MAX_BYTES;
        if !self.is_cut {
            // Writing to a string cannot fail.
            let _ = writeln!(self.text, "{:1$}{line}", "", 2 * indent);
        }
    }

    /// The text, with a mark where it was cut.
    pub(crate) fn finish(self) -> String {
        let mark = if self.is_cut { CUT } else { "" };
        self.text + mark
    }
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
    let head = text.yaml_head(max);
    // A cluster's objects are kept without the rest of a longer one.
    if text.raw().len() > reference::MAX_BYTES {
        return format!("{head} # cut: more than {} bytes in all", reference::MAX_BYTES);
    }
    format!("{head} # cut: {} characters in all", text.raw().chars().count())
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
    fn the_path_says_which_field_holds_the_container() {
        let snippet_at = |kind, path: &str| {
            snippet(&Container { field_path: path.to_owned(), ..container(kind, "golang", None) })
        };
        for (kind, path, expected) in [
            (ContainerType::Container, "spec.steps[0].image", "steps:\n- name: web\n  image: golang\n"),
            (ContainerType::Sidecar, "spec.sidecars[2].image", "sidecars:\n- name: web\n  image: golang\n"),
            (ContainerType::Container, "spec.templates[0].script.image", "script:\n  image: golang\n"),
            (ContainerType::Container, "spec.image", "spec:\n  image: golang\n"),
            (ContainerType::Container, "a.\\u{1b}[0].image", "containers:\n- name: web\n  image: golang\n"),
        ] {
            assert_eq!(snippet_at(kind, path), expected, "{path}");
        }
    }

    #[test]
    fn says_what_pods_have_instead() {
        let observed = |pods, always| Some(crate::workload::ObservedPods { pods, always, by_digest: 0 });
        let drift = crate::drift::DriftEvidence {
            other_images: vec!["nginx:1.26".into()],
            ..crate::drift::DriftEvidence::default()
        };
        let mut web = container(ContainerType::Container, "nginx:1.27", Some("Always"));
        web.observed = observed(2, 0);
        web.drift = Some(drift.into());
        assert_eq!(
            snippet(&web),
            "containers:\n- name: web\n  image: nginx:1.27\n  imagePullPolicy: Always\npodsImages:\n- nginx:1.26\n\
             podsPullPolicy: other than Always\n"
        );
        web.observed = observed(2, 1);
        assert!(snippet(&web).ends_with("podsPullPolicy: some other than Always\n"));
        web.pull_policy = Some("IfNotPresent".into());
        assert!(snippet(&web).ends_with("podsPullPolicy: some Always\n"));
        for same in [observed(2, 0), observed(0, 0), None] {
            web.observed = same;
            assert!(!snippet(&web).contains("podsPullPolicy"));
        }
    }

    #[test]
    fn a_cut_says_so_and_keeps_the_limit() {
        for filler in ["a", "ü", "\u{1b}", "\u{e0001}", "\"", "1"] {
            let mut long =
                container(ContainerType::ImageVolume, &filler.repeat(9000), Some(&filler.repeat(999)));
            long.name = filler.repeat(100_000).into();
            let yaml = snippet(&long);
            assert!(yaml.len() <= MAX_BYTES, "{} bytes", yaml.len());
            assert!(yaml.contains("# cut: more than 4096 bytes in all"), "{yaml}");
            assert!(yaml.contains("# cut: 999 characters in all"), "{yaml}");
            assert!(yaml.len() > MAX_BYTES * 3 / 4, "cut too early: {} bytes", yaml.len());
        }
    }
}
