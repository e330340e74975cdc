//! Kustomizations: patches are no manifests, and images are judged as `images:` replaces them.

use tagwatch_scan::report::NoteCode;
use tagwatch_scan::{ExitStatus, FailOn};

use crate::support::{codes, folder, images, judged, message, pod, scan_files, scan_paths, scan_stdin};

const BASE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: web, image: web}
";

/// A strategic merge patch of [`BASE`] without an image.
const PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        resources: {limits: {memory: 256Mi}}
";

#[test]
fn a_base_is_judged_with_the_images_of_the_overlay() {
    let report = scan_files(&[
        ("base/deployment.yaml", BASE),
        ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        (
            "overlay/kustomization.yaml",
            "resources: [../base]\npatches: [{path: memory.yaml}]\nimages: [{name: web, newName: \
             registry.example.com/shop/web, newTag: 1.4.2}]\n",
        ),
        ("overlay/memory.yaml", PATCH),
    ]);
    assert_eq!(images(&report), ["registry.example.com/shop/web:1.4.2"]);
    assert_eq!(
        (report.images[0].place.line, report.images[0].place.column),
        (8, 28),
        "where the base names it"
    );
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(codes(&report), [NoteCode::KustomizeImage, NoteCode::Kustomize]);
    assert_eq!(
        message(&report, NoteCode::KustomizeImage),
        "web is judged as registry.example.com/shop/web:1.4.2, by the images of overlay/kustomization.yaml"
    );
    assert!(
        message(&report, NoteCode::Kustomize)
            .contains("`kustomize build FOLDER | tagwatch scan - --require-workloads`"),
        "{:?}",
        report.notes
    );
    assert_eq!((report.summary.files, report.summary.documents, report.summary.workloads), (4, 4, 1));
}

#[test]
fn a_kustomization_that_changes_nothing_needs_no_note() {
    let report = scan_files(&[("a.yaml", BASE), ("kustomization.yml", "resources: [a.yaml]\n")]);
    assert_eq!((images(&report), codes(&report)), (vec!["web"], vec![]));
}

#[test]
fn a_base_is_judged_once_for_each_distinct_result() {
    let overlay = |tag: &str| format!("resources: [../base]\nimages: [{{name: web, newTag: {tag}}}]\n");
    let (a, b) = (overlay("1.4.2"), overlay("latest"));
    let two = BASE.to_owned() + "      - {name: proxy, image: 'proxy:1.0.0'}\n";
    let report = scan_files(&[
        ("base/deployment.yaml", &two),
        ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        ("production/kustomization.yaml", &a),
        ("staging/kustomization.yaml", &a),
        ("test/kustomization.yaml", &b),
    ]);
    assert_eq!(
        images(&report),
        ["web:1.4.2", "web:latest", "proxy:1.0.0"],
        "an image that is the same is judged once"
    );
    assert_eq!(report.summary.workloads, 1);
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.rule, finding.image.raw())).collect();
    assert_eq!(found, [("latest-tag", "web:latest")]);
    assert_eq!(
        message(&report, NoteCode::KustomizeImage),
        "web is judged as web:1.4.2 and web:latest, by the images of production/kustomization.yaml and \
         staging/kustomization.yaml and test/kustomization.yaml"
    );
}

