//! What a scan does not judge: it says so, and counts it.

use tagwatch_scan::output::{self, Format, Style};
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{ExitStatus, FailOn};

use crate::support::{folder, judged, notes, pod, scan_paths, scan_requiring, scan_stdin};

/// Messages of notes with this code.
fn messages<'r>(report: &'r ScanReport, code: &str) -> Vec<&'r str> {
    let notes = report.notes.iter().filter(|note| note.code.as_str() == code);
    notes.map(|note| note.message.as_str()).collect()
}

/// The lines behind the findings.
fn last_lines(report: &ScanReport) -> Vec<String> {
    let mut out = Vec::new();
    output::write(Format::Table, report, FailOn::default(), &mut out, Style::default()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let (_, last) = text.rsplit_once("\n\n").unwrap_or(("", &text));
    last.lines().map(str::to_owned).collect()
}

const WORKFLOWS: &str = r#"
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: nightly}
spec:
  schedule: "0 2 * * *"
  workflowSpec:
    entrypoint: main
    templates:
    - name: main
      container: {image: "registry.example.com/jobs/report:latest"}
      sidecars: [{name: cache, image: "redis:7"}]
    - name: check
      script: {image: "python", source: "print(1)"}
---
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: build}
spec:
  stepTemplate: {image: "registry.example.com/ci/base:latest"}
  steps:
  - {name: compile, image: "golang"}
  sidecars:
  - {name: registry, image: "registry:2"}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: main}
spec: {image: "quay.io/prometheus/prometheus:latest"}
---
apiVersion: ops.example.com/v1
kind: Cache
metadata: {name: main}
spec: {nodes: [{store: {image: "registry.example.com/cache:latest"}}]}
"#;

#[test]
fn images_outside_of_pod_templates_are_judged_by_path() {
    let report = scan_stdin(WORKFLOWS);
    let images: Vec<_> = report
        .images
        .iter()
        .map(|image| {
            let place = &image.place;
            (place.container.raw(), place.container_type.as_str(), place.field_path.as_str())
        })
        .collect();
    assert_eq!(
        images,
        [
            ("main", "container", "spec.workflowSpec.templates[0].container.image"),
            ("cache", "sidecar", "spec.workflowSpec.templates[0].sidecars[0].image"),
            ("check", "container", "spec.workflowSpec.templates[1].script.image"),
            ("stepTemplate", "container", "spec.stepTemplate.image"),
            ("compile", "container", "spec.steps[0].image"),
            ("registry", "sidecar", "spec.sidecars[0].image"),
            ("prometheus", "container", "spec.image"),
        ]
    );
    assert_eq!(
        messages(&report, "kind-not-covered"),
        ["1 image of kind Cache (ops.example.com/v1) is not judged: spec.nodes[*].store.image"]
    );
    let summary = &report.summary;
    assert_eq!((summary.workloads, summary.uncovered_kinds, summary.uncovered_images), (3, 1, 1));
    assert_eq!(last_lines(&report).last().unwrap(), "not judged: 1 image, of 1 kind not covered");
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::Findings);
    let script = report.findings.iter().find(|finding| finding.place.container.raw() == "check").unwrap();
    assert_eq!(script.evidence, "script:\n  image: python\n");
}

#[test]
fn one_note_for_each_kind_and_file() {
    let cache = |spec: &str| format!("apiVersion: a.io/v1\nkind: Cache\nspec: {spec}\n---\n");
    let specs = ["{image: x/y}", "{a: {image: x/y}}", "{image: x/y}", "{b: {image: x/y}}"];
    let two = folder(&[("a.yaml", &specs.map(cache).concat()), ("b.yaml", &cache(specs[0]))]);
    let report = scan_paths(&[two.path()]);
    assert_eq!(
        messages(&report, "kind-not-covered"),
        [
            "4 images of kind Cache (a.io/v1) are not judged: spec.image, spec.a.image, spec.b.image",
            "1 image of kind Cache (a.io/v1) is not judged: spec.image",
        ]
    );
    assert_eq!((report.summary.uncovered_kinds, report.summary.uncovered_images), (1, 5));
}

