//! The page of the custom kinds.

use std::fmt::Write as _;

use crate::kinds::{KindEntry, custom_table};

const PREFACE: &str = "# Custom kinds

Written by `tagwatch generate docs` from the table itself.

Kinds that hold pod templates and that tagwatch reads without a declaration: in a scan by their manifests, in a cluster
once their CustomResourceDefinition is there and the rights are given. A [policy](policy.md#custom-kinds) declares
others, and takes the place of an entry here. A kind without templates is followed from pods to what they belong to.

| Group | Kind | Versions | Pod templates |
|---|---|---|---|
";

const NOT_COVERED: &str = "
Not covered, and named where they are met: Argo Workflows and Tekton (no pod templates: parameters decide what
runs), OpenKruise SidecarSet (cluster-scoped; its containers are judged in the pods that get them), Kubeflow Trainer's
TrainJob (it names a runtime; the JobSet that comes of it is judged).
";

/// The page of the built-in kinds, `docs/custom-kinds.md`.
pub fn render_kinds_markdown() -> String {
    let mut page = PREFACE.to_owned();
    for KindEntry { group, versions, kind, templates, plural: _, traits: _ } in custom_table() {
        let paths: Vec<String> = templates.iter().map(|path| format!("`{path}`")).collect();
        let versions = versions.join(", ");
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{group}` | {kind} | {versions} | {} |", paths.join("<br>"));
    }
    page.push_str(NOT_COVERED);
    page
}
