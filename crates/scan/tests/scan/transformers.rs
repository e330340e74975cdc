//! Transformers of kustomizations: their patches are patches and their images are applied, as those of the kustomization.

use tagwatch_scan::report::NoteCode;
use tagwatch_scan::{ExitStatus, FailOn};

use crate::support::{folder, images, message, scan_files, scan_paths};

const BASE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: web, image: 'web:1.0.0'}
";

/// A strategic merge patch of [`BASE`] that adds a container.
const PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: web, resources: {limits: {memory: 256Mi}}}
      - {name: side, image: 'side:1.0.0'}
";

fn builtin(kind: &str, fields: &str) -> String {
    format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: t}}\n{fields}\n")
}

/// `e2e/tests/e2e/transformers_agree.rs` compares each with `kubectl kustomize`.
#[test]
fn patches_of_transformers_are_no_manifests() {
    for transformer in [
        builtin("PatchTransformer", "path: patch.yaml\ntarget: {kind: Deployment}"),
        builtin("PatchStrategicMergeTransformer", "paths: [patch.yaml]"),
    ] {
        let inline = format!("- |\n  {}", transformer.trim_end().replace('\n', "\n  "));
        let in_folder = "resources: [t.yaml]\n";
        for (transformers, files) in [
            (" [t.yaml]", vec![("t.yaml", transformer.as_str())]),
            (" [folder]", vec![("folder/t.yaml", &transformer), ("folder/kustomization.yaml", in_folder)]),
            (inline.as_str(), vec![]),
        ] {
            let kustomization = format!("resources: [a.yaml]\ntransformers:\n{transformers}\n");
            let mut all =
                vec![("a.yaml", BASE), ("patch.yaml", PATCH), ("kustomization.yaml", &kustomization)];
            all.extend(files);
            let report = scan_files(&all);
            assert_eq!(images(&report), ["web:1.0.0", "side:1.0.0"], "{kustomization}");
            assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean, "{:?}", report.notes);
            assert!(message(&report, NoteCode::Kustomize).contains("patches are read as patches"));
        }
    }
}

#[test]
fn images_in_texts_of_transformers_are_counted() {
    let operations = "[{op: add, path: /spec/template/spec/containers/-, value: {name: a, image: b}}, {op: replace, path: \
                      /spec/template/spec/containers/0/image, value: c}]";
    let patch = "spec: {template: {spec: {containers: [{name: a, image: b}, {name: c, image: d}]}}}";
    for (kind, fields, path) in [
        ("PatchTransformer", format!("patch: |\n  {operations}"), "patch"),
        ("PatchTransformer", format!("target: {{kind: Deployment}}\npatch: |\n  {patch}"), "patch"),
        ("PatchJson6902Transformer", format!("jsonOp: |\n  {operations}"), "jsonOp"),
        ("PatchStrategicMergeTransformer", format!("patches: |\n  {patch}"), "patches"),
        ("PatchStrategicMergeTransformer", format!("paths:\n- |\n  {patch}\n"), "paths[*]"),
    ] {
        let text = builtin(kind, &fields);
        let report = scan_files(&[("t.yaml", &text), ("kustomization.yaml", "transformers: [t.yaml]\n")]);
        assert_eq!(
            message(&report, NoteCode::PatchNotJudged),
            format!("2 images in patches are not judged: {path}"),
            "{text}"
        );
        assert_eq!(report.summary.uncovered_images, 2);
    }
    let replacement = "replacements:\n- source: {kind: ConfigMap, name: c, fieldPath: data.image}\n  targets:\n  - select: {kind: \
                       Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=web].image', spec.replicas]\n";
    for (name, text) in [
        ("kustomization.yaml", replacement.to_owned()),
        ("t.yaml", builtin("ReplacementTransformer", replacement)),
        ("r.yaml", replacement.replace("replacements:\n", "")),
        ("r.yaml", replacement.replace("replacements:\n- ", "  ")),
    ] {
        let report = scan_files(&[(name, &text)]);
        assert_eq!(
            message(&report, NoteCode::PatchNotJudged),
            "1 image that replacements set is not judged: spec.template.spec.containers.[name=web].image",
            "{text}"
        );
        assert!(!report.notes.iter().any(|note| note.code == NoteCode::NotKubernetesObject), "{text}");
    }
}

