//! Policies from files, and their effect.

use std::path::Path;

use tagwatch_core::engine::Engine;
use tagwatch_scan::output::{self, Format, Style};
use tagwatch_scan::report::ScanReport;
use tagwatch_scan::{ExitStatus, FailOn, PolicyFile, ScanOptions, scan};

use crate::support::{folder, notes, pod};

pub(crate) const HEAD: &str = "apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\n";

pub(crate) fn read(text: &str) -> Result<PolicyFile, String> {
    PolicyFile::read(Path::new("-"), &mut text.as_bytes()).map_err(|error| error.to_string())
}

/// Scans a manifest with a policy, on the third of a month.
fn judge(policy: &str, manifest: &str) -> ScanReport {
    let file = read(&format!("{HEAD}{policy}")).unwrap();
    let engine = Engine::new(file.policy.clone()).on("2027-01-03".parse().unwrap());
    let options =
        ScanOptions { paths: vec!["-".into()], policy_file: Some(file.clone()), ..ScanOptions::default() };
    scan(&engine, &options, &mut manifest.as_bytes())
}

fn findings(report: &ScanReport) -> Vec<String> {
    let line = |finding: &tagwatch_scan::report::FindingEntry| {
        let reason = finding.exemption.as_ref().map(|exemption| format!(" ({})", exemption.reason));
        format!("{} {}{}", finding.rule, finding.result.as_str(), reason.unwrap_or_default())
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn an_override_changes_only_its_own_settings() {
    let policy = "\
spec:
  rules:
    missing-tag: {enabled: false}
  overrides:
  - match: {names: [web-*]}
    rules: {missing-tag: {severity: low}}
  - match: {names: [web-2]}
    rules: {missing-tag: {enabled: true}}
";
    assert_eq!(findings(&judge(policy, &pod("web-1", "nginx"))), [""; 0]);
    let report = judge(policy, &pod("web-2", "nginx"));
    assert_eq!(findings(&report), ["missing-tag fail"]);
    assert_eq!(report.findings[0].severity.as_str(), "low");
}

#[test]
fn the_output_of_kubectl_is_a_valid_policy() {
    let text = "\
apiVersion: v1
kind: List
";
    assert!(read(text).is_err());
    let printed = format!(
        "{HEAD}metadata:\n  name: default\n  generation: 3\n  uid: 0\nspec:\n  profile: strict\n  \
         annotations:\n    enabled: true\nstatus:\n  conditions: []\n"
    );
    assert_eq!(read(&printed).unwrap().policy.profile().as_str(), "strict");
    let json =
        "{\"apiVersion\":\"tagwatch.dev/v1alpha1\",\"kind\":\"TagPolicy\",\"spec\":{\"profile\":\"always\"}}";
    assert_eq!(read(json).unwrap().policy.profile().as_str(), "always");
}

#[test]
fn a_policy_is_found_upward() {
    let folder = folder(&[(".tagwatch.yaml", HEAD), ("a/b/c.yaml", "")]);
    let found = PolicyFile::find_upward(&folder.path().join("a/b"));
    assert_eq!(found.path, Some(folder.path().join(".tagwatch.yaml")));
    assert_eq!(found.misnamed, Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_misspelled_name_and_a_broken_link_are_reported() {
    let files = folder(&[(".tagwatch.yaml", HEAD), ("a/.tagwatch.yml", HEAD), ("a/b/c.yaml", "")]);
    let found = PolicyFile::find_upward(&files.path().join("a/b"));
    assert_eq!(found.misnamed, [files.path().join("a/.tagwatch.yml")]);
    assert_eq!(found.path, Some(files.path().join(".tagwatch.yaml")));
    let link = files.path().join("a/b/.tagwatch.yaml");
    std::os::unix::fs::symlink("gone.yaml", &link).unwrap();
    assert_eq!(PolicyFile::find_upward(&files.path().join("a/b")).path, Some(link.clone()));
    let error = PolicyFile::read(&link, &mut std::io::empty()).unwrap_err().to_string();
    assert!(error.contains(".tagwatch.yaml: cannot be read: "), "{error}");
    let error = PolicyFile::read(files.path(), &mut std::io::empty()).unwrap_err().to_string();
    assert_eq!(error, format!("{}: is a folder; expected a file", files.path().display()));
}

#[test]
fn a_list_with_one_policy_is_that_policy() {
    let item = "{apiVersion: tagwatch.dev/v1alpha1, kind: TagPolicy, metadata: {name: prod, labels: {team: a}}, \
                spec: {profile: strikt}}";
    let list = |items: &str| read(&format!("apiVersion: v1\nkind: List\nmetadata: {{}}\nitems:\n{items}"));
    let error = list(&format!("- {item}\n")).unwrap_err();
    assert!(error.contains("there is no profile \"strikt\"") && error.starts_with("<stdin>:5:"), "{error}");
    let one = list(&format!("- {}\n", item.replace("strikt", "strict"))).unwrap();
    assert_eq!(one.policy.profile().as_str(), "strict");
    assert_eq!(one.metadata.name.as_deref(), Some("prod"));
    assert_eq!(one.metadata.labels["team"], "a");
    let error = list(&format!("- {item}\n- {item}\n")).unwrap_err();
    assert!(error.contains("a list of 2 objects; expected one TagPolicy"), "{error}");
    assert!(list("[]").is_err());
}

#[test]
fn a_template_path_beyond_the_template_gets_a_note() {
    let policy = |path: &str| {
        format!("spec: {{workloads: [{{group: a.io, version: v1, kind: B, templatePath: {path}}}]}}\n")
    };
    let object = "apiVersion: a.io/v1\nkind: B\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      \
                  containers: [{name: app, image: 'nginx:latest'}]\n";
    for path in ["spec.template.spec", "spec"] {
        let report = judge(&policy(path), object);
        assert_eq!(notes(&report), ["7:39 kind-not-covered"], "{path}");
        let message = &report.notes[0].message;
        assert!(message.ends_with(&format!("; {path} is none, did you mean spec.template?")), "{message}");
    }
    assert_eq!(findings(&judge(&policy("spec.template"), object)), ["latest-tag fail"]);
    // No list of containers anywhere else.
    let empty = object.replace("containers", "others");
    let report = judge(&policy("spec.template"), &empty);
    assert!(report.notes[0].message.contains("spec.template is no pod template"), "{:?}", report.notes);
    assert_eq!(
        notes(&judge(&policy("spec.template"), &object.replace("template", "x"))),
        ["7:39 kind-not-covered"]
    );
    assert_eq!(
        notes(&judge(&policy("spec.template"), "apiVersion: a.io/v1\nkind: B\nspec: {template: {}}\n")),
        [""; 0]
    );
}

#[test]
fn a_manifest_without_a_namespace_gets_a_note_if_the_policy_selects_namespaces() {
    let policy = "spec: {exemptions: [{match: {namespaces: [shop]}, rules: ['*'], reason: legacy}]}\n";
    let report = judge(policy, &pod("web", "nginx"));
    assert_eq!(findings(&report), ["missing-tag fail"]);
    assert_eq!(notes(&report)[0], "1:1 namespace-unknown", "{:?}", report.notes);
    assert_eq!(notes(&judge("spec: {}\n", &pod("web", "nginx"))), [""; 0]);
    let file = read(&format!("{HEAD}{policy}")).unwrap();
    let options = ScanOptions {
        paths: vec!["-".into()],
        policy_file: Some(file.clone()),
        namespace: Some("shop".to_owned()),
        ..ScanOptions::default()
    };
    let engine = Engine::new(file.policy.clone()).on("2027-01-03".parse().unwrap());
    let report = scan(&engine, &options, &mut pod("web", "nginx").as_bytes());
    assert_eq!((findings(&report), notes(&report)), (vec!["missing-tag skip (legacy)".to_owned()], vec![]));
    assert_eq!(report.findings[0].place.namespace, Some("shop".into()));
}

#[test]
fn a_misspelled_annotation_gets_a_note() {
    let report = judge(
        "spec: {}\n",
        &annotated(
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-untill: x}",
        ),
    );
    let message = &report.notes[0].message;
    assert_eq!(notes(&report), ["6:84 unknown-annotation"], "{message}");
    assert!(message.ends_with("did you mean tagwatch.dev/ignore-until?"), "{message}");
}

#[test]
fn rules_and_overrides_apply_in_order() {
    let policy = "\
spec:
  rules:
    missing-tag: {enabled: false}
    unpinned-image: {severity: low, result: warn}
  overrides:
  - match: {images: [docker.io/]}
    rules: {unpinned-image: {result: fail}}
  - match: {names: [web-*]}
    rules: {unpinned-image: {enabled: false}}
";
    assert_eq!(findings(&judge(policy, &pod("api", "ghcr.io/acme/api:1.4.2"))), ["unpinned-image warn"]);
    let report = judge(policy, &pod("api", "nginx"));
    assert_eq!(findings(&report), ["unpinned-image fail"]);
    assert_eq!(report.findings[0].severity.as_str(), "low");
    assert_eq!(findings(&judge(policy, &pod("web-1", "nginx"))), [""; 0]);
}

#[test]
fn declared_words_patterns_and_immutable_globs_decide_the_class() {
    let policy = "\
spec:
  rules:
    floating-tag: {words: [blue], patterns: ['v\\d+\\.\\d+\\.0']}
  immutable: ['registry.corp/:main']
  admission: {alwaysPullImages: true}
";
    let class = |image: &str| judge(policy, &pod("p", image)).images[0].tag_class.as_str();
    assert_eq!(class("app:blue-web"), "floating");
    assert_eq!(class("app:bluebird"), "unclassified");
    assert_eq!(class("app:v1.2.0"), "floating");
    assert_eq!(class("app:v1.2.3"), "version");
    assert_eq!(class("registry.corp/app:main"), "declared-immutable");
    let stale = pod("p", "app:main\n      imagePullPolicy: IfNotPresent");
    assert_eq!(findings(&judge(policy, &stale)), ["floating-tag warn"]);
}

#[test]
fn an_exemption_applies_through_its_last_day() {
    let policy = |expires: &str| {
        format!(
            "spec:\n  exemptions:\n  - match: {{names: [web]}}\n    rules: [missing-tag]\n    reason: moved in May\n    \
             expires: {expires}\n"
        )
    };
    let report = judge(&policy("2027-01-03"), &pod("web", "nginx"));
    assert_eq!(findings(&report), ["missing-tag skip (moved in May)"]);
    assert_eq!((report.summary.results.skip, notes(&report)), (1, vec![]));
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
    let mut table = Vec::new();
    output::write(Format::Table, &report, FailOn::default(), &mut table, Style::default()).unwrap();
    assert!(String::from_utf8(table).unwrap().contains("\n    exempt until 2027-01-03: moved in May\n"));
    let report = judge(&policy("2027-01-02"), &pod("web", "nginx"));
    assert_eq!(
        (findings(&report), notes(&report)),
        (vec!["missing-tag fail".to_owned()], vec!["5:5 expired-exemption".to_owned()])
    );
    let report = judge(&policy("2027-01-03"), &pod("api", "nginx"));
    assert_eq!(
        (findings(&report), notes(&report)),
        (vec!["missing-tag fail".to_owned()], vec!["5:5 unused-exemption".to_owned()])
    );
}

fn annotated(annotations: &str) -> String {
    pod("web", "nginx")
        .replace("  name: web\n", &format!("  name: web\n  namespace: shop\n  annotations: {annotations}\n"))
}

#[test]
fn annotations_exempt_with_a_reason_if_the_policy_allows_it() {
    let cases = [
        ("{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why}", "", "skip (why)", None),
        ("{tagwatch.dev/ignore: app/missing-tag, tagwatch.dev/ignore-reason: why}", "", "skip (why)", None),
        (
            "{tagwatch.dev/ignore: db/missing-tag, tagwatch.dev/ignore-reason: why}",
            "",
            "fail",
            Some("unused-exemption"),
        ),
        ("{tagwatch.dev/ignore: missing-tag}", "", "fail", Some("exemption-not-honoured")),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: soon}",
            "",
            "fail",
            Some("exemption-not-honoured"),
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: 2027-01-02}",
            "",
            "fail",
            Some("expired-exemption"),
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: 2027-02-03}",
            "annotations: {maxDays: 30}",
            "fail",
            Some("exemption-not-honoured"),
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why, tagwatch.dev/ignore-until: 2027-02-02}",
            "annotations: {maxDays: 30}",
            "skip (why)",
            None,
        ),
        (
            "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why}",
            "annotations: {enabled: false}",
            "fail",
            Some("exemption-not-honoured"),
        ),
    ];
    for (annotations, policy, result, note) in cases {
        let report = judge(&format!("spec: {{{policy}}}\n"), &annotated(annotations));
        assert_eq!(findings(&report), [format!("missing-tag {result}")], "{annotations} {policy}");
        let note = note.map(|code| format!("6:38 {code}"));
        assert_eq!(notes(&report), Vec::from_iter(note), "{annotations} {policy}: {:?}", report.notes);
    }
}

