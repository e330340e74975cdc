//! The command `tagwatch scan`: exit status, standard output and standard error.

use std::fs;

use crate::support::{
    FLOATING, FLOATING_ALWAYS, VERSION, broken_pipe, deployment, folder, run, run_with_input, tagwatch,
};

#[test]
fn clean_manifests_exit_with_0() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"
    exit code: 0
    ----- stdout
    1 file, 1 document, 1 workload and 1 image read: 0 fail, 0 error, 0 warn, 0 skip, 2 pass
    ");
}

#[test]
fn the_working_folder_is_read_by_default() {
    let folder = folder(&[
        ("web.yaml", &deployment(VERSION)),
        ("a.yaml", "a: 1"),
        ("b.yaml", "b: 1"),
        ("vendor/c.yaml", "c: 1"),
        (".github/d.yaml", "d: 1"),
    ]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--exclude", "vendor/"]), @"
    exit code: 0
    ----- stdout
    3 files, 3 documents, 1 workload and 1 image read: 0 fail, 0 error, 0 warn, 0 skip, 2 pass
    ----- stderr
    note: .github:1:1: 1 hidden file or folder is not read: .github; name one on the command line to have it read [hidden-not-read]
    note: a.yaml:1:1: no Kubernetes object: apiVersion and kind are expected; 1 more: b.yaml:1:1; --notes full shows all [not-kubernetes-object]
    ");
    insta::assert_snapshot!(run(folder.path(), &["scan", "--notes", "full", "--threads", "1", "vendor", "b.yaml", "a.yaml"]), @"
    exit code: 0
    ----- stdout
    3 files, 3 documents, 0 workloads and 0 images read: 0 fail, 0 error, 0 warn, 0 skip, 0 pass
    nothing was judged: no workload is among the documents
    ----- stderr
    note: vendor/c.yaml:1:1: no Kubernetes object: apiVersion and kind are expected [not-kubernetes-object]
    note: b.yaml:1:1: no Kubernetes object: apiVersion and kind are expected [not-kubernetes-object]
    note: a.yaml:1:1: no Kubernetes object: apiVersion and kind are expected [not-kubernetes-object]
    ");
}

#[test]
fn findings_exit_with_1() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"
    exit code: 1
    ----- stdout
    web.yaml:10:31  Deployment shop/web  web
      image: nginx:stable
      10:31  warn  medium  floating-tag
        the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow
      10:62  fail  high    stale-pull-policy
        with imagePullPolicy: IfNotPresent: the tag stable floats (channel or branch `stable`); a node that has a copy never pulls again, so nodes come to run different code
      fix: Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>. As a stopgap set imagePullPolicy: Always: the kubelet then asks the registry at every start, though a mirror or a cache can still answer with an old digest.

    1 file, 1 document, 1 workload and 1 image read: 1 fail, 0 error, 1 warn, 0 skip, 0 pass
    ");
}

#[test]
fn advice_exits_with_1_only_when_asked() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING_ALWAYS))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"
    exit code: 0
    ----- stdout
    web.yaml:10:31  Deployment shop/web  web
      image: nginx:stable
      10:31  warn  medium  floating-tag
        the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow
      fix: Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>.

    1 file, 1 document, 1 workload and 1 image read: 0 fail, 0 error, 1 warn, 0 skip, 1 pass
    ");
    insta::assert_snapshot!(run(folder.path(), &["scan", "--fail-on", "warn", "web.yaml"]), @"
    exit code: 1
    ----- stdout
    web.yaml:10:31  Deployment shop/web  web
      image: nginx:stable
      10:31  warn  medium  floating-tag
        the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow
      fix: Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>.

    1 file, 1 document, 1 workload and 1 image read: 0 fail, 0 error, 1 warn, 0 skip, 1 pass
    ");
}