#[test]
fn an_image_transformer_is_applied_after_the_images_of_its_kustomization() {
    let transformer = |fields: &str| builtin("ImageTagTransformer", fields);
    let tag = transformer("imageTag: {name: api, newTag: '2.0.0'}");
    let report = scan_files(&[
        ("base/a.yaml", BASE),
        ("base/kustomization.yaml", "resources: [a.yaml]\n"),
        (
            "overlay/kustomization.yaml",
            "resources: [../base]\nimages: [{name: web, newName: api}]\ntransformers: [tag.yaml]\n",
        ),
        ("overlay/tag.yaml", &tag),
    ]);
    assert_eq!(images(&report), ["api:2.0.0"]);
    assert_eq!(
        message(&report, NoteCode::KustomizeImage),
        "web:1.0.0 is judged as api:2.0.0, by the images of overlay/kustomization.yaml"
    );
    // It has no fields of its own, unlike a kustomization, which adds the suffix twice.
    let suffix = transformer("imageTag: {name: web, tagSuffix: -x}");
    let specs = "fieldSpecs: [{path: 'spec/template/spec/containers[]/image', kind: KIND}]";
    for (fields, image) in
        [("", "web:1.0.0-x"), ("Deployment", "web:1.0.0-x-x"), ("StatefulSet", "web:1.0.0-x")]
    {
        let specs = if fields.is_empty() { String::new() } else { specs.replace("KIND", fields) };
        let report = scan_files(&[
            ("a.yaml", BASE),
            ("t.yaml", &format!("{suffix}{specs}\n")),
            ("kustomization.yaml", "resources: [a.yaml]\ntransformers: [t.yaml]\n"),
        ]);
        assert_eq!(images(&report), [image], "{fields}");
    }
}

#[test]
fn a_transformer_changes_what_those_before_it_add() {
    let patch = builtin("PatchTransformer", "path: patch.yaml");
    let tag = builtin("ImageTagTransformer", "imageTag: {name: side, newTag: '2.0.0'}");
    let inline = |text: &str| format!("- |\n  {}\n", text.trim_end().replace('\n', "\n  "));
    for (transformers, side) in [
        (" [p.yaml, t.yaml]\n".to_owned(), "side:2.0.0"),
        (" [t.yaml, p.yaml]\n".to_owned(), "side:1.0.0"),
        (inline(&patch) + &inline(&tag), "side:2.0.0"),
        (inline(&tag) + &inline(&patch), "side:1.0.0"),
        // Texts come before files.
        ("- p.yaml\n".to_owned() + &inline(&tag), "side:1.0.0"),
    ] {
        let kustomization = format!("resources: [a.yaml]\ntransformers:\n{transformers}");
        let mut files = vec![("a.yaml", BASE), ("patch.yaml", PATCH), ("kustomization.yaml", &kustomization)];
        files.extend([("p.yaml", patch.as_str()), ("t.yaml", tag.as_str())]);
        let named =
            |(file, _): &(&str, &str)| file.len() > 6 || kustomization.contains(file) || *file == "a.yaml";
        files.retain(named);
        let mut found = images(&scan_files(&files)).into_iter().map(str::to_owned).collect::<Vec<_>>();
        // A transformer that changes nothing is judged where it stands.
        found.retain(|image| image != "side:2.0.0" || side == "side:2.0.0");
        assert_eq!(found, ["web:1.0.0", side], "{kustomization}");
    }
}

#[test]
fn an_image_transformer_that_changes_nothing_of_the_scan_is_judged_where_it_stands() {
    let text = builtin("ImageTagTransformer", "imageTag:\n  name: web\n  newTag: latest");
    let indented = text.trim_end().replace('\n', "\n  ");
    let inline = format!("transformers:\n- |\n  {indented}\n");
    let remote = "resources: [https://example.com/base]\ntransformers: [t.yaml]\n";
    for (files, kind, line) in [
        (vec![("t.yaml", text.as_str())], "ImageTagTransformer", 6),
        (vec![("t.yaml", &text), ("kustomization.yaml", remote)], "ImageTagTransformer", 6),
        (vec![("kustomization.yaml", &inline)], "Kustomization", 3),
    ] {
        let report = scan_files(&files);
        assert_eq!(images(&report), ["web:latest"], "{files:?}");
        let finding = &report.findings[0];
        assert_eq!(
            (finding.rule, finding.place.kind.raw(), finding.place.line),
            ("latest-tag", kind, line),
            "{files:?}"
        );
    }
}

#[test]
fn values_of_a_chart_are_judged_as_values() {
    let values = "name: web\nreleaseName: shop\nvaluesInline:\n  image: {repository: example.com/web, tag: latest}\n  extra: |\n    \
                  containers: [{name: a, image: b}]\n";
    let chart = values.trim_end().replace('\n', "\n  ");
    for (name, text, path) in [
        ("kustomization.yaml", format!("helmCharts:\n- {chart}\n"), "helmCharts[0].valuesInline.image"),
        ("t.yaml", builtin("HelmChartInflationGenerator", values), "valuesInline.image"),
    ] {
        let report = scan_files(&[(name, &text)]);
        let place = &report.images[0].place;
        assert_eq!(
            (place.kind.raw(), place.name.raw(), place.field_path.as_str()),
            ("HelmValues", "shop", path)
        );
        let results: Vec<_> =
            report.findings.iter().map(|finding| (finding.rule, finding.result.as_str())).collect();
        assert_eq!(results, [("latest-tag", "warn")]);
        assert_eq!(
            message(&report, NoteCode::KindNotCovered),
            "1 image of kind HelmValues is not judged: extra"
        );
    }
}