#[test]
fn inner_images_apply_first_and_components_before_those_of_their_user() {
    let report = scan_files(&[
        ("base/deployment.yaml", BASE),
        ("base/kustomization.yaml", "resources: [deployment.yaml]\nimages: [{name: web, newName: a}]\n"),
        (
            "component/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nimages: [{name: a, newName: b}]\npatches: \
             [{path: patch.yaml}]\n",
        ),
        ("component/patch.yaml", PATCH),
        (
            "overlay/Kustomization",
            "bases: [../base]\ncomponents: [../component]\nimageTags: [{name: b, newTag: 1.0.0}]\n",
        ),
    ]);
    assert_eq!(images(&report), ["b:1.0.0"]);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn patches_in_every_form_are_no_manifests() {
    for kustomization in [
        "resources: [a.yaml]\npatches: [{path: patch.yaml, target: {kind: Deployment}}]\n",
        "resources: [a.yaml]\npatchesStrategicMerge: [patch.yaml]\n",
        "resources: [a.yaml]\npatches: [patch.yaml]\n",
        "resources: [a.yaml]\npatchesJson6902: [{target: {kind: Deployment, name: web, version: v1}, path: patch.yaml}]\n",
    ] {
        let files = [("a.yaml", BASE), ("patch.yaml", PATCH), ("kustomization.yaml", kustomization)];
        let report = scan_files(&files);
        assert_eq!(images(&report), ["web"], "{kustomization}");
        assert_eq!(codes(&report), [NoteCode::Kustomize], "{kustomization}");
    }
    let partial = "spec: {template: {spec: {containers: [{name: web, resources: {}}]}}}\n";
    let report = scan_files(&[("p.yaml", partial), ("kustomization.yaml", "patches: [{path: p.yaml}]\n")]);
    assert_eq!(codes(&report), [NoteCode::Kustomize], "a target says what a patch without a kind is for");
}

#[test]
fn a_patch_directive_makes_a_patch_without_a_kustomization() {
    let text = PATCH.replace("        resources", "        $patch: delete\n        resources");
    let report = scan_stdin(&text);
    assert_eq!((images(&report).len(), codes(&report)), (0, vec![]));
    assert_eq!(images(&scan_stdin(PATCH)), [""], "without one it is a workload without an image");
}

#[test]
fn an_image_that_a_patch_sets_is_judged_as_the_kustomization_makes_it() {
    let patch = PATCH.replace("        resources", "        image: web:latest\n        resources");
    let kustomization = "resources: []\npatches: [{path: p.yaml}]\nimages: [{name: web, newName: api}]\n";
    let report = scan_files(&[("p.yaml", &patch), ("kustomization.yaml", kustomization)]);
    assert_eq!(images(&report), ["api:latest"]);
}

#[test]
fn images_in_other_patches_are_counted() {
    let operations = "\
- {op: replace, path: /spec/template/spec/containers/0/image, value: 'web:latest'}
- {op: add, path: /spec/replicas, value: 3}
- {op: add, path: /spec/template/spec/containers/0/imagePullPolicy, value: Always}
";
    let report = scan_stdin(operations);
    assert_eq!(
        (codes(&report), report.notes[0].message.as_str()),
        (
            vec![NoteCode::PatchNotJudged],
            "1 image in patches is not judged: /spec/template/spec/containers/0/image"
        )
    );
    assert_eq!(codes(&scan_stdin("- {op: add, path: /spec/replicas, value: 3}\n")), []);
    let inline = "\
patches:
- patch: |
    - {op: replace, path: /spec/template/spec/containers/0/image, value: 'web:latest'}
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    spec: {template: {spec: {containers: [{name: a, image: b}, {name: c}]}}}
patchesStrategicMerge:
- |
  apiVersion: a.io/v1
  kind: Cache
  spec: {image: d}
";
    let report = scan_files(&[("kustomization.yaml", inline)]);
    assert_eq!(
        message(&report, NoteCode::PatchNotJudged),
        "3 images in patches are not judged: patchesStrategicMerge[*], patches[*].patch"
    );
    assert_eq!(report.summary.uncovered_images, 3);
}

/// `kubectl kustomize` refuses each of these; `e2e/tests/e2e/kustomize_agrees.rs` compares it.
#[test]
fn values_that_kustomize_refuses_are_errors() {
    for (kustomization, message) in [
        (
            "images: [{name: web, newTag: 1.10}]\n",
            "images[0].newTag must be a string, found a number 1.10; put it in quotes",
        ),
        (
            "images:\n- {name: web, newTag: 7}\n",
            "images[0].newTag must be a string, found a number 7; put it in quotes",
        ),
        (
            "images: [{name: 1, newTag: a}]\n",
            "images[0].name must be a string, found a number 1; put it in quotes",
        ),
        ("images: [{name: web, digest: [a]}]\n", "images[0].digest must be a string, found a list"),
        ("images: [web]\n", "images[0] must be a mapping, found a string"),
        ("images: {web: a}\n", "images must be a list, found a mapping"),
        ("resources: a.yaml\n", "resources must be a list, found a string"),
        ("resources: [7]\n", "resources[0] must be a string, found a number 7; put it in quotes"),
    ] {
        let report = scan_files(&[("kustomization.yaml", kustomization)]);
        let errors: Vec<_> = report.notes.iter().filter(|note| note.code.is_error()).collect();
        assert_eq!(errors.len(), 1, "{kustomization}{:?}", report.notes);
        assert_eq!((errors[0].code, errors[0].message.as_str()), (NoteCode::InvalidField, message));
        assert_eq!(images(&report), [""; 0], "{kustomization}");
        assert_eq!(report.exit_status(FailOn::Never), ExitStatus::IncompleteInput);
    }
    let report = scan_files(&[("kustomization.yaml", "images:\n- name: web\n  newTag: 1.10\n")]);
    let error = report.notes.iter().find(|note| note.code.is_error()).unwrap();
    assert_eq!((error.line, error.column), (3, 11));
}

#[test]
fn images_that_flux_sets_are_judged_where_they_stand() {
    let text = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps
  images:
  - {name: web, newName: example.com/web, newTag: latest}
  - name: api
    newTag: 1.4.2
  - {name: other, newName: example.com/other}
  patches:
  - target: {kind: Deployment}
    patch: |
      - {op: replace, path: /spec/template/spec/containers/0/image, value: 'web:latest'}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: shop}
spec:
  values: {image: {repository: example.com/web, tag: 1.2.3}}
  postRenderers:
  - kustomize:
      images: [{name: example.com/web, newTag: main}]
";
    let report = scan_stdin(text);
    let places: Vec<_> = report
        .images
        .iter()
        .map(|image| {
            let place = &image.place;
            format!("{} {} {} {}", place.kind.raw(), place.name.raw(), place.field_path, image.image.raw())
        })
        .collect();
    assert_eq!(
        places,
        [
            "Kustomization apps spec.images[0] example.com/web:latest",
            "Kustomization apps spec.images[1] api:1.4.2",
            "HelmValues web spec.values.image example.com/web:1.2.3",
            "HelmRelease web spec.postRenderers[0].kustomize.images[0] example.com/web:main",
        ]
    );
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.rule, finding.place.line)).collect();
    assert_eq!(found, [("latest-tag", 7), ("floating-tag", 23)]);
    assert_eq!(
        (codes(&report), message(&report, NoteCode::PatchNotJudged)),
        (vec![NoteCode::PatchNotJudged], "1 image in patches is not judged: spec.patches[*].patch")
    );
    let number = scan_stdin(text.replace("1.4.2", "1.10"));
    assert_eq!(
        message(&number, NoteCode::InvalidField),
        "spec.images[1].newTag must be a string, found a number 1.10; put it in quotes"
    );
}