#[test]
fn a_namespace_in_the_inputs_decides_scope_and_annotations() {
    let namespace = |labels: &str| {
        format!(
            "{}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {labels}, annotations: \
             {{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: legacy}}}}\n",
            annotated("{}")
        )
    };
    let scope = "spec: {scope: {namespaceSelector: {matchLabels: {judged: 'yes'}}}}\n";
    assert_eq!(findings(&judge(scope, &namespace("{judged: 'yes'}"))), ["missing-tag skip (legacy)"]);
    let out = judge(scope, &namespace("{}"));
    assert_eq!((findings(&out), notes(&out)), (vec![], vec!["1:1 out-of-scope".to_owned()]));
    let unknown = judge(scope, &annotated("{}"));
    assert_eq!(
        (findings(&unknown), notes(&unknown)),
        (vec!["missing-tag fail".to_owned()], vec!["1:1 undecided-scope".to_owned()])
    );
    let allowed =
        "spec: {annotations: {namespaceSelector: {matchExpressions: [{key: free, operator: Exists}]}}}\n";
    assert_eq!(findings(&judge(allowed, &namespace("{}"))), ["missing-tag fail"]);
    assert_eq!(findings(&judge(allowed, &namespace("{free: 'yes'}"))), ["missing-tag skip (legacy)"]);
    let annotations = "{tagwatch.dev/ignore: missing-tag, tagwatch.dev/ignore-reason: why}";
    let undecided = judge(allowed, &annotated(annotations));
    assert_eq!(
        (findings(&undecided), notes(&undecided)),
        (vec!["missing-tag skip (why)".to_owned()], vec!["6:38 undecided-exemption".to_owned()])
    );
}