#[test]
fn one_note_names_what_is_not_followed() {
    let report = scan_files(&[
        ("a.yaml", BASE),
        (
            "kustomization.yaml",
            "resources: [a.yaml, https://example.com/base]\nvars: []\nconfigurations: [c.yaml]\ngenerators: [g.yaml]\n",
        ),
        ("other/kustomization.yaml", "resources: [../none]\nvars: []\n"),
        ("g.yaml", "apiVersion: example.com/v1\nkind: Generator\nspec: {image: a}\n"),
    ]);
    assert_eq!(
        message(&report, NoteCode::Kustomize),
        "2 kustomizations, this one is the first, change what will run: patches are read as patches, and entries of images are \
         applied to the files that are included; not followed: configurations (1), generators (1), vars (2), 2 paths are not \
         among the inputs, such as ../none; `kustomize build FOLDER | tagwatch scan - --require-workloads` checks the result \
         itself"
    );
    let remote =
        scan_files(&[("a.yaml", BASE), ("kustomization.yaml", "resources: [a.yaml, github.com/a/b]\n")]);
    assert_eq!(
        message(&remote, NoteCode::Kustomize),
        "not followed: 1 path is not among the inputs, github.com/a/b; `kustomize build FOLDER | tagwatch scan - \
         --require-workloads` checks the result itself"
    );
}

/// A folder of patches alone, and one of them alone.
#[test]
fn a_kustomization_above_says_that_a_file_is_a_patch() {
    let patch = "spec: {template: {spec: {containers: [{name: web, resources: {}}]}}}\n";
    let patch = format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n{patch}");
    let transformer = builtin("PatchTransformer", "path: patches/memory.yaml");
    for (kustomization, transformer_at) in [
        ("patches: [{path: patches/memory.yaml}]\n", "other.yaml"),
        ("transformers: [t.yaml]\n", "t.yaml"),
        ("transformers: [t]\n", "t/t.yaml"),
    ] {
        let files = folder(&[
            (".git/HEAD", ""),
            ("overlay/kustomization.yaml", kustomization),
            ("overlay/t/kustomization.yaml", "resources: [t.yaml]\n"),
            (&format!("overlay/{transformer_at}"), &transformer),
            ("overlay/patches/memory.yaml", &patch),
            ("overlay/patches/broken.yaml", &patch),
        ]);
        let overlay = files.path().join("overlay/patches");
        let alone = scan_paths(&[&overlay.join("memory.yaml")]);
        assert_eq!((images(&alone).len(), alone.exit_status(FailOn::Warn)), (0, ExitStatus::Clean));
        assert_eq!(
            message(&alone, NoteCode::Kustomize),
            "read as a patch, since overlay/kustomization.yaml above names it as one; scan that folder to see what it changes"
        );
        let both = scan_paths(&[&overlay]);
        let found: Vec<_> =
            both.findings.iter().map(|finding| finding.place.file.raw().ends_with("broken.yaml")).collect();
        assert_eq!(found, [true], "what nothing names is a manifest: {kustomization}");
    }
}

#[test]
fn a_kustomization_outside_of_the_repository_says_nothing() {
    let patch = PATCH.replace("      - {name: side, image: 'side:1.0.0'}\n", "");
    let files = folder(&[
        ("kustomization.yaml", "patches: [{path: repository/patch.yaml}]\n"),
        ("repository/.git/HEAD", ""),
        ("repository/patch.yaml", &patch),
    ]);
    let report = scan_paths(&[&files.path().join("repository")]);
    assert_eq!(images(&report), [""]);
}

/// A script adds it by `kustomize edit add patch`.
#[test]
fn a_file_beside_a_kustomization_that_does_not_include_it_is_a_patch() {
    let patch = PATCH.replace("      - {name: side, image: 'side:1.0.0'}\n", "");
    for (kustomization, lacking) in [("resources: []\n", 0), ("resources: [patch.yaml]\n", 1)] {
        let files =
            folder(&[(".git/HEAD", ""), ("a/kustomization.yaml", kustomization), ("a/patch.yaml", &patch)]);
        let report = scan_paths(&[&files.path().join("a")]);
        assert_eq!(images(&report).len(), lacking, "{kustomization}");
        if lacking == 0 {
            assert_eq!(
                message(&report, NoteCode::Kustomize),
                "read as a patch, since a container lacks an image and a/kustomization.yaml beside it does not include it"
            );
        }
    }
}