#[test]
fn findings_are_tolerated_on_request() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let output = tagwatch(folder.path(), &["scan", "--fail-on", "never", "web.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn input_that_is_not_there_exits_with_3() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "absent.yaml", "web.yaml"]), @"
    exit code: 3
    ----- stdout
    web.yaml:10:31  Deployment shop/web  web
      image: nginx:stable
      10:31  warn  medium  floating-tag
        the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow
      10:62  fail  high    stale-pull-policy
        with imagePullPolicy: IfNotPresent: the tag stable floats (channel or branch `stable`); a node that has a copy never pulls again, so nodes come to run different code
      fix: Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>. As a stopgap set imagePullPolicy: Always: the kubelet then asks the registry at every start, though a mirror or a cache can still answer with an old digest.

    1 file, 1 document, 1 workload and 1 image read: 1 fail, 0 error, 1 warn, 0 skip, 0 pass
    ----- stderr
    error: absent.yaml:1:1: cannot be read: No such file or directory (os error 2) [unreadable-input]
    ");
}

#[test]
fn input_that_is_broken_exits_with_3_and_the_rest_is_judged() {
    let text = format!("{}---\na: [1\n---\n{}", deployment(VERSION), deployment(FLOATING_ALWAYS));
    let folder = folder(&[("web.yaml", &text)]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @"
    exit code: 3
    ----- stdout
    web.yaml:23:31  Deployment shop/web  web
      image: nginx:stable
      23:31  warn  medium  floating-tag
        the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow
      fix: Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>.

    0 files, 2 documents, 2 workloads and 2 images read: 0 fail, 0 error, 1 warn, 0 skip, 3 pass
    ----- stderr
    error: web.yaml:12:4: this is no valid YAML: unclosed bracket '[' [invalid-yaml]
    ");
}

#[test]
fn standard_input_is_read() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run_with_input(folder.path(), &["scan", "-"], &deployment(FLOATING_ALWAYS)), @"
    exit code: 0
    ----- stdout
    <stdin>:10:31  Deployment shop/web  web
      image: nginx:stable
      10:31  warn  medium  floating-tag
        the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow
      fix: Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>.

    1 file, 1 document, 1 workload and 1 image read: 0 fail, 0 error, 1 warn, 0 skip, 1 pass
    ");
}

#[test]
fn an_empty_pipe_is_said_and_exits_with_3_where_workloads_are_required() {
    let folder = folder(&[]);
    insta::assert_snapshot!(run_with_input(folder.path(), &["scan", "-"], ""), @"
    exit code: 0
    ----- stdout
    1 file, 0 documents, 0 workloads and 0 images read: 0 fail, 0 error, 0 warn, 0 skip, 0 pass
    nothing was judged: the input is empty; did the command that writes it fail?
    ");
    insta::assert_snapshot!(run_with_input(folder.path(), &["scan", "--require-workloads", "-"], ""), @"
    exit code: 3
    ----- stdout
    1 file, 0 documents, 0 workloads and 0 images read: 0 fail, 0 error, 0 warn, 0 skip, 0 pass
    nothing was judged: the input is empty; did the command that writes it fail?
    ----- stderr
    error: <stdin>:1:1: nothing was judged: the input is empty; did the command that writes it fail? [nothing-judged]
    ");
}

#[test]
fn workloads_that_are_required_and_there_change_nothing() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--require-workloads", "web.yaml"]), @"
    exit code: 0
    ----- stdout
    1 file, 1 document, 1 workload and 1 image read: 0 fail, 0 error, 0 warn, 0 skip, 2 pass
    ");
}

#[test]
fn a_chart_folder_without_a_judged_image_exits_with_3_where_workloads_are_required() {
    let template = deployment("{ name: web, image: \"{{ .Values.image }}\" }");
    let folder = folder(&[("Chart.yaml", "apiVersion: v2\nname: web\n"), ("templates/web.yaml", &template)]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--require-workloads", "."]), @"
    exit code: 3
    ----- stdout
    1 file, 1 document, 0 workloads and 0 images read: 0 fail, 0 error, 0 warn, 0 skip, 0 pass
    not judged: 1 raw template skipped
    nothing was judged: raw templates are skipped; pipe what `helm template` prints into `tagwatch scan - --require-workloads`, or use --render
    ----- stderr
    note: Chart.yaml:1:1: 1 raw template of this chart skipped: --render judges what Helm makes of them, as does `helm template NAME FOLDER | tagwatch scan - --require-workloads` [helm-template]
    error: .:1:1: nothing was judged: raw templates are skipped; pipe what `helm template` prints into `tagwatch scan - --require-workloads`, or use --render [nothing-judged]
    ");
}

#[test]
fn json_is_the_contract() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING_ALWAYS))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "json", "web.yaml"]), @r#"
    exit code: 0
    ----- stdout
    {
      "schema": "tagwatch.dev/scan/v1",
      "summary": {
        "files": 1,
        "documents": 1,
        "workloads": 1,
        "images": 1,
        "templates": 0,
        "uncoveredKinds": 0,
        "uncoveredImages": 0,
        "leftOut": 0,
        "known": 0,
        "results": {
          "pass": 1,
          "fail": 0,
          "warn": 1,
          "error": 0,
          "skip": 0
        }
      },
      "images": [
        {
          "file": "web.yaml",
          "line": 10,
          "column": 31,
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web",
          "container": "web",
          "containerType": "container",
          "fieldPath": "spec.template.spec.containers[0].image",
          "image": "nginx:stable",
          "reference": {
            "registry": "docker.io",
            "repository": "library/nginx",
            "tag": "stable",
            "digest": null
          },
          "referenceError": null,
          "tagClass": "floating",
          "confidence": "pattern",
          "matched": "channel or branch `stable`",
          "imagePullPolicy": "Always",
          "effectivePullPolicy": "Always"
        }
      ],
      "findings": [
        {
          "file": "web.yaml",
          "line": 10,
          "column": 31,
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web",
          "container": "web",
          "containerType": "container",
          "fieldPath": "spec.template.spec.containers[0].image",
          "image": "nginx:stable",
          "rule": "floating-tag",
          "policy": "image-tag",
          "category": "Mutable Tags",
          "severity": "medium",
          "result": "warn",
          "message": "container web runs nginx:stable: the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow",
          "resolution": "Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>.",
          "evidence": "containers:\n- name: web\n  image: nginx:stable\n  imagePullPolicy: Always\n",
          "fingerprint": "c1620f7fda1dc15e945e7db691fc05e8",
          "exemption": null,
          "known": null
        }
      ],
      "notes": []
    }
    "#);
}

