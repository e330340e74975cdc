//! What is written on a terminal of 60 columns.

use std::process::Output;

use unicode_width::UnicodeWidthStr;

use crate::support::{FLOATING, deployment, folder, tagwatch};

const WIDTH: usize = 60;

/// A policy whose exemption is over, with a reason that is longer than a line.
const POLICY: &str = "\
apiVersion: tagwatch.dev/v1alpha1
kind: TagPolicy
metadata: { name: default }
spec:
  exemptions:
    - match: { namespaces: [shop] }
      rules: [latest-tag]
      reason: The vault moves out of this cluster together with everything that depends on it, PAY-118
      expires: 2024-01-31
";

/// The lines of both outputs that are wider than the terminal and could be wrapped: they hold more than one word.
fn too_wide(output: &Output) -> Vec<String> {
    let lines = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    let is_too_wide = |line: &&str| line.width() > WIDTH && line.trim().contains(' ');
    lines.iter().flat_map(|text| text.lines()).filter(is_too_wide).map(str::to_owned).collect()
}

fn run(folder: &std::path::Path, arguments: &[&str]) -> Output {
    let width = WIDTH.to_string();
    let output = tagwatch(folder, arguments).env("COLUMNS", width).output().unwrap();
    assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{arguments:?}");
    output
}

#[test]
fn messages_and_results_fit() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: app, image: nginx }] }\n";
    let files = [
        ("web.yaml", deployment(FLOATING)),
        ("pod.yaml", pod.to_owned()),
        ("policy.yaml", POLICY.to_owned()),
        ("broken.yaml", POLICY.replace("rules: [latest-tag]", "rules: [latest-tags, no-such-rule]")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = folder(&files);
    for arguments in [
        &["scan", "web.yaml"][..],
        &["scan", "absent.yaml", "web.yaml", "--policy", "policy.yaml"],
        &["scan", "--cluster"],
        &["issues"],
        &["rules"],
        &["explain", "latest-tag"],
        &["explain", "latest-tags"],
        &["policy", "check", "policy.yaml"],
        &["policy", "check", "broken.yaml"],
        &["policy", "check", "absent.yaml"],
        &["policy", "show", "--policy", "policy.yaml", "--for", "shop/Deployment/web"],
        &["policy", "baseline", "pod.yaml", "-o", "baseline.yaml"],
        &["policy", "baseline", "absent.yaml"],
        &["policy", "baseline", "pod.yaml", "--expires", "2024-01-31"],
        &["policy", "baseline", "pod.yaml", "--policy", "broken.yaml"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(too_wide(&output), [""; 0], "{arguments:?}");
    }
}

#[test]
fn the_help_of_every_command_fits() {
    let folder = folder(&[]);
    for command in [
        &[][..],
        &["run"],
        &["scan"],
        &["issues"],
        &["rules"],
        &["explain"],
        &["policy"],
        &["policy", "check"],
        &["policy", "show"],
        &["policy", "baseline"],
        &["completions"],
        &["generate"],
    ] {
        for help in ["-h", "--help"] {
            let output = run(folder.path(), &[command, &[help]].concat());
            assert_eq!(too_wide(&output), [""; 0], "{command:?} {help}");
        }
    }
}