#[test]
fn presets_exclude_the_workloads_of_providers() {
    let policy = "spec: {scope: {excludePresets: [system-namespaces, managed-add-ons]}}\n";
    let judged = |namespace: &str| judge(policy, &annotated("{}").replace("shop", namespace)).images.len();
    assert_eq!(
        ["kube-system", "gke-managed-cim", "openshift", "shop", "kube-systems"].map(judged),
        [0, 0, 0, 1, 1]
    );
}

#[test]
fn a_declared_kind_is_read_by_its_template_paths() {
    let policy = "\
spec:
  workloads:
  - {group: example.com, version: v1, kind: Show, templatePath: 'spec.acts[*].template'}
  - {group: example.com, version: v1, kind: Show, templatePath: spec.cast.*.template}
";
    let show = "\
apiVersion: example.com/v1
kind: Show
metadata: {name: web}
spec:
  acts: [{template: {spec: {containers: [{name: app, image: nginx}]}}}]
  cast: {lead: {template: {spec: {containers: [{name: app, image: 'nginx:1.27.3'}]}}}}
";
    let report = judge(policy, show);
    assert_eq!((findings(&report), notes(&report)), (vec!["missing-tag fail".to_owned()], vec![]));
    let paths: Vec<&str> = report.images.iter().map(|image| image.place.field_path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.acts[0].template.spec.containers[0].image",
            "spec.cast.lead.template.spec.containers[0].image"
        ]
    );
    assert_eq!(notes(&judge("spec: {}\n", show)), ["5:61 kind-not-covered"]);
}