/// A mapping with a name and a tag, a kind of a group that sounds like Kubernetes, a kind in the wrong group or spelled wrong,
/// and a manifest in a Secret.
#[test]
fn images_of_kinds_that_look_like_others_are_counted() {
    let image = "registry.example.com/a:latest";
    for (code, manifest) in [
        (
            "kind-not-covered",
            "apiVersion: datadoghq.com/v2alpha1\nkind: DatadogAgent\n\
             spec: {override: {nodeAgent: {image: {name: agent, tag: latest}}}}\n"
                .to_owned(),
        ),
        (
            "kind-not-covered",
            format!(
                "apiVersion: kops.k8s.io/v1alpha2\nkind: Cluster\nspec: {{clusterAutoscaler: {{image: '{image}'}}}}\n"
            ),
        ),
        ("kind-not-covered", pod("a", image).replace("kind: Pod", "kind: pod")),
        ("kind-not-covered", pod("a", image).replace("kind: Pod", "kind: Deployment")),
        (
            "embedded-manifest",
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  pod.yaml: |\n    {}",
                pod("a", image).trim_end().replace('\n', "\n    ")
            ),
        ),
    ] {
        let report = scan_stdin(&manifest);
        assert_eq!(messages(&report, code).len(), 1, "{manifest}\n{:?}", report.notes);
        assert_eq!((report.summary.workloads, report.summary.uncovered_images), (0, 1), "{manifest}");
    }
}

#[test]
fn a_note_names_the_first_paths_and_says_that_there_are_more() {
    let fields = (0..5).map(|field| format!("f{field}: {{image: \"a/b\"}}")).collect::<Vec<_>>().join(", ");
    let report = scan_stdin(format!("{{apiVersion: a.io/v1, kind: \"\\e[1m\", spec: {{{fields}}}}}"));
    assert_eq!(
        messages(&report, "kind-not-covered"),
        [
            "5 images of kind \\u{1b}[1m (a.io/v1) are not judged: spec.f0.image, spec.f1.image, spec.f2.image, …"
        ]
    );
}

#[test]
fn a_pod_template_of_an_unknown_kind_says_how_it_would_be_read() {
    let kind = |api_version: &str| {
        format!(
            "apiVersion: {api_version}\nkind: Deployment\nspec: {{template: {{spec: {{containers: [{{image: a}}]}}}}}}\n"
        )
    };
    assert_eq!(
        messages(&scan_stdin(kind("a.io/v1")), "kind-not-covered"),
        [
            "1 image of kind Deployment (a.io/v1) is not judged: spec.template.spec.containers[*].image; templatePath: \
          spec.template in the policy's workloads would read them"
        ]
    );
    assert_eq!(
        messages(&scan_stdin(kind("extensions/v1beta1")), "kind-not-covered"),
        [
            "1 image of kind Deployment (extensions/v1beta1) is not judged: spec.template.spec.containers[*].image; this \
          version is no longer served and not read, use apps/v1"
        ]
    );
}

#[test]
fn images_that_parameters_decide_are_counted() {
    let task = "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n  - image: $(params.image)\n  - image: \
                alpine:$(params.tag)\n  - image: alpine:3.22.1\n";
    let report = scan_stdin(task);
    assert_eq!(report.images.len(), 1);
    assert_eq!(
        messages(&report, "image-parameter"),
        [
            "2 images of kind Task (tekton.dev/v1) are not judged, since parameters decide what runs: spec.steps[*].image"
        ]
    );
    assert_eq!((report.summary.uncovered_kinds, report.summary.uncovered_images), (0, 2));
    assert_eq!(last_lines(&report).last().unwrap(), "not judged: 2 images");
}

