//! `tagwatch policy` and `tagwatch scan --policy`, by the real binary in a folder of its own.
#![expect(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in their helpers")]

use std::process::Command;

use tempfile::TempDir;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: app, image: nginx}]}
";

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn tagwatch(folder: &TempDir, args: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_tagwatch"))
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn folder(policy: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pod.yaml"), POD).unwrap();
    if let Some(policy) = policy {
        std::fs::write(folder.path().join(".tagwatch.yaml"), policy).unwrap();
    }
    folder
}

#[test]
fn a_baseline_makes_a_scan_clean() {
    let folder = folder(None);
    assert_eq!(tagwatch(&folder, &["scan", "pod.yaml"]).code, Some(1));
    let baseline = tagwatch(&folder, &["policy", "baseline", "pod.yaml", "--reason", "before us"]);
    assert_eq!(baseline.code, Some(0), "{}", baseline.stderr);
    std::fs::write(folder.path().join(".tagwatch.yaml"), &baseline.stdout).unwrap();
    let scan = tagwatch(&folder, &["scan", "pod.yaml"]);
    assert_eq!(scan.code, Some(0), "{}", scan.stdout);
    assert!(scan.stdout.contains(": before us\n"), "{}", scan.stdout);
    assert_eq!(
        scan.stderr,
        "note: .tagwatch.yaml:1:1: judged by this policy, which was found from the working folder upward; profile \
         recommended [policy-found]\n"
    );
    // A profile is a quick try, and takes no policy.
    assert_eq!(tagwatch(&folder, &["scan", "pod.yaml", "--profile", "recommended"]).code, Some(1));
    let check = tagwatch(&folder, &["policy", "check", ".tagwatch.yaml"]);
    assert_eq!(
        (check.code, check.stdout.as_str()),
        (Some(0), ".tagwatch.yaml: valid; profile recommended, 0 overrides, 1 exemption, none expired\n")
    );
    let show = tagwatch(&folder, &["policy", "show", "--for", "shop/Pod/web"]);
    assert!(show.stdout.contains(": before us\n"), "{}", show.stdout);
}

#[test]
fn a_broken_policy_ends_with_2_and_nothing_is_judged() {
    let folder = folder(Some("apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\nspec: {profil: strict}\n"));
    for args in [&["scan", "pod.yaml"][..], &["policy", "show"], &["policy", "baseline", "pod.yaml"]] {
        let ended = tagwatch(&folder, args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(
            ended.stderr.ends_with(
                ".tagwatch.yaml:3:8: spec.profil: there is no field \"profil\"; did you mean profile?\n"
            ),
            "{}",
            ended.stderr
        );
    }
    std::fs::write(
        folder.path().join("two.yaml"),
        "apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\nspec:\n  profil: x\n  scop: {}\n",
    )
    .unwrap();
    let check = tagwatch(&folder, &["policy", "check", "two.yaml"]);
    assert_eq!(
        check.stderr,
        "error: two.yaml:4:3: spec.profil: there is no field \"profil\"; did you mean profile?\n\
         error: two.yaml:5:3: spec.scop: there is no field \"scop\"; did you mean scope?\n"
    );
    let bomb = format!("{}a{}", "{a,".repeat(126), "}".repeat(126));
    std::fs::write(
        folder.path().join("bomb.yaml"),
        format!(
            "apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\nspec: {{scope: {{namespaces: ['{bomb}']}}}}\n"
        ),
    )
    .unwrap();
    let check = tagwatch(&folder, &["policy", "check", "bomb.yaml"]);
    assert_eq!(check.code, Some(2), "{}", check.stderr);
    assert!(check.stderr.contains("nested too deeply"), "{}", check.stderr);
    let check = tagwatch(&folder, &["policy", "check", "gone.yaml"]);
    assert_eq!(check.code, Some(2));
    assert!(check.stderr.contains("gone.yaml: cannot be read: "), "{}", check.stderr);
}

const POLICY: &str = "\
apiVersion: tagwatch.dev/v1alpha1
kind: TagPolicy
metadata: {name: prod, labels: {team: payments}}
spec:
  profile: strict
  rules:
    floating-tag: {words: [blue, green], patterns: ['v\\d+']}
    latest-tag: {tags: [\"\\e]0;pwned\\a\\e[2J\\u202e\"]}
  immutable: ['registry.corp/:main']
  annotations: {maxDays: 30, namespaceSelector: {matchLabels: {free: 'yes'}}}
  admission: {alwaysPullImages: true}
  metricLabels: [team]
  workloads: [{group: a.io, version: v1, kind: Show, templatePath: spec.template}]
  exemptions:
  - {match: {kinds: [Pod], containers: [app], images: [nginx]}, rules: [latest-tag, missing-tag], reason: in spring}
  - {match: {names: [web]}, rules: ['*'], reason: over, expires: 2020-01-31}
";

/// The words of the documentation, by a shell: it empties the file before we are there to read it.
#[test]
fn the_documented_commands_do_what_they_say() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md")).unwrap();
    let command = text.lines().find(|line| line.starts_with("tagwatch policy baseline deploy/ ")).unwrap();
    let shell = |folder: &TempDir, command: &str| {
        let command = command.replacen("tagwatch", env!("CARGO_BIN_EXE_tagwatch"), 1);
        let output = Command::new("sh").args(["-c", &command]).current_dir(folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let command = command.replace("2027-03-31", "2999-03-31");
    let redirected = command.replace("-o .tagwatch.yaml", "> .tagwatch.yaml");
    assert_ne!(command, redirected, "{command}");
    let policy =
        POLICY.replace("  - {match: {kinds: [Pod]", "  - {match: {kinds: [Job]").replace("[web]", "[api]");
    for (command, before) in [(&command, None), (&command, Some(policy.as_str())), (&redirected, None)] {
        let folder = folder(before);
        std::fs::create_dir(folder.path().join("deploy")).unwrap();
        std::fs::write(folder.path().join("deploy/pod.yaml"), POD).unwrap();
        let (code, stderr) = shell(&folder, command);
        assert_eq!(code, Some(0), "{command}: {stderr}");
        assert_eq!(stderr.contains("the file is empty"), command.contains('>'), "{stderr}");
        assert_eq!(tagwatch(&folder, &["scan", "deploy"]).code, Some(0), "{command}");
        let written = std::fs::read_to_string(folder.path().join(".tagwatch.yaml")).unwrap();
        let kept = ["name: prod", "team: payments", "registry.corp/:main", "in spring"];
        assert!(kept.iter().all(|kept| written.contains(kept) == before.is_some()), "{written}");
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 3, "nothing else is left");
    }
}

#[test]
fn standard_input_is_one_thing_only() {
    let folder = folder(None);
    for args in [&["scan", "--policy", "-", "-"][..], &["policy", "baseline", "-", "--policy", "-"]] {
        let ended = tagwatch(&folder, args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ended.stderr.contains("`-` is both the policy and a PATH"), "{}", ended.stderr);
    }
}

#[test]
fn what_applies_and_why_is_shown_in_full_and_safe_for_a_terminal() {
    let folder = folder(Some(POLICY));
    let show = tagwatch(&folder, &["policy", "show", "--for", "shop/Pod/web"]);
    assert_eq!(show.code, Some(0), "{}", show.stderr);
    let text = &show.stdout;
    assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    assert!(text.starts_with("Policy: .tagwatch.yaml, profile strict\n\nRULE "), "{text}");
    let row = |rule: &str| text.lines().find(|line| line.starts_with(rule)).unwrap().to_owned();
    assert!(row("floating-tag ").contains(r"words=blue,green patterns=v\d+"), "{text}");
    assert!(row("latest-tag ").contains(r"tags=\u{1b}]0;pwned\u{7}"), "{text}");
    let rest = text.split_once("\n\n").unwrap().1.split_once("\n\n").unwrap().1;
    assert_eq!(
        rest,
        "Immutable: registry.corp/:main\n\
         Immutable presets: kubernetes-registry (by default)\n\
         Admission: AlwaysPullImages is on\n\
         Annotations: exempt in namespaces with free=yes, with an ignore-until at most 30 days ahead\n\
         Custom kinds: a.io/v1 Show at spec.template\n\
         Metric labels: team\n\
         In scope: yes\n\
         Exemptions:\n  \
         spec.exemptions[0], for ever, latest-tag and missing-tag, containers app, images nginx: in spring\n  \
         spec.exemptions[1], expired on 2020-01-31, all rules: over\n"
    );
    let lower = tagwatch(&folder, &["policy", "show", "--for", "shop/deployments/web"]);
    assert_eq!(lower.code, Some(2));
    assert!(lower.stderr.contains("did you mean Deployment?"), "{}", lower.stderr);
}

#[test]
fn a_kind_is_named_as_in_a_policy() {
    let policy = "apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\nmetadata: {name: prod}\nspec:\n  exemptions:\n  \
                  - {match: {kinds: [Deployment]}, rules: ['*'], reason: plain}\n  \
                  - {match: {kinds: [CloneSet.apps.kruise.io]}, rules: ['*'], reason: full}\n";
    let folder = folder(Some(policy));
    for (written, reason) in [
        ("Deployment", Some("plain")),
        ("Deployment.apps", Some("plain")),
        ("Deployment.evil.example", None),
        ("CloneSet", Some("full")),
        ("CloneSet.apps.kruise.io", Some("full")),
        ("CloneSet.evil.example", None),
    ] {
        let show = tagwatch(&folder, &["policy", "show", "--for", &format!("shop/{written}/web")]);
        assert_eq!(show.code, Some(0), "{written}: {}", show.stderr);
        for known in ["plain", "full"] {
            let is_shown = show.stdout.contains(&format!("all rules: {known}\n"));
            assert_eq!(is_shown, reason == Some(known), "{written}: {}", show.stdout);
        }
    }
    let lower = tagwatch(&folder, &["policy", "show", "--for", "shop/deployment.apps/web"]);
    assert_eq!(lower.code, Some(2));
    assert!(lower.stderr.contains("did you mean Deployment.apps?"), "{}", lower.stderr);
}

#[test]
fn a_check_names_what_is_expired_and_escapes_the_name_of_the_file() {
    let folder = folder(None);
    std::fs::write(folder.path().join("ev\u{1b}[31mil.yaml"), POLICY).unwrap();
    let check = tagwatch(&folder, &["policy", "check", "ev\u{1b}[31mil.yaml"]);
    assert_eq!(
        check.stdout,
        "ev\\u{1b}[31mil.yaml: valid; profile strict, 0 overrides, 2 exemptions, 1 expired\n\
         ev\\u{1b}[31mil.yaml:16:5: spec.exemptions[1] expired; its last day was 2020-01-31: over\n",
        "{}",
        check.stderr
    );
    let absent = tagwatch(&folder, &["scan", "pod.yaml", "-o", "json=\u{1b}[31m/out"]);
    assert_eq!((absent.code, absent.stderr.contains('\u{1b}')), (Some(2), false), "{}", absent.stderr);
}

#[test]
fn a_last_day_is_a_day_to_come() {
    let folder = folder(None);
    for (day, complaint) in [
        ("2020-01-01", "--expires 2020-01-01 is over"),
        ("20270131", "is no date; expected YYYY-MM-DD"),
        ("2027-01-31T10:00:00", "is no date; expected YYYY-MM-DD"),
    ] {
        let ended = tagwatch(&folder, &["policy", "baseline", "pod.yaml", "--expires", day]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{day}");
        assert!(ended.stderr.contains(complaint), "{day}: {}", ended.stderr);
    }
}

#[test]
fn a_policy_is_read_on_a_narrow_terminal() {
    let folder = folder(Some(POLICY_OF_LONG_LINES));
    let show = |width: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tagwatch"));
        command.args(["policy", "show"]).current_dir(folder.path()).env_clear();
        if let Some(width) = width {
            command.env("COLUMNS", width);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let narrow = show(Some("60"));
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    assert!(narrow.contains("\nlatest-tag: on, fail, high\n  from profile recommended\n"), "{narrow}");
    assert!(narrow.contains("  grace=2h\n"), "{narrow}");
    let plain = show(None);
    assert!(plain.contains("\nRULE  "), "{plain}");
    assert_eq!(show(Some("200")), plain);
}

const POLICY_OF_LONG_LINES: &str = "\
apiVersion: tagwatch.dev/v1alpha1
kind: TagPolicy
metadata: {name: default}
spec:
  rules: {mixed-digests: {grace: 2h}}
  immutable: [registry.example.com/team/one, registry.example.com/team/two, registry.example.com/team/three]
";

#[test]
fn a_baseline_is_of_the_working_folder_by_default_and_can_leave_out_what_is_less_severe() {
    let folder = folder(None);
    let all = tagwatch(&folder, &["policy", "baseline", "pod.yaml"]);
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    let by_default = tagwatch(&folder, &["policy", "baseline"]);
    assert_eq!((by_default.code, by_default.stdout), (Some(0), all.stdout.clone()), "{}", by_default.stderr);
    let severe = tagwatch(&folder, &["policy", "baseline", "--min-severity", "critical"]);
    assert_eq!(severe.code, Some(0), "{}", severe.stderr);
    assert!(all.stdout.contains("missing-tag"), "{}", all.stdout);
    assert!(!severe.stdout.contains("missing-tag"), "{}", severe.stdout);
    let both = tagwatch(&folder, &["policy", "baseline", "--cluster", "pod.yaml"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}
