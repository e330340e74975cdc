//! Compose files: every verdict, variables, and how files are put together.

use tagwatch_core::engine::Engine;
use tagwatch_core::outcome::Outcome;
use tagwatch_scan::report::{NoteCode, ScanReport};
use tagwatch_scan::{ExitStatus, FailOn, ScanOptions, scan};

use crate::support::{folder, notes, scan_paths, scan_stdin};

const DIGEST: &str = "nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A service on standard input.
fn service(fields: &str) -> ScanReport {
    scan_stdin(format!("services:\n  web: {{{fields}}}\n"))
}

/// The result of each group for the only image: the tag's, the pull policy's.
fn cells(report: &ScanReport) -> [&'static str; 2] {
    let cell = |policy: &str| {
        let found: Vec<_> =
            report.findings.iter().filter(|finding| finding.policy.as_str() == policy).collect();
        match found[..] {
            [] => "pass",
            [finding] => finding.result.as_str(),
            _ => panic!("{found:?}"),
        }
    };
    [cell("image-tag"), cell("image-pull-policy")]
}

/// Images as `service image policy`.
fn images(report: &ScanReport) -> Vec<String> {
    let image = |image: &tagwatch_scan::report::ImageEntry| {
        format!("{} {} {}", image.place.name.raw(), image.image.raw(), image.effective_pull_policy)
    };
    report.images.iter().map(image).collect()
}

#[test]
fn each_class_and_pull_policy_has_its_verdict() {
    let policies = ["always", "daily", "every_2d", "missing", "never"];
    for (image, tag, expected) in [
        (DIGEST, "pass", ["pass", "pass", "pass", "pass", "pass"]),
        ("nginx:1.27.3", "pass", ["pass", "pass", "pass", "pass", "pass"]),
        ("example.com/web:main-1a2b3c4", "pass", ["pass", "pass", "pass", "pass", "pass"]),
        ("nginx:latest", "warn", ["pass", "pass", "pass", "warn", "fail"]),
        ("nginx", "warn", ["pass", "pass", "pass", "warn", "fail"]),
        ("nginx:1.27", "warn", ["pass", "pass", "warn", "fail", "fail"]),
        // Nobody can tell whether this one moves.
        ("example.com/web:42", "warn", ["pass", "pass", "warn", "warn", "fail"]),
        ("example.com/web:blue", "warn", ["pass", "pass", "pass", "pass", "warn"]),
    ] {
        for (policy, expected) in policies.iter().zip(expected) {
            let report = service(&format!("image: '{image}', pull_policy: {policy}"));
            assert_eq!(cells(&report), [tag, expected], "{image} {policy}");
        }
        let unset = service(&format!("image: '{image}'"));
        assert_eq!(cells(&unset), [tag, expected[3]], "{image} with an unset pull policy");
        assert_eq!(unset.images[0].effective_pull_policy, "missing");
        assert_eq!(unset.images[0].image_pull_policy, None);
    }
}

#[test]
fn pull_policies_have_the_words_of_compose() {
    for (written, effective) in [
        ("if_not_present", "missing"),
        ("daily", "refresh(24h)"),
        ("weekly", "refresh(168h)"),
        ("every_90m", "refresh(1h30m)"),
        ("every_2d", "refresh(48h)"),
    ] {
        let report = service(&format!("image: nginx:1.27.3, pull_policy: {written}"));
        assert_eq!(report.images[0].effective_pull_policy, effective);
        assert_eq!(report.images[0].image_pull_policy.as_ref().unwrap().raw(), written);
    }
    assert_eq!(cells(&service("image: nginx:1.27, pull_policy: weekly")), ["warn", "warn"]);
    assert_eq!(cells(&service("image: nginx:1.27, pull_policy: every_24h")), ["warn", "pass"]);
}

#[test]
fn messages_speak_of_compose() {
    let report = service("image: nginx, pull_policy: if_not_present");
    let messages: Vec<_> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "service web runs nginx, which names neither tag nor digest: Compose reads no tag as latest, which moves \
             with every push",
            "service web runs nginx with pull_policy: if_not_present: Compose reads no tag as latest, which moves with \
             every push; older versions of Compose pull latest at every start all the same, current ones only on \
             `docker compose pull`",
        ]
    );
    assert!(report.findings[1].resolution.contains("pull_policy: always: Compose then asks"));
    assert_eq!(
        report.findings[1].evidence,
        "services:\n  web:\n    image: nginx\n    pull_policy: if_not_present\n"
    );
    let everything =
        format!("{:?}", report.findings) + &format!("{:?}", service("image: nginx:1.27").findings);
    for word in ["kubelet", "Kubernetes", "imagePullPolicy", "IfNotPresent"] {
        assert!(!everything.contains(word), "{word}");
    }
}

