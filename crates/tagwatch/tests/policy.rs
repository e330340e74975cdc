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
    assert_eq!(scan.stderr, "");
    // A profile is a quick try, and takes no policy.
    assert_eq!(tagwatch(&folder, &["scan", "pod.yaml", "--profile", "recommended"]).code, Some(1));
    let check = tagwatch(&folder, &["policy", "check", ".tagwatch.yaml"]);
    assert_eq!(
        (check.code, check.stdout.as_str()),
        (
            Some(0),
            ".tagwatch.yaml: valid; profile recommended, 0 overrides, 1 exemptions, 0 of them expired\n"
        )
    );
    let show = tagwatch(&folder, &["policy", "show", "--effective", "--for", "shop/Pod/web"]);
    assert!(show.stdout.contains(": before us\n"), "{}", show.stdout);
}

#[test]
fn a_broken_policy_ends_with_2_and_nothing_is_judged() {
    let folder = folder(Some("apiVersion: tagwatch.dev/v1alpha1\nkind: TagPolicy\nspec: {profil: strict}\n"));
    for args in
        [&["scan", "pod.yaml"][..], &["policy", "show", "--effective"], &["policy", "baseline", "pod.yaml"]]
    {
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
        "two.yaml:4:3: spec.profil: there is no field \"profil\"; did you mean profile?\n\
         two.yaml:5:3: spec.scop: there is no field \"scop\"; did you mean scope?\n"
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
    assert!(check.stderr.contains("gone.yaml:1:1: cannot be read: "), "{}", check.stderr);
}
