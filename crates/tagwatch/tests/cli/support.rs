//! Runs the binary in an empty environment and an own folder.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::with_prefix("tagwatch-cli-").unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// `tagwatch` in `folder`, with nothing of our own environment.
pub(crate) fn tagwatch(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagwatch"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    command
}

/// Exit code and both outputs, for a snapshot.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> String {
    transcript(&tagwatch(folder, arguments).output().unwrap())
}

/// Like [`run`], with something on standard input.
pub(crate) fn run_with_input(folder: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = tagwatch(folder, arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    transcript(&child.wait_with_output().unwrap())
}

pub(crate) fn transcript(output: &Output) -> String {
    let mut text = format!("exit code: {:?}\n", output.status.code().unwrap());
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !bytes.is_empty() {
            write!(text, "----- {name}\n{}", String::from_utf8(bytes.clone()).unwrap()).unwrap();
        }
    }
    text
}

/// A pipe whose reading end is closed.
pub(crate) fn broken_pipe() -> File {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    File::from(std::os::fd::OwnedFd::from(writer))
}

/// One Deployment with this container.
pub(crate) fn deployment(container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    \
         spec:\n      containers:\n        - {container}\n"
    )
}

/// A container without findings.
pub(crate) const VERSION: &str = "{ name: web, image: nginx:1.27.3 }";
/// A warning and a violation.
pub(crate) const FLOATING: &str = "{ name: web, image: nginx:stable, imagePullPolicy: IfNotPresent }";
/// A container with one warning and no violation.
pub(crate) const FLOATING_ALWAYS: &str = "{ name: web, image: nginx:stable, imagePullPolicy: Always }";