#[test]
fn several_outputs_and_one_of_them_a_file() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let arguments = ["scan", "-o", "table", "-o", "json=out.json", "web.yaml"];
    insta::assert_snapshot!(run(folder.path(), &arguments), @"
    exit code: 1
    ----- stdout
    web.yaml:10:31  Deployment shop/web  web
      image: nginx:stable
      10:31  warn  medium  floating-tag
        the tag stable floats (channel or branch `stable`), so the same manifest can run other code tomorrow
      10:62  fail  high    stale-pull-policy
        with imagePullPolicy: IfNotPresent: the tag stable floats (channel or branch `stable`); a node that has a copy never pulls again, so nodes come to run different code
      fix: Set image to nginx:stable@sha256:<digest>, or to a tag that is never pushed again, such as nginx:<full version>. As a stopgap set imagePullPolicy: Always: the kubelet then asks the registry at every start, though a mirror or a cache can still answer with an old digest.

    1 file, 1 document, 1 workload and 1 image read: 1 fail, 0 error, 1 warn, 0 skip, 0 pass
    ");
    let written: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(written["schema"], "tagwatch.dev/scan/v1");
    assert_eq!(written["summary"]["results"]["fail"], 1);
    assert_eq!(written["findings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_that_cannot_be_written_exits_with_2() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "-o", "json=absent/out.json", "web.yaml"]), @"
    exit code: 2
    ----- stderr
    error: cannot write absent/out.json: No such file or directory (os error 2)
    ");
}

#[test]
fn passes_are_shown_on_request() {
    let folder = folder(&[("web.yaml", &deployment(VERSION))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "--show-passed", "web.yaml"]), @"
    exit code: 0
    ----- stdout
    web.yaml:10:31  Deployment shop/web  web
      image: nginx:1.27.3
      10:31  pass  info  floating-tag
        a tag of its kind stays as it is by convention (full version `1.27.3`)
      10:31  pass  info  stale-pull-policy
        with imagePullPolicy unset (effective: IfNotPresent): the reference is not one that moves, so a copy on the node is the right one

    1 file, 1 document, 1 workload and 1 image read: 0 fail, 0 error, 0 warn, 0 skip, 2 pass
    ");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    for format in ["table", "json"] {
        let mut command = tagwatch(folder.path(), &["scan", "-o", format, "web.yaml"]);
        let status = command.stdout(broken_pipe()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{format}");
    }
}

#[test]
fn colour_only_where_it_is_wanted() {
    let folder = folder(&[("web.yaml", &deployment(FLOATING))]);
    let escapes = |variables: &[(&str, &str)]| {
        let mut command = tagwatch(folder.path(), &["scan", "web.yaml"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!escapes(&[]), "a pipe is no terminal");
    assert!(escapes(&[("CLICOLOR_FORCE", "1")]));
    assert!(!escapes(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn hostile_text_is_shown_escaped() {
    let container = r#"{ name: web, image: "nginx:\e[31m\a\u202e" }"#;
    let folder = folder(&[("web.yaml", &deployment(container))]);
    insta::assert_snapshot!(run(folder.path(), &["scan", "web.yaml"]), @r#"
    exit code: 1
    ----- stdout
    web.yaml:10:31  Deployment shop/web  web
      image: nginx:\u{1b}[31m\u{7}\u{202e}
      10:31  error  high  invalid-image-reference
        no image reference: the tag holds the character `\u{1b}`; expected letters, digits, `_`, `.` and `-`, not starting with `.` or `-`
      fix: Set image to a reference of the form registry/repository:<version>@sha256:<digest>. If it comes from a template, fill in its variables before it is applied.

    1 file, 1 document, 1 workload and 1 image read: 0 fail, 1 error, 0 warn, 0 skip, 0 pass
    "#);
}
