//! What `make demo` shows while it builds. Stand-ins take the place of the compilers and of what they make.

use std::{
    env, fs,
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use anyhow::{Context, Result};
use tagwatch_e2e::checkout;
use tempfile::TempDir;
use tokio::process::Command;

use crate::shell::finish;

const CARGO: &str = r#"case "$1" in
tree) printf 'serde v1\ntagwatch v0.1.0\ntagwatch-scan v0.1.0\n'; touch "$STANDINS/progress-shown" ;;
build) echo '   Compiling tagwatch-scan v0.1.0' >&2 ;;
esac"#;

/// Ends once the scan and a line of progress were shown.
const GO: &str = r#"case "$1" in
list) printf 'a\nb/two\nc/three\nd/four\n' ;;
build)
    printf 'go: downloading b v1\na\nb/two\n' >&2
    while [ ! -e "$STANDINS/scan-shown" ] || [ ! -e "$STANDINS/progress-shown" ]; do sleep 0.1; done
    while [ "$1" != -o ]; do shift; done
    touch "$2" ;;
esac"#;

const FAILING_GO: &str = r#"case "$1" in
list) echo a ;;
build) echo 'a/file.go:7: undefined: name' >&2; exit 2 ;;
esac"#;

const SCAN: &str = r#"echo "scan of $1"; touch "$STANDINS/scan-shown""#;

/// Runs the script with this compiler of Go.
async fn demo_with(go: &str) -> Result<(Output, String)> {
    let folder = TempDir::with_prefix("tagwatch-demo-build-")?;
    let standins = folder.path();
    let programs = [
        ("bin/cargo", CARGO),
        ("bin/go", go),
        ("target/debug/examples/scan", SCAN),
        ("target/debug/demo", "echo the demo"),
    ];
    for (name, script) in programs {
        let path = standins.join(name);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        fs::write(&path, format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    }
    let mut path = vec![standins.join("bin")];
    path.extend(env::split_paths(&env::var_os("PATH").context("no PATH")?));
    let mut command = Command::new(checkout().join("hack/demo.sh"));
    command
        .env_clear()
        .env("PATH", env::join_paths(path)?)
        .env("STANDINS", standins)
        .env("CARGO_TARGET_DIR", standins.join("target"))
        .env("TAGWATCH_CACHE", standins.join("cache"))
        .env("TAGWATCH_DEMO_INTERVAL", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = finish(command, "").await?;
    let printed = String::from_utf8(output.stdout.clone())? + &String::from_utf8(output.stderr.clone())?;
    Ok((output, printed))
}

#[tokio::test]
async fn shows_a_scan_and_what_is_left_while_the_control_plane_is_built() -> Result<()> {
    let (output, printed) = demo_with(GO).await?;
    assert!(output.status.success(), "{printed}");
    let progress = "; control plane: 2 of 4 packages; at this speed ";
    assert!(printed.lines().any(|line| line.contains(progress) && line.ends_with(" left")), "{printed}");
    let scan = printed.find("==> config/samples").with_context(|| printed.clone())?;
    assert!(printed[scan..].contains("\nscan of config/samples/analytics.yaml\n"), "{printed}");
    assert!(printed.ends_with("\nthe demo\n"), "{printed}");
    Ok(())
}

#[tokio::test]
async fn shows_why_the_control_plane_cannot_be_built() -> Result<()> {
    let (output, printed) = demo_with(FAILING_GO).await?;
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("Building control-plane failed"), "{printed}");
    assert!(printed.contains("a/file.go:7: undefined: name"), "{printed}");
    assert!(!printed.contains("the demo\n"), "{printed}");
    Ok(())
}