/// An Argo resource template applies a manifest that is a text, and `podSpecPatch` is a patch of the pod's spec.
#[test]
fn images_in_texts_of_custom_kinds_are_counted() {
    let workflow = r#"
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: deploy}
spec:
  podSpecPatch: '{"containers": [{"name": "main", "image": "registry.example.com/a:latest"}]}'
  artifactGC: {podSpecPatch: "containers:\n- {name: main, image: b}"}
  templates:
  - name: apply
    podSpecPatch: |
      initContainers: [{name: init, image: "busybox"}]
    resource:
      action: apply
      manifest: |
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: "{{workflow.name}}"}
        spec:
          template:
            spec:
              containers:
              - {name: web, image: "registry.example.com/web:{{inputs.parameters.tag}}"}
              - {name: proxy, image: "proxy:latest"}
  - name: unquoted
    resource:
      action: create
      manifest: |
        apiVersion: v1
        kind: Pod
        spec:
          containers:
          - name: main
            image: {{inputs.parameters.image}}
  - name: script
    script: {image: "alpine:3.22.1", source: "image=$(cat image)\necho image: $image\n"}
"#;
    let report = scan_stdin(workflow);
    assert_eq!(report.images.len(), 1, "the script's own");
    assert_eq!(
        messages(&report, "kind-not-covered"),
        ["6 images of kind WorkflowTemplate (argoproj.io/v1alpha1) are not judged: spec.podSpecPatch, \
          spec.artifactGC.podSpecPatch, spec.templates[*].podSpecPatch, …"]
    );
    assert_eq!((report.summary.uncovered_images, report.notes.len()), (6, 1));
    let chart = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: web}\nspec:\n  valuesContent: |\n    image: \
                 {repository: web, tag: latest}\n    note: a text\n";
    assert_eq!(
        messages(&scan_stdin(chart), "kind-not-covered"),
        ["1 image of kind HelmChart (helm.cattle.io/v1) is not judged: spec.valuesContent"]
    );
}

#[test]
fn an_uncovered_image_with_a_mistake_is_counted_too() {
    for image in ["nginx:", "nginx@sha256:12", "registry.example.com//a", "nginx:-1", "mysql@8.0.44"] {
        let report = scan_stdin(format!("apiVersion: a.io/v1\nkind: Cache\nspec: {{image: \"{image}\"}}\n"));
        assert_eq!(
            messages(&report, "kind-not-covered"),
            ["1 image of kind Cache (a.io/v1) is not judged: spec.image"],
            "{image}"
        );
    }
}

#[test]
fn an_image_that_is_judged_by_an_alias_is_not_counted_again() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec:\n  template: &t {spec: {containers: [{image: \
                'nginx:1.27.3'}]}}\n  copy: *t\n";
    assert_eq!(notes(&scan_stdin(text)), [""; 0]);
}

#[test]
fn a_template_hides_only_its_own_document() {
    let image = "registry.example.com/shop/web:latest";
    let text = format!(
        "{}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: second}}\nspec: {{priority: {{{{ .Values.priority }}}}, \
         containers: [{{name: a, image: \"{image}\"}}]}}\n---\n{}",
        pod("first", image),
        pod("third", image)
    );
    let report = scan_stdin(&text);
    assert_eq!(judged(&report), ["first", "third"]);
    assert_eq!(notes(&report), ["13:18 helm-template"]);
    let summary = &report.summary;
    assert_eq!((summary.files, summary.documents, summary.templates), (1, 2, 1));
    assert_eq!(last_lines(&report).last().unwrap(), "not judged: 1 raw template skipped");
    assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::Findings);
}