#[test]
fn a_service_is_an_object_of_kind_service() {
    let report = scan_stdin("services:\n  web:\n    image: nginx:1.27\n    pull_policy: never\n");
    let place = &report.images[0].place;
    assert_eq!((place.kind.raw(), place.name.raw(), place.container.raw()), ("Service", "web", "web"));
    assert_eq!((place.namespace.as_ref(), place.field_path.as_str()), (None, "services.web.image"));
    assert_eq!(place.container_type.as_str(), "container");
    let places: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.rule, finding.place.line, finding.place.column))
        .collect();
    assert_eq!(places, [("floating-tag", 3, 12), ("pull-policy-never", 4, 18)]);
    assert_eq!(notes(&report), [""; 0]);
    assert_eq!((report.summary.files, report.summary.documents, report.summary.workloads), (1, 1, 1));
}

#[test]
fn what_is_built_is_not_judged_by_its_tag() {
    for fields in ["build: ., pull_policy: build, image: 'web:latest'", "build: {context: .}"] {
        assert_eq!(service(fields).findings, [], "{fields}");
    }
    assert_eq!(
        images(&service("build: ., pull_policy: build, image: 'web:latest'")),
        ["web web:latest build"]
    );
    let report = service("build: ., image: 'web:1.4.2'");
    assert_eq!(cells(&report), ["pass", "warn"]);
    assert!(report.findings[0].message.contains("skips the build"), "{}", report.findings[0].message);
    assert_eq!(cells(&service("build: ., image: 'web:1.4.2', pull_policy: always")), ["pass", "warn"]);
    assert_eq!(service("build: .").images, [], "no image is named");
}

#[test]
fn a_platform_and_a_profile_change_no_verdict() {
    let report = service("image: nginx:1.27.3, platform: linux/arm64, profiles: [debug]");
    assert_eq!(cells(&report), ["pass", "pass"]);
    assert_eq!(images(&report), ["web nginx:1.27.3 missing"]);
}

#[test]
fn a_wrong_pull_policy_is_an_error_that_names_the_allowed_ones() {
    for wrong in ["IfNotPresent", "every_5y", "sometimes"] {
        let report = service(&format!("image: nginx:1.27.3, pull_policy: {wrong}"));
        assert_eq!(notes(&report), ["2:43 invalid-field"], "{wrong}");
        let message = &report.notes[0].message;
        assert!(message.contains(
            "services.web.pull_policy must be always, never, missing, if_not_present, build, daily"
        ));
        assert!(message.contains("every_<duration>") && message.contains(wrong), "{message}");
        assert_eq!(report.exit_status(FailOn::Fail), ExitStatus::IncompleteInput);
    }
}

#[test]
fn an_unset_variable_is_named_and_nothing_is_guessed() {
    let report =
        scan_stdin("services:\n  web:\n    image: nginx:${TAG}\n  api:\n    image: ${API:?say which}\n");
    assert_eq!(report.findings, []);
    assert_eq!(report.images, []);
    assert_eq!(notes(&report), ["3:12 unset-variable"]);
    let message = &report.notes[0].message;
    assert!(
        message.contains("services.web.image (TAG)") && message.contains("services.api.image (API)"),
        "{message}"
    );
    assert_eq!(report.summary.uncovered_images, 2);
    assert_eq!(report.exit_status(FailOn::Warn), ExitStatus::Clean);
    let open = service("image: nginx:1.27, pull_policy: $PULL");
    assert_eq!((cells(&open), notes(&open)), (["warn", "pass"], vec!["2:41 unset-variable".to_owned()]));
    let broken = service("image: 'nginx:${'");
    assert_eq!((images(&broken), notes(&broken)), (vec![], vec!["2:16 invalid-field".to_owned()]));
}