#[test]
fn a_policy_overrides_the_table_of_custom_kinds() {
    let policy = "\
spec:
  workloads:
  - {group: argoproj.io, version: v2, kind: Rollout, templatePath: spec.blue.template}
";
    let rollout = |version: &str| {
        format!(
            "apiVersion: argoproj.io/{version}\nkind: Rollout\nmetadata: {{name: web}}\nspec:\n  blue: {{template: \
             {{spec: {{containers: [{{image: nginx}}]}}}}}}\n"
        )
    };
    assert_eq!(findings(&judge(policy, &rollout("v2"))), ["missing-tag fail"]);
    assert_eq!(notes(&judge(policy, &rollout("v1alpha1"))), ["5:49 kind-not-covered"]);
}

#[test]
fn an_invalid_template_path_is_an_error_with_its_position() {
    let policy = |path: &str| {
        format!(
            "{HEAD}spec:\n  workloads:\n  - {{group: a.io, version: v1, kind: B, templatePath: '{path}'}}\n"
        )
    };
    for (path, expected) in [
        ("spec.tasks[0].template", "brackets are understood as `[*]` behind a field only"),
        ("spec..template", "is empty"),
        ("spec.*Specs.template", "`*` stands for each value of a mapping"),
        ("", "this is empty"),
    ] {
        let error = read(&policy(path)).unwrap_err();
        assert!(error.contains("spec.workloads[0].templatePath: ") && error.contains(expected), "{error}");
    }
    let built_in = policy("spec.template").replace("a.io", "apps").replace("kind: B", "kind: Deployment");
    assert!(read(&built_in).unwrap_err().contains("this kind is built in"));
}

