//! The page of the custom kinds.

use std::fmt::Write as _;

use crate::kinds::{ContainerSchema, KindEntry, custom_table, manifest_table};

const PREFACE: &str = "# Custom kinds

Written by `tagwatch generate docs` from the table itself.

Kinds that hold pod templates and that tagwatch reads without a declaration: in a scan by their manifests, in a cluster
once their CustomResourceDefinition is there and the rights are given. A [policy](policy.md#custom-kinds) declares
others, and takes the place of an entry here. A kind without templates is followed from pods to what they belong to.

| Group | Kind | Versions | Pod templates |
|---|---|---|---|
";

const FORMS: &str = "
## Kinds that are read in manifests alone

They describe containers in a form of their own instead of a pod template: steps, scripts, sidecars, single images. A
scan checks each image at the paths below; `…` stands for the same form again, as deep as it goes. In a cluster,
their pods are reported under the object that controls them.

| Group | Kind | Versions | Images |
|---|---|---|---|
";

const NOT_COVERED: &str = "
A scan does not check an image that holds a parameter (`{{inputs.parameters.image}}`, `$(params.image)`): the parameter
decides what runs. One note for each kind and file counts these images, and another one all images of other kinds.

Not covered: manifests in texts, such as the `manifest` of an Argo resource template; OpenKruise SidecarSet
(cluster-scoped; its containers are judged in the pods that get them), Kubeflow Trainer's TrainJob (it names a runtime;
the JobSet that comes of it is judged).
";

/// The page of the built-in kinds, `docs/custom-kinds.md`.
pub fn render_kinds_markdown() -> String {
    let mut page = PREFACE.to_owned();
    for entry in custom_table() {
        push_row(&mut page, entry, entry.templates);
    }
    page.push_str(FORMS);
    for entry in manifest_table() {
        push_row(&mut page, entry, &entry.containers.map_or_else(Vec::new, ContainerSchema::paths));
    }
    page.push_str(NOT_COVERED);
    page
}

fn push_row(page: &mut String, entry: &KindEntry, paths: &[impl AsRef<str>]) {
    let KindEntry { group, versions, kind, .. } = entry;
    let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.as_ref())).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(page, "| `{group}` | {kind} | {} | {} |", versions.join(", "), paths.join("<br>"));
}