#[test]
fn variables_come_from_defaults_and_the_env_file_alone() {
    let folder = folder(&[
        (".env", "TAG=1.27.3\nPULL=always\n"),
        (
            "compose.yaml",
            "services:\n  a: {image: 'nginx:${TAG}', pull_policy: $PULL}\n  b: {image: 'nginx:${OTHER:-1.26.1}'}\n  \
             c: {image: 'nginx:${OTHER:-${TAG}}'}\n  d: {image: 'n$$x'}\n  e: {image: 'nginx:${PATH}'}\n",
        ),
    ]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(
        images(&report),
        ["a nginx:1.27.3 always", "b nginx:1.26.1 missing", "c nginx:1.27.3 missing", "d n$x missing"]
    );
    assert_eq!(notes(&report), ["6:14 unset-variable"], "the environment of the process is not read");
}

#[test]
fn an_override_is_merged_as_compose_does() {
    let folder = folder(&[
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1.27\n    build: .\n  db:\n    image: postgres:16\n    pull_policy: always\n  gone:\n    image: redis:latest\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  web:\n    pull_policy: never\n    build: !reset null\n  db:\n    image: postgres:16.4\n  gone: !reset null\n  more: {image: 'a:1.0.0'}\n",
        ),
    ]);
    let report = scan_paths(&[folder.path()]);
    let mut found = images(&report);
    found.sort();
    assert_eq!(found, ["db postgres:16.4 always", "more a:1.0.0 missing", "web nginx:1.27 never"]);
    let never = report.findings.iter().find(|finding| finding.rule == "pull-policy-never").unwrap();
    assert!(never.place.file.raw().ends_with("compose.override.yaml"), "the pull policy is written there");
    assert_eq!((never.place.line, never.place.column), (3, 18));
    let is_tag_of_web = |finding: &&tagwatch_scan::report::FindingEntry| {
        finding.rule == "floating-tag" && finding.place.name.raw() == "web"
    };
    let tag = report.findings.iter().find(is_tag_of_web).unwrap();
    assert!(tag.place.file.raw().ends_with("compose.yaml"));
    assert_eq!((tag.place.line, tag.place.column, tag.result), (3, 12, Outcome::Warn));
}