#[test]
fn only_what_is_included_is_replaced() {
    let kustomization = "resources: [a.yaml, https://example.com/b.yaml, none.yaml, folder]\nimages: [{name: web, newTag: \
                         1.0.0}]\n";
    let other = BASE.replace("name: web}\n", "name: other}\n");
    let report = scan_files(&[("a.yaml", BASE), ("b.yaml", &other), ("kustomization.yaml", kustomization)]);
    assert_eq!(images(&report), ["web:1.0.0", "web"]);
    assert_eq!(judged(&report), ["web", "other"]);
}

#[test]
fn circles_and_repeated_inclusions_end() {
    let circle =
        |other: &str| format!("resources: [../{other}, a.yaml]\nimages: [{{name: web, newTag: 1.0.0}}]\n");
    let report = scan_files(&[
        ("a/kustomization.yaml", &circle("b")),
        ("b/kustomization.yaml", &circle("a")),
        ("a/a.yaml", BASE),
        ("b/a.yaml", BASE),
        ("c/kustomization.yaml", "resources: [../a]\nimages: [{name: x}]\n"),
    ]);
    assert!(codes(&report).contains(&NoteCode::OverBudget), "{:?}", report.notes);
    // Each folder includes the next one twice: 2^40 ways to the last one.
    let twice: Vec<(String, String)> = (0..40)
        .map(|level| {
            let next = level + 1;
            (format!("{level}/kustomization.yaml"), format!("resources: [../{next}, ../{next}/]\n"))
        })
        .chain([("40/kustomization.yaml".to_owned(), "resources: [a.yaml]\n".to_owned())])
        .chain([("40/a.yaml".to_owned(), BASE.to_owned())])
        .collect();
    let mut files: Vec<(&str, &str)> =
        twice.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("top/kustomization.yaml", "resources: [../0]\nimages: [{name: web, newTag: 1.0.0}]\n"));
    let report = scan_files(&files);
    assert!(codes(&report).contains(&NoteCode::OverBudget), "{:?}", report.notes);
}

#[test]
fn too_many_entries_are_an_error() {
    let entries = "- {name: other, newTag: '1'}\n".repeat(1001);
    let report = scan_files(&[("kustomization.yaml", &format!("images:\n{entries}"))]);
    assert_eq!(codes(&report), [NoteCode::Kustomize, NoteCode::OverBudget]);
}

#[test]
fn an_object_of_another_group_in_such_a_file_is_an_object() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {path: ./apps}\n---\n";
    let report = scan_files(&[("kustomization.yaml", &format!("{flux}{BASE}"))]);
    assert_eq!((images(&report), codes(&report)), (vec!["web"], vec![]));
}

#[test]
fn an_entry_of_images_is_judged_where_it_stands_unless_a_file_of_the_scan_shows_it() {
    let entries = "resources: [RESOURCE]\nimages:\n- name: web\n  newName: example.com/web\n  newTag: latest\n- name: api\n  \
                   newTag: 1.4.2\n- {name: only, newName: other}\n- {name: '.*', newTag: '1'}\n";
    let files = folder(&[
        ("a/kustomization.yaml", &entries.replace("RESOURCE", "pod.yaml")),
        ("a/pod.yaml", &pod("web", "web")),
        ("b/kustomization.yaml", &entries.replace("RESOURCE", "https://example.com/base")),
    ]);
    let report = scan_paths(&[files.path()]);
    let images: Vec<_> = report
        .images
        .iter()
        .map(|image| format!("{} {} {}", image.place.kind.raw(), image.place.name.raw(), image.image.raw()))
        .collect();
    assert_eq!(
        images,
        [
            "Kustomization a api:1.4.2",
            "Pod web example.com/web:1",
            "Kustomization b example.com/web:latest",
            "Kustomization b api:1.4.2"
        ]
    );
    let finding = report.findings.iter().find(|finding| finding.place.kind.raw() == "Kustomization").unwrap();
    assert_eq!((finding.rule, finding.result.as_str()), ("latest-tag", "fail"));
    assert_eq!(
        (finding.place.line, finding.place.column, finding.place.field_path.as_str()),
        (5, 11, "images[0]")
    );
    assert!(finding.message.starts_with("entry web sets example.com/web:latest: "), "{}", finding.message);
}