#[test]
fn the_last_line_says_why_nothing_was_judged() {
    let last = |report: &ScanReport| last_lines(report).pop().unwrap();
    for (text, reason) in [
        ("", "the input is empty; did the command that writes it fail?"),
        ("---\n# nothing\n---\n", "the input is empty; did the command that writes it fail?"),
        ("kind: Service\napiVersion: v1\n", "no workload is among the documents"),
        (
            "a: {{ .b }}\n",
            "raw templates are skipped; pipe what `helm template` prints into `tagwatch scan - --require-workloads`, or use --render",
        ),
        (
            "kind: Cache\napiVersion: a.io/v1\nspec: {image: x}\n",
            "the notes say which images are not covered",
        ),
        (
            "kind: Deployment\napiVersion: apps/v1\nspec: {template: {spec: {replicas: 1}}}\n",
            "no workload that was read names an image in the policy's scope",
        ),
    ] {
        let report = scan_stdin(text);
        assert_eq!(last(&report), format!("nothing was judged: {reason}"), "{text:?}");
        assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean, "{text:?}");
        let required = scan_requiring("-", text);
        assert_eq!(required.exit_status(FailOn::Never), ExitStatus::IncompleteInput, "{text:?}");
        assert_eq!(messages(&required, "nothing-judged"), [format!("nothing was judged: {reason}")]);
        assert_eq!(required.notes.last().unwrap().file.raw(), "<stdin>");
    }
    let empty = folder(&[("README.md", "")]);
    assert_eq!(last(&scan_paths(&[empty.path()])), "nothing was judged: no manifest was read");
    let clean = scan_requiring("-", &pod("web", "nginx:1.27.3"));
    assert_eq!((clean.exit_status(FailOn::Warn), clean.nothing_judged()), (ExitStatus::Clean, None));
}

#[test]
fn a_chart_folder_is_said_to_hold_templates() {
    let chart = folder(&[
        ("Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n"),
        ("values.yaml", "image: nginx\n"),
        ("templates/a.yaml", &pod("a", "{{ .Values.image }}")),
        ("templates/b.yaml", &pod("b", "\"{{ .Values.image }}\"")),
    ]);
    let report = scan_paths(&[chart.path()]);
    assert_eq!((report.summary.templates, report.summary.files), (2, 2));
    assert_eq!(
        last_lines(&report)[1..],
        [
            "not judged: 2 raw templates skipped",
            "nothing was judged: raw templates are skipped; pipe what `helm template` prints into `tagwatch scan - --require-workloads`, or use --render"
        ]
    );
}

/// Each is a way in which kinds that are not read name an image, or do not.
#[test]
fn images_in_fields_with_other_names_are_counted() {
    let object = |api_version: &str, spec: &str| {
        format!("apiVersion: {api_version}\nkind: Thing\nmetadata: {{name: a}}\nspec: {spec}\n")
    };
    for (spec, paths) in [
        ("{imageName: 'example.com/db:16.2'}", "1 image|spec.imageName"),
        ("{proxyImage: example.com/proxy, bannerImage: 'example.com/banner.png'}", "1 image|spec.proxyImage"),
        ("{images: ['a/b:1', c], toolImages: {x: 'd:2', y: text}}", "2 images|spec.images, spec.toolImages"),
        ("{agent: {repository: example.com/agent, tag: 7}}", "1 image|spec.agent"),
        ("{agent: {image: {repository: example.com/agent, tag: '7'}}}", "1 image|spec.agent.image"),
        ("{image: a, tag: '1'}", "1 image|spec.image"),
        ("{a: {imageRepository: b, imageTag: '1'}}", "1 image|spec.a"),
        ("{a: {imageName: b, imageTag: '1'}}", "1 image|spec.a"),
    ] {
        let (count, paths) = paths.split_once('|').unwrap();
        let are = if count == "1 image" { "is" } else { "are" };
        let report = scan_stdin(object("a.io/v1", spec));
        assert_eq!(
            messages(&report, "kind-not-covered"),
            [format!("{count} of kind Thing (a.io/v1) {are} not judged: {paths}")],
            "{spec}"
        );
    }
    for spec in [
        "{imageName: db, imageTag: null, imagePullPolicy: Always, image: boat.png}",
        "{package: 'example.com/p:1'}",
        "{source: {repository: 'https://example.com/a.git', tag: v1}, images: [a, b]}",
    ] {
        assert_eq!(notes(&scan_stdin(object("a.io/v1", spec))), [""; 0], "{spec}");
    }
    assert_eq!(
        messages(
            &scan_stdin(object("pkg.crossplane.io/v1", "{package: 'example.com/p:1'}")),
            "kind-not-covered"
        ),
        ["1 image of kind Thing (pkg.crossplane.io/v1) is not judged: spec.package"]
    );
}