#[test]
fn a_pod_template_can_exempt_and_an_unknown_rule_is_reported() {
    let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      annotations: {tagwatch.dev/ignore: 'missing-tag, latest', tagwatch.dev/ignore-reason: why}
    spec: {containers: [{name: app, image: nginx}]}
";
    let report = judge("spec: {}\n", deployment);
    assert_eq!(findings(&report), ["missing-tag skip (why)"]);
    assert_eq!(notes(&report), ["7:42 exemption-not-honoured"]);
    assert!(report.notes[0].message.ends_with("there is no rule \"latest\"; did you mean latest-tag?"));
}

/// An annotation is unused only if no workload of the namespace needs it.
#[test]
fn an_annotation_on_a_namespace_gets_one_note_for_all_its_workloads() {
    let manifest = |ignored: &str| {
        let pods: Vec<String> = ["nginx", "nginx:latest"]
            .iter()
            .zip(["a", "b"])
            .map(|(image, name)| {
                format!(
                    "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{containers: \
                     [{{name: app, image: '{image}'}}]}}\n---\n"
                )
            })
            .collect();
        format!(
            "{}apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, annotations: {{tagwatch.dev/ignore: \
             '{ignored}', tagwatch.dev/ignore-reason: legacy}}}}\n",
            pods.concat()
        )
    };
    let used = judge("spec: {}\n", &manifest("missing-tag, latest-tag"));
    assert_eq!((findings(&used).len(), notes(&used)), (2, vec![]), "{:?}", used.notes);
    let unused = judge("spec: {}\n", &manifest("unclassified-tag"));
    assert_eq!(notes(&unused), ["1:1 unused-exemption"]);
    assert!(
        unused.notes[0].message.starts_with("tagwatch.dev/ignore of Namespace shop: "),
        "{:?}",
        unused.notes
    );
}
