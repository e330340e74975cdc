//! A differential test: files that are made up by chance, and files from people, are read by kubectl's own reader
//! (`e2e/yaml`) and by ours. Both must find the same documents, and refuse the same ones.
//!
//! Files are numbered; a file depends on its number and on the seed alone. `make test` reads some thousands with a fixed
//! seed, `make differential` many more. The differences that remain are in `docs/scan.md`, "The same as kubectl"; what
//! leads to them is not made up here.

mod cases;
mod generate;
mod json_stream;
mod kubectl;
mod mutate;
mod random;
mod subset;
mod vocabulary;

use serde_json::Value;

use super::{Documents, Limits, Located, YamlError, to_json};
use crate::input;

/// Files for which kubectl's reader is started once.
const BATCH: u64 = 5_000;

/// What a reader makes of a file: its documents up to the first error.
#[derive(Debug)]
struct Answer {
    documents: Vec<Value>,
    error: Option<String>,
}

impl Answer {
    /// Numbers are equal if the API server takes them for the same.
    fn agrees_with(&self, other: &Self) -> bool {
        self.error.is_some() == other.error.is_some()
            && self.documents.len() == other.documents.len()
            && self.documents.iter().zip(&other.documents).all(|(one, another)| are_equal(one, another))
    }
}

fn are_equal(one: &Value, another: &Value) -> bool {
    match (one, another) {
        (Value::Number(one), Value::Number(another)) => {
            if let (Some(one), Some(another)) = (one.as_i64(), another.as_i64()) {
                one == another
            } else {
                let (one, another) = (one.as_f64().unwrap(), another.as_f64().unwrap());
                // serde_json reads some numbers to the neighbour of the float that is meant.
                (one - another).abs() <= one.abs() * f64::EPSILON
            }
        }
        (Value::Array(one), Value::Array(another)) => {
            one.len() == another.len()
                && one.iter().zip(another).all(|(one, another)| are_equal(one, another))
        }
        (Value::Object(one), Value::Object(another)) => {
            one.len() == another.len()
                && one
                    .iter()
                    .all(|(key, one)| another.get(key).is_some_and(|another| are_equal(one, another)))
        }
        _ => one == another,
    }
}

/// Our answer. kubectl says nothing of text that it does not read, so that is no error here.
fn ours(file: &[u8]) -> Answer {
    let mut buffer = Vec::new();
    let source = match input::read_manifest(&mut &*file, &mut buffer, Limits::default()) {
        Ok(source) => source,
        Err(error) => return Answer { documents: Vec::new(), error: Some(error.to_string()) },
    };
    let mut documents = Vec::new();
    for document in Documents::new(&source, Limits::default()) {
        match document {
            Ok(document) => documents.push(to_json(document.root()).unwrap()),
            Err(Located { error: YamlError::TextIgnored, .. }) => {}
            Err(Located { at, error }) => {
                return Answer { documents, error: Some(format!("{}:{}: {error}", at.line, at.column)) };
            }
        }
    }
    Answer { documents, error: None }
}

/// The differences between both readers, described.
fn differences(files: &[(String, Vec<u8>)]) -> Vec<String> {
    let texts: Vec<&[u8]> = files.iter().map(|(_, file)| file.as_slice()).collect();
    let theirs = kubectl::read(&texts);
    assert_eq!(theirs.len(), files.len(), "kubectl's reader has answered for each file");
    let compared = files.iter().zip(theirs).filter_map(|((name, file), theirs)| {
        let ours = ours(file);
        let text = String::from_utf8_lossy(file);
        (!ours.agrees_with(&theirs))
            .then(|| format!("{name}: {text:?}\n  ours {ours:?}\n  kubectl {theirs:?}"))
    });
    compared.collect()
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn generated_files_are_read_as_kubectl_reads_them() {
    let seed = from_environment("TAGWATCH_DIFFERENTIAL_SEED", 1);
    let files = from_environment("TAGWATCH_DIFFERENTIAL_FILES", 6_000);
    println!("{files} files, TAGWATCH_DIFFERENTIAL_SEED={seed}");
    let (mut found, mut documents, mut refused) = (Vec::new(), 0, 0);
    for first in (0..files).step_by(usize::try_from(BATCH).unwrap()) {
        let numbers = first..files.min(first + BATCH);
        let batch: Vec<_> =
            numbers.map(|number| (format!("file {number}"), generate::file(seed, number))).collect();
        for (_, file) in &batch {
            let answer = ours(file);
            documents += answer.documents.len();
            refused += usize::from(answer.error.is_some());
        }
        found.extend(differences(&batch));
    }
    println!("{documents} documents read, {refused} files refused");
    let shown = found.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{} differences with seed {seed}:\n{shown}", found.len());
    // Neither valid nor invalid files alone would say much.
    let files = usize::try_from(files).unwrap();
    assert!(documents > files / 2 && (files / 20..files / 2).contains(&refused), "{documents}, {refused}");
}

#[test]
fn files_from_people_are_read_as_kubectl_reads_them() {
    let files: Vec<_> = cases::CASES.iter().map(|case| (String::new(), case.as_bytes().to_vec())).collect();
    let found = differences(&files);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A text in another encoding, with the mark that names it.
fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    match encoding {
        Encoding::MarkedUtf8 => format!("\u{feff}{text}").into_bytes(),
        Encoding::Utf16LittleEndian => units.flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16BigEndian => units.flat_map(u16::to_be_bytes).collect(),
    }
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    MarkedUtf8,
    Utf16LittleEndian,
    Utf16BigEndian,
}

#[test]
fn files_with_a_byte_order_mark_are_read_as_kubectl_reads_them() {
    let encodings = [Encoding::MarkedUtf8, Encoding::Utf16LittleEndian, Encoding::Utf16BigEndian];
    let files: Vec<_> = cases::CASES
        .iter()
        .flat_map(|case| encodings.map(|encoding| (format!("{encoding:?}"), encoded(case, encoding))))
        .collect();
    let found = differences(&files);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn bytes_that_are_not_utf8_are_read_as_kubectl_reads_them() {
    let texts: [&[u8]; 8] = [
        b"# caf\xe9\na: 1\n---\nb: 2\n",
        b"a: caf\xe9\nb: 1",
        b"a: \xf0\x9f\x98 x\n",
        b"\xe9: 1\n",
        b"{\"a\": \"\xe9\"}\n{\"b\": \"\xc3\"}\n",
        b"a: \xed\xa0\x80 \xc0\xaf \xff\n",
        b"a: \"\xe2\x82\"\n",
        b"a: |\n  x\xe9\n  y\n",
    ];
    let files: Vec<_> = texts.iter().map(|text| (String::new(), text.to_vec())).collect();
    let found = differences(&files);
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(ours(texts[0]).documents.len(), 2);
}
