//! kubectl's own reader, as a process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use serde_json::Value;

use super::Answer;

/// The path of the reader, which is built once. Without Go there is no outside truth, and the test fails.
fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/yaml/build.sh");
        let output = Command::new(&script).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        assert!(output.status.success(), "kubectl's reader of YAML cannot be built: {}", script.display());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

pub(super) fn read(files: &[&[u8]]) -> Vec<Answer> {
    let mut input = Vec::new();
    for file in files {
        input.extend(u32::try_from(file.len()).unwrap().to_be_bytes());
        input.extend(*file);
    }
    let mut child = Command::new(program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it has been built");
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let answers = lines.map(|line| answer(&line.unwrap())).collect();
    writer.join().unwrap().expect("it reads its input");
    assert!(child.wait().unwrap().success());
    answers
}

fn answer(line: &str) -> Answer {
    let mut answer: Value = serde_json::from_str(line).unwrap();
    let error = answer.get("error").and_then(Value::as_str).map(str::to_owned);
    let Value::Array(documents) = answer["documents"].take() else { panic!("no documents in {line}") };
    Answer { documents, error }
}

/// Another version could read another value.
#[test]
fn the_reader_is_built_from_the_versions_of_the_control_plane() {
    let versions = |module: &str| -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e").join(module).join("go.mod");
        let text = std::fs::read_to_string(path).unwrap();
        let modules =
            ["k8s.io/apimachinery v", "sigs.k8s.io/json v", "sigs.k8s.io/yaml v", "go.yaml.in/yaml/v2 v"];
        let line = |module: &&str| {
            let line = text.lines().find(|line| line.trim().starts_with(*module));
            line.unwrap().trim().trim_end_matches(" // indirect").to_owned()
        };
        modules.iter().map(line).collect()
    };
    assert_eq!(versions("yaml"), versions("control-plane"));
}
