//! Files to copy: what a shell and a YAML reader make of them.

use std::io::Write;
use std::process::{Command, Stdio};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::{Policy, TagPolicySpec};
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::workload::ContainerType;

use super::support::{Answer, get, open};
use crate::fixture::{demo, hostile, judged};

/// The addresses of all issues, exempt ones too.
async fn issues(console: &Router) -> Vec<Value> {
    let first = get(console, "/api/v1/issues?exempt=all&per_page=100").await.json();
    first["issues"].as_array().expect("issues").clone()
}

fn path(issue: &Value) -> &str {
    issue["path"].as_str().expect("a path")
}

async fn file(console: &Router, issue: &Value, name: &str) -> Answer {
    let answer = get(console, &format!("{}/{name}", path(issue))).await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let content_type =
        if name.starts_with("fix.sh") { "text/plain; charset=utf-8" } else { "application/yaml" };
    assert_eq!(answer.header("content-type"), content_type);
    let control = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!answer.text.contains(control), "{}", answer.text);
    answer
}

/// What a shell does with a script, with the programs that it calls replaced by ones that print their arguments.
fn run(script: &str) -> (bool, String) {
    let stubs = "docker() { echo sha256:abc; }\nkubectl() { printf '<%s>\\n' kubectl \"$@\"; }\n";
    let mut shell = Command::new("bash");
    let mut child = shell
        .args(["--noprofile", "--norc", "-s"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(format!("{stubs}{script}").as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    (output.status.success(), String::from_utf8(output.stdout).expect("UTF-8"))
}

/// A patch replaces nothing that it does not test first: what was checked may have changed since.
fn assert_tested(patch: &Value, issue: &Value) {
    let operations = patch.as_array().expect("operations");
    let (tests, changes): (Vec<_>, Vec<_>) =
        operations.iter().partition(|operation| operation["op"] == "test");
    let tests: Vec<_> = tests.iter().map(|test| (&test["path"], &test["value"])).collect();
    assert!(tests.iter().any(|(_, value)| **value == issue["image"]), "{patch}");
    for change in &changes {
        assert!(change["op"] == "add" || tests.iter().any(|(path, _)| **path == change["path"]), "{patch}");
    }
}

/// Whether bash can read a script.
fn parses(script: &str) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fix.sh");
    std::fs::write(&file, script).expect("it is written");
    Command::new("bash").arg("-n").arg(&file).status().expect("bash").success()
}

#[tokio::test]
async fn scripts_run_one_command_whatever_names_say() {
    let mut offered = 0;
    for facts in [demo(), hostile()] {
        let console = open(facts);
        for issue in issues(&console).await {
            let answer = file(&console, &issue, "fix.sh").await;
            assert!(parses(&answer.text), "{}", answer.text);
            let (is_success, printed) = run(&answer.text);
            if answer.status != StatusCode::OK {
                assert_eq!((answer.status, printed.as_str()), (StatusCode::NOT_FOUND, ""), "{}", answer.text);
                assert!(answer.text.lines().all(|line| line.starts_with("# ")), "{}", answer.text);
                continue;
            }
            offered += 1;
            let arguments: Vec<&str> = printed.lines().collect();
            let kubectl = ["<kubectl>", "<patch>"];
            assert!(
                is_success && arguments[..2] == kubectl && arguments.len() == 10,
                "{printed}\n{}",
                answer.text
            );
            let patch = arguments[9].trim_start_matches('<').trim_end_matches('>');
            let patch: Value = serde_json::from_str(patch).unwrap_or_else(|error| panic!("{error}: {patch}"));
            assert_eq!(patch[0]["op"], "test", "{patch}");
            assert_tested(&patch, &issue);
        }
    }
    assert!(offered > 10, "{offered} scripts");
}

#[tokio::test]
async fn a_script_is_the_one_that_is_asked_for() {
    let console = open(demo());
    let found = get(&console, "/api/v1/issues?q=shop/cart&rule=stale-pull-policy").await.json();
    let issue = &found["issues"][0];
    let pin = file(&console, issue, "fix.sh?by=pin").await;
    pin.assert_holds("# stale-pull-policy in container api of Deployment shop/cart: registry.example.com/shop/cart:latest\n");
    pin.assert_holds("set -eu\ndigest=$(docker buildx imagetools inspect");
    let pull = file(&console, issue, "fix.sh?by=pull").await;
    pull.assert_holds("\"path\":\"/spec/template/spec/containers/0/imagePullPolicy\"");
    let tested = "{\"op\":\"test\",\"path\":\"/spec/template/spec/containers/0/imagePullPolicy\",\"value\":\"IfNotPresent\"}";
    pull.assert_holds(tested);
    assert_eq!(pin.count("imagePullPolicy"), 0, "it does not replace that");
    assert_eq!(file(&console, issue, "fix.sh").await.text, pin.text, "the first remedy");
    let patch = file(&console, issue, "patch.yaml").await;
    patch.assert_holds("look first that the image is still registry.example.com/shop/cart:latest.\n");
    let unknown = file(&console, issue, "fix.sh?by=magic").await;
    assert_eq!(
        (unknown.status, unknown.text.as_str()),
        (StatusCode::BAD_REQUEST, "# by: expected pin or pull\n")
    );
    for query in ["fix.sh?foo=1", "fix.sh?by=pin&by=pull", "patch.yaml?days=3"] {
        let refused = file(&console, issue, query).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(refused.text.starts_with("# ") && refused.text.lines().count() == 1, "{}", refused.text);
    }
    let page = get(&console, path(issue)).await;
    for name in ["fix.sh?by=pin", "fix.sh?by=pull", "patch.yaml?by=pin", "patch.yaml?by=pull"] {
        page.assert_holds(&format!("href=\"{}/{name}\"", path(issue)));
    }
    page.assert_holds(&format!("action=\"{}/exemption.yaml\"", path(issue)));
}

/// As from an API server that finds another image than the patch tests for.
#[tokio::test]
async fn a_script_that_fails_says_why_and_ends_with_the_status_of_kubectl() {
    let console = open(demo());
    let found = get(&console, "/api/v1/issues?q=shop/cart&rule=stale-pull-policy").await.json();
    let script = file(&console, &found["issues"][0], "fix.sh").await.text;
    let stubs = "docker() { echo sha256:abc; }\nkubectl() { return 3; }\n";
    let mut shell = Command::new("sh");
    let output = shell.arg("-c").arg(format!("{stubs}{script}")).output().expect("sh");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{said}");
    assert!(said.contains("no longer has the image or pull policy that tagwatch checked"), "{said}");
}

#[tokio::test]
async fn patches_are_yaml_whatever_names_say() {
    for facts in [demo(), hostile()] {
        let console = open(facts);
        for issue in issues(&console).await {
            let answer = file(&console, &issue, "patch.yaml").await;
            let read: Value = serde_saphyr::from_str(&answer.text)
                .unwrap_or_else(|error| panic!("{error}\n{}", answer.text));
            if answer.status == StatusCode::OK {
                assert!(read["spec"].is_object(), "{}", answer.text);
            } else {
                assert_eq!((answer.status, read), (StatusCode::NOT_FOUND, Value::Null), "{}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn the_policy_accepts_the_exemption_of_each_issue() {
    let mut offered = 0;
    for facts in [demo(), hostile()] {
        let console = open(facts);
        for issue in issues(&console).await {
            let answer = file(&console, &issue, "exemption.yaml").await;
            if answer.status != StatusCode::OK {
                assert!(answer.text.lines().all(|line| line.starts_with("# ")), "{}", answer.text);
                continue;
            }
            offered += 1;
            let exemptions: Value = serde_saphyr::from_str(&answer.text)
                .unwrap_or_else(|error| panic!("{error}\n{}", answer.text));
            let (spec, policy): (TagPolicySpec, Policy) = Policy::read(&json!({ "exemptions": exemptions }))
                .unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{}", answer.text));
            let [exemption] = &spec.exemptions[..] else { panic!("{spec:?}") };
            assert_eq!(exemption.rules, [issue["rule"].as_str().expect("a rule")]);
            let is_invalid = issue["rule"] == "invalid-image-reference";
            assert_eq!(exemption.matches.images.len(), usize::from(!is_invalid), "{}", answer.text);
            // Today is 2026-11-27.
            assert_eq!(exemption.expires.as_deref(), Some("2026-12-27"));
            assert_eq!(policy.exemptions().len(), 1);
        }
    }
    assert!(offered > 20, "{offered} exemptions");
}

/// Whether the issue of `latest-tag` or `floating-tag` of a container is exempt under a policy.
fn is_exempt(policy: &Value, container: &str, image: &str) -> bool {
    let (_, policy) = Policy::read(policy).expect("a valid policy");
    let engine = Engine::new(policy).on("2026-11-27".parse().expect("a day"));
    let specs = [(container, ContainerType::Container, image, Some("Always"))];
    let workload = judged(&engine, ("apps/v1", "Deployment", "shop", "cart"), &specs);
    let mut tags = workload.issues.iter().filter(|issue| issue.rule.group == RuleGroup::ImageTag);
    tags.next().expect("an issue").is_exempt()
}

#[tokio::test]
async fn an_exemption_ends_when_the_container_gets_another_image() {
    let console = open(demo());
    let found = get(&console, "/api/v1/issues?q=shop/cart&rule=latest-tag").await.json();
    let answer = file(&console, &found["issues"][0], "exemption.yaml").await;
    answer.assert_holds("for as long as its image is registry.example.com/shop/cart:latest.\n");
    let exemptions: Value = serde_saphyr::from_str(&answer.text).expect("YAML");
    let policy = json!({ "exemptions": exemptions });
    let latest = "registry.example.com/shop/cart:latest";
    assert!(is_exempt(&policy, "api", latest));
    for (container, image) in [
        ("api", "registry.example.com/shop/basket:latest"),
        ("api", "registry.example.com/shop/cart:main"),
        ("other", latest),
    ] {
        assert!(!is_exempt(&policy, container, image), "{container} {image}");
    }
}

#[tokio::test]
async fn an_exemption_takes_days_and_a_reason() {
    let console = open(demo());
    let issue = &issues(&console).await[0];
    let reason = "a%20reason:%20%22quoted%22%0Arules:%20%5B%22*%22%5D";
    let answer = file(&console, issue, &format!("exemption.yaml?days=7&reason={reason}")).await;
    let read: Value = serde_saphyr::from_str(&answer.text).expect("YAML");
    assert_eq!(read[0]["reason"], "a reason: \"quoted\"\nrules: [\"*\"]");
    assert_eq!(
        (&read[0]["expires"], read[0]["rules"].as_array().map(Vec::len)),
        (&json!("2026-12-04"), Some(1))
    );
    for query in [
        "days=0",
        "days=366",
        "days=x",
        "foo=1",
        "days=1&days=2",
        "reason=a&reason=b",
        "by=pin",
        "%0Ax=1",
        &format!("reason={}", "x".repeat(513)),
    ] {
        let refused = file(&console, issue, &format!("exemption.yaml?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(refused.text.starts_with("# ") && refused.text.lines().count() == 1, "{}", refused.text);
    }
}

#[tokio::test]
async fn addresses_stay_when_the_result_changes() {
    let facts = demo();
    let workload = facts.workloads.iter().find(|workload| !workload.issues.is_empty()).expect("an issue");
    let (id, old) = (workload.issues[0].id, workload.other_ids[0][0]);
    let console = open(facts.clone());
    let away = get(&console, &format!("/issues/{old}/exemption.yaml?days=3")).await;
    assert_eq!(away.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(away.header("location"), format!("/issues/{id}/exemption.yaml?days=3"));
}