#[test]
fn the_names_that_compose_looks_for_form_a_project() {
    let folder = folder(&[
        ("docker-compose.yml", "services: {web: {image: 'nginx:1.0.0'}}\n"),
        ("docker-compose.override.yml", "services: {web: {image: 'nginx:2.0.0'}}\n"),
        ("docker-compose.prod.yml", "services: {web: {image: 'nginx:3.0.0'}, job: {command: x}}\n"),
        ("stack.yaml", "services: {web: {image: 'nginx:4.0.0'}}\n"),
    ]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(
        images(&report),
        ["web nginx:2.0.0 missing", "web nginx:3.0.0 missing", "web nginx:4.0.0 missing"]
    );
    assert_eq!(notes(&report), [""; 0]);
}

/// As compose-go 2.10 does it (cli/options.go).
#[test]
fn files_that_the_env_file_names_are_one_project() {
    let service = |image: &str| format!("services: {{web: {{image: '{image}'}}}}\n");
    let named = |env: &str| {
        let folder = folder(&[
            (".env", env),
            ("compose.yaml", "services: {default: {image: 'nginx:latest'}}\n"),
            ("compose.override.yaml", "services: {default: {pull_policy: always}}\n"),
            ("deploy/base.yml", &service("web:${TAG}")),
            ("deploy/.env", "TAG=1.0.0\nOTHER=x\n"),
            ("deploy/prod.yml", "services: {web: {pull_policy: never}, more: {image: 'more:${OTHER:-y}'}}\n"),
        ]);
        let report = scan_paths(&[folder.path()]);
        let images: Vec<String> = report
            .images
            .iter()
            .map(|image| {
                format!("{} {} {}", image.place.name.raw(), image.image.raw(), image.effective_pull_policy)
            })
            .collect();
        let notes: Vec<String> = report
            .notes
            .iter()
            .filter(|note| note.code == NoteCode::ComposeReference)
            .map(|note| note.message.replace(&format!("{}/", folder.path().display()), ""))
            .collect();
        (images, notes)
    };
    let (images, notes) = named("TAG=1.2.3\nCOMPOSE_FILE=deploy/base.yml:deploy/prod.yml\n");
    assert_eq!(images, ["default nginx:latest missing", "web web:1.2.3 never", "more more:x missing"]);
    assert_eq!(notes, [""; 0]);
    let (other, _) =
        named("TAG=1.2.3\nCOMPOSE_PATH_SEPARATOR=;\nCOMPOSE_FILE=deploy/base.yml;deploy/prod.yml\n");
    assert_eq!(other, images);
    let (images, notes) = named("COMPOSE_FILE=deploy/base.yml:none.yml\n");
    assert_eq!(
        images[1..],
        ["web web:1.0.0 missing", "more more:x missing"],
        "the other file is one of its own"
    );
    assert_eq!(
        notes,
        ["COMPOSE_FILE of .env names none.yml, which cannot be read: its images are not judged here"]
    );
    let (images, notes) = named("COMPOSE_FILE=${FILES}\n");
    assert_eq!(images[0], "default nginx:latest always", "it is not applied");
    assert_eq!(notes, ["COMPOSE_FILE of .env depends on a variable that is not known: it is not applied"]);
    let (images, _) = named("COMPOSE_FILE=\n");
    assert_eq!(images[0], "default nginx:latest always");
}

#[test]
fn files_that_the_environment_names_are_not_applied_and_a_note_says_so() {
    let options = |is_compose_file_set: bool| ScanOptions {
        paths: vec!["-".into()],
        is_compose_file_set,
        ..ScanOptions::default()
    };
    let notes = |is_set: bool, text: &str| {
        let report = scan(&Engine::recommended(), &options(is_set), &mut text.as_bytes());
        report.notes.into_iter().map(|note| note.message).collect::<Vec<_>>()
    };
    let compose = "services: {web: {image: 'nginx:1.2.3'}}\n";
    assert_eq!(
        notes(true, compose),
        ["COMPOSE_FILE of the environment is not applied; that of the project's .env is"]
    );
    assert_eq!(notes(false, compose), [""; 0]);
    assert_eq!(notes(true, "apiVersion: v1\nkind: Service\n"), [""; 0]);
}

#[test]
fn a_service_extends_others_of_its_file_and_of_another_one() {
    let folder = folder(&[
        (
            "compose.yaml",
            "services:\n  base:\n    image: nginx:1.27\n    pull_policy: never\n  web:\n    extends: base\n    pull_policy: always\n  \
             api:\n    extends: {file: parts/common.yaml, service: api}\n",
        ),
        (
            "parts/common.yaml",
            "services:\n  api:\n    extends: {service: root}\n    pull_policy: daily\n  root:\n    image: api:1.0.0\n  other:\n    image: other:1.0.0\n",
        ),
    ]);
    let report = scan_paths(&[folder.path()]);
    let mut found = images(&report);
    found.sort();
    assert_eq!(
        found,
        [
            "api api:1.0.0 refresh(24h)",
            "base nginx:1.27 never",
            "other other:1.0.0 missing",
            "root api:1.0.0 missing",
            "web nginx:1.27 always"
        ]
    );
    let alone = scan_paths(&[&folder.path().join("compose.yaml")]);
    assert!(
        images(&alone).contains(&"api api:1.0.0 refresh(24h)".to_owned()),
        "a file that is no input is read"
    );
    let api = alone.images.iter().find(|image| image.place.name.raw() == "api").unwrap();
    assert!(api.place.file.raw().ends_with("common.yaml"));
}

#[test]
fn rings_and_dead_ends_are_named() {
    let ring = scan_stdin(
        "services:\n  a: {extends: b, image: 'a:1.0.0'}\n  b: {extends: a}\n  c: {extends: none, image: 'c:1.0.0'}\n",
    );
    assert_eq!(notes(&ring), ["2:16 invalid-field", "3:16 invalid-field", "4:16 invalid-field"]);
    let folder = folder(&[
        (
            "compose.yaml",
            "include: [a/compose.yaml, missing.yaml, 'https://example.com/c.git']\nservices: {}\n",
        ),
        ("a/compose.yaml", "include: [../compose.yaml]\nservices: {x: {image: 'x:1.0.0'}}\n"),
    ]);
    let report = scan_paths(&[folder.path()]);
    assert_eq!(images(&report), ["x x:1.0.0 missing"]);
    let codes: Vec<_> = report.notes.iter().map(|note| note.code).collect();
    assert_eq!(
        codes,
        [
            NoteCode::InvalidField,
            NoteCode::InvalidField,
            NoteCode::ComposeReference,
            NoteCode::ComposeReference
        ],
        "{:?}",
        report.notes
    );
}

#[test]
fn included_files_have_their_own_folder_and_variables() {
    let folder = folder(&[
        (".env", "OUTER=outer\n"),
        (
            "compose.yaml",
            "include:\n  - infra/compose.yaml\n  - {path: [b/b.yaml, b/c.yaml], env_file: b/vars}\nservices:\n  db: {pull_policy: always}\n  web: {image: 'web:1.0.0'}\n",
        ),
        ("infra/.env", "OUTER=inner\nTAG=1.2.3\n"),
        ("infra/compose.yaml", "services:\n  db: {image: 'db:${TAG}'}\n  by: {image: 'by:$OUTER'}\n"),
        ("b/b.yaml", "services: {b: {image: 'b:$TAG'}}\n"),
        ("b/c.yaml", "services: {b: {pull_policy: weekly}}\n"),
        ("b/vars", "TAG=2.0.0\n"),
    ]);
    let report = scan_paths(&[&folder.path().join("compose.yaml")]);
    let mut found = images(&report);
    found.sort();
    assert_eq!(
        found,
        ["b b:2.0.0 refresh(168h)", "by by:outer missing", "db db:1.2.3 always", "web web:1.0.0 missing"]
    );
}

#[test]
fn files_beyond_the_working_folder_and_the_inputs_are_not_read() {
    let secret = folder(&[("secret.yaml", "services: {s: {image: 'secret:1.0.0'}}\n")]);
    let path = secret.path().join("secret.yaml");
    let project = folder(&[("compose.yaml", &format!("include: ['{}']\n", path.display()))]);
    let report = scan_paths(&[project.path()]);
    assert_eq!(images(&report), [""; 0]);
    assert_eq!(notes(&report), ["1:11 compose-reference"]);
}

#[test]
fn yaml_is_read_as_compose_reads_it() {
    let merge = "x-base: &base {image: 'nginx:1.0.0', pull_policy: always}\nservices:\n  on:\n    image: own:1.0.0\n    <<: *base\n  \
                 yes: *base\n";
    let report = scan_stdin(merge);
    assert_eq!(
        images(&report),
        ["yes nginx:1.0.0 always", "on own:1.0.0 always"],
        "own keys have precedence"
    );
    let twice = scan_stdin("services:\n  a: {image: 'a:1.0.0'}\n  a: {image: 'a:2.0.0'}\n");
    assert_eq!(notes(&twice), ["3:3 invalid-field"]);
    assert!(twice.notes[0].message.contains("Compose refuses the file"));
    let documents =
        scan_stdin("services: {a: {image: 'a:1.0.0'}}\n---\nservices: {a: {pull_policy: always}}\n");
    assert_eq!(images(&documents), ["a a:1.0.0 always"], "documents are merged");
    let over = scan_stdin(
        "services: {a: {image: 'a:1.0.0', pull_policy: always}}\n---\nservices: {a: !override {image: 'a:2.0.0'}}\n",
    );
    assert_eq!(images(&over), ["a a:2.0.0 missing"]);
    assert_eq!(notes(&scan_stdin("services: {a: {image: 1.5}}\n")), ["1:23 invalid-field"]);
    let json = scan_stdin(r#"{"name": "p", "services": {"a": {"image": "a:1.0.0"}}}"#);
    assert_eq!(images(&json), ["a a:1.0.0 missing"]);
}

#[test]
fn other_files_with_services_are_none() {
    for text in [
        "services:\n  - docker:dind\njob:\n  image: a:1\n",
        "services:\n  web: {port: 80}\n",
        "services:\n  web: {image: a}\njobs: {}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nservices:\n  web: {image: a}\n",
    ] {
        let report = scan_stdin(text);
        assert_eq!(report.images, [], "{text}");
    }
}

#[test]
fn labels_exempt_a_service() {
    let text = "services:\n  web:\n    image: nginx:latest\n    labels:\n      tagwatch.dev/ignore: latest-tag\n      \
                tagwatch.dev/ignore-reason: a demo\n  api:\n    image: nginx:latest\n    pull_policy: always\n    \
                annotations:\n      - tagwatch.dev/ignore=latest-tag\n      - tagwatch.dev/ignore-reason=a demo\n";
    let engine = Engine::recommended().on("2026-01-01".parse().unwrap());
    let options = ScanOptions { paths: vec!["-".into()], ..ScanOptions::default() };
    let report = scan(&engine, &options, &mut text.as_bytes());
    let results: Vec<_> =
        report.findings.iter().map(|finding| (finding.rule, finding.result.as_str())).collect();
    assert_eq!(results, [("latest-tag", "skip"), ("stale-pull-policy", "warn"), ("latest-tag", "skip")]);
}

#[test]
fn a_profile_of_kubernetes_says_nothing_of_compose() {
    let engine = Engine::new(tagwatch_core::policy::Policy::of(tagwatch_core::policy::Profile::Datadog));
    let options = ScanOptions { paths: vec!["-".into()], show_passed: true, ..ScanOptions::default() };
    let report = scan(&engine, &options, &mut &b"services: {web: {image: 'nginx:1.2'}}\n"[..]);
    assert_eq!((report.findings.len(), report.images.len()), (0, 1));
}