#[test]
fn images_of_former_templates_are_counted() {
    let revision = "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: web-1}\nrevision: 1\ndata:\n  spec:\n    \
                    template:\n      spec:\n        containers:\n        - {name: web, image: nginx}\n";
    assert_eq!(
        messages(&scan_stdin(revision), "kind-not-covered"),
        [
            "1 image of kind ControllerRevision (apps/v1) is not judged: data.spec.template.spec.containers[*].image"
        ]
    );
}

/// A pipeline of a CI service, for instance.
#[test]
fn images_of_documents_that_are_no_objects_are_counted() {
    let other = "default:\n  image: node:22\njobs: [{image: 'golang:1.26'}, {name: a}]\n";
    let report = scan_stdin(format!("{other}---\na: b\n---\n{other}---\nc: d\n"));
    assert_eq!(
        messages(&report, "not-kubernetes-object"),
        [
            "no Kubernetes object: apiVersion and kind are expected; 4 images are not judged: default.image, \
             jobs[*].image",
            "no Kubernetes object: apiVersion and kind are expected; so are 1 more documents of the file",
        ]
    );
    assert_eq!(report.summary.uncovered_images, 4);
}

#[test]
fn images_in_values_at_other_places_than_those_of_the_convention_are_counted() {
    let values = "image: {repository: example.com/a, tag: 1.0.0}\nproxy: {image: shop/proxy, tag: 1.0.0}\nside: \
                  {repository: side, tag: 1.0.0}\nlogo: {image: boat}\nimages: ['b:1']\n";
    let files = folder(&[("values-prod.yaml", values)]);
    let report = scan_paths(&[files.path()]);
    assert_eq!(report.images.len(), 1);
    assert_eq!(
        messages(&report, "kind-not-covered"),
        ["3 images of kind HelmValues are not judged: proxy, side, images"]
    );
}

/// A chart that only has dependencies has values for them, and no template.
#[test]
fn default_values_of_a_chart_without_templates_are_counted() {
    let values = "web:\n  image: {repository: example.com/a, tag: latest}\n";
    let chart = "apiVersion: v2\nname: chart\nversion: 1.0.0\ndependencies:\n- {name: web, version: 1.0.0}\n";
    let files = folder(&[("Chart.yaml", chart), ("values.yaml", values)]);
    let report = scan_paths(&[files.path()]);
    assert_eq!(
        messages(&report, "kind-not-covered"),
        [
            "1 image of kind HelmValues is not judged: web.image; they are defaults of a chart: name the file on the command \
          line to have them judged"
        ]
    );
    let named = scan_paths(&[&files.path().join("values.yaml")]);
    assert_eq!((named.images.len(), named.summary.uncovered_images), (1, 0));
}

#[test]
fn images_in_annotations_are_counted() {
    let image = "sidecar.istio.io/proxyImage: 'example.com/proxy:1', example.com/image: text, image: 'a:1'";
    let workload = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a, annotations: {{{image}}}}}\nspec:\n  template:\n    \
         metadata: {{annotations: {{{image}}}}}\n    spec: {{containers: [{{name: a, image: 'nginx:1.27.3'}}]}}\n"
    );
    assert_eq!(
        messages(&scan_stdin(workload), "kind-not-covered"),
        [
            "2 images of kind Deployment (apps/v1) are not judged: metadata.annotations.sidecar.istio.io/proxyImage, \
             spec.template.metadata.annotations.sidecar.istio.io/proxyImage"
        ]
    );
    let function = "apiVersion: example.com/v1\nkind: Label\nmetadata:\n  name: a\n  annotations:\n    \
                    config.kubernetes.io/function: |\n      container: {image: 'example.com/label:1'}\n";
    for (api_version, kind) in [("example.com/v1", "Label"), ("v1", "ConfigMap")] {
        let function = function.replace("example.com/v1", api_version).replace("Label", kind);
        assert_eq!(
            messages(&scan_stdin(function), "kind-not-covered"),
            [format!(
                "1 image of kind {kind} ({api_version}) is not judged: metadata.annotations.config.kubernetes.io/function"
            )]
        );
    }
}
