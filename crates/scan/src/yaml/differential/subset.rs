//! The reader of the subset beside the exact one: a document that it takes has the same tree, with the same places. It may
//! decline whatever it likes. It takes the same documents whatever is needed of them, and a manifest says the same whether
//! it is read of what the prefilter calls needed, or of all that the exact reader reads.
//!
//! `make test` reads some thousands of generated files and of mutated manifests, and the manifests of this repository;
//! `make fuzz-scan` reads a million, and `TAGWATCH_SUBSET_FOLDER=FOLDER` adds all files of a folder.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tagwatch_core::kinds::Kinds;

use super::super::stream::{Documents, Limits};
use super::super::tree::Node;
use super::super::{Document, Need, Source};
use super::random::Random;
use super::{cases, from_environment, generate, mutate};
use crate::manifest::{Manifest, Prefilter};

#[derive(Debug, Default)]
struct Tally {
    documents: u64,
    /// Documents that the reader of the subset has taken.
    taken: u64,
    /// Those of them that are passed over, since they say nothing.
    passed_over: u64,
    /// Those of which a part is read.
    in_part: u64,
}

impl Tally {
    /// Reads a text in both ways. Returns the first difference.
    fn compare(&mut self, text: &str) -> Option<String> {
        let source = Source::utf8(text);
        let kinds = Kinds::default();
        let prefilter = Prefilter::new(&kinds);
        let mut documents = Documents::new(&source, Limits::default());
        while let Some(chunk) = documents.next_chunk() {
            let Ok(chunk) = chunk else { continue };
            self.documents += 1;
            let need = documents.text_of(&chunk).map_or(Need::Everything, |text| prefilter.need(text));
            let fast = documents.read_subset(&chunk, Need::Everything);
            let (checked, needed) =
                (documents.read_subset(&chunk, Need::Nothing), documents.read_subset(&chunk, need));
            let nodes = [&fast, &checked, &needed].map(|read| read.as_ref().map(|read| read.nodes));
            if nodes[0] != nodes[1] || nodes[0] != nodes[2] {
                return Some(format!("{text:?}\n  has {nodes:?} nodes, by what is needed"));
            }
            let (Some(fast), Some(needed)) = (fast, needed) else { continue };
            self.taken += 1;
            let exact = match documents.read_exactly(&chunk) {
                Ok(exact) => exact,
                Err(error) => return Some(format!("{text:?}\n  is refused: {error:?}")),
            };
            self.passed_over += u64::from(matches!(need, Need::Nothing));
            self.in_part += u64::from(matches!(need, Need::Keys(_)));
            let manifest = |document: Option<&Document<'_>>| {
                let manifest = document.map(|document| Manifest::read(document, &kinds)).unwrap_or_default();
                format!("{manifest:#?}")
            };
            let (in_part, whole) = (manifest(needed.document.as_ref()), manifest(exact.as_ref()));
            if in_part != whole {
                return Some(format!("{text:?}\n  says in part\n{in_part}\n  and as a whole\n{whole}"));
            }
            let (fast, exact) = (described(fast.document.as_ref()), described(exact.as_ref()));
            if fast != exact || documents.pending.is_some() {
                let ignored = &documents.pending;
                return Some(format!("{text:?}\n  fast\n{fast}  exact\n{exact}  ignored {ignored:?}"));
            }
        }
        None
    }
}

fn described(document: Option<&Document<'_>>) -> String {
    let mut text = String::new();
    if let Some(document) = document {
        writeln!(text, "{} nodes, {:?}", document.nodes.len(), document.overwritten()).unwrap();
        describe(document.root(), &mut text);
    }
    text
}

fn describe(node: Node<'_, '_>, text: &mut String) {
    let at = node.position();
    writeln!(text, "{}:{} {:?} {:?}", at.line, at.column, node.value(), node.scalar()).unwrap();
    for item in node.items() {
        describe(item, text);
    }
    for (key, value) in node.entries() {
        describe(key, text);
        describe(value, text);
    }
}

/// The manifests below folders, by name.
fn manifests(folders: &[PathBuf]) -> Vec<PathBuf> {
    let (mut open, mut files) = (folders.to_vec(), Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let entry = entry.unwrap();
            let extension = entry.path().extension().map(|text| text.to_string_lossy().into_owned());
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => open.push(entry.path()),
                kind if kind.is_file() && matches!(extension.as_deref(), Some("yaml" | "yml")) => {
                    files.push(entry.path());
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn own_manifests() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["charts", "config", "crates/core/tests/fixtures", "crates/scan/tests/fixtures"];
    manifests(&folders.map(|folder| root.join(folder)))
}

#[test]
fn the_subset_is_read_as_the_exact_reader_reads_it() {
    let seed = from_environment("TAGWATCH_DIFFERENTIAL_SEED", 1);
    let files = from_environment("TAGWATCH_SUBSET_FILES", 12_000);
    println!("{files} files, TAGWATCH_DIFFERENTIAL_SEED={seed}");
    let own: Vec<String> = own_manifests().iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let documents: Vec<&str> = own.iter().flat_map(|text| text.split("\n---\n")).collect();
    let mut tally = Tally::default();
    for number in 0..files {
        let text = if number % 2 == 0 {
            String::from_utf8_lossy(&generate::file(seed, number)).into_owned()
        } else {
            let mut random = Random::new(seed, number);
            let mut text = format!("{}\n", random.pick(&documents));
            mutate::mutate(&mut random, &mut text);
            text
        };
        let difference = tally.compare(&text);
        assert_eq!(difference, None, "file {number}");
    }
    println!("{tally:?}");
    assert!(tally.taken > tally.documents / 10, "{tally:?}");
    assert!(tally.passed_over > tally.documents / 100, "{tally:?}");
    assert!(tally.in_part > tally.documents / 100, "{tally:?}");
}

#[test]
fn manifests_are_taken_and_read_as_the_exact_reader_reads_them() {
    let folder = std::env::var_os("TAGWATCH_SUBSET_FOLDER");
    let files = folder.map_or_else(own_manifests, |folder| manifests(&[folder.into()]));
    let mut tally = Tally::default();
    for path in &files {
        let Ok(text) = fs::read_to_string(path) else { continue };
        assert_eq!(tally.compare(&text), None, "{}", path.display());
    }
    println!("{} files, {tally:?}", files.len());
    assert!(tally.taken > tally.documents / 2, "{tally:?}");
}

#[test]
fn a_long_list_in_brackets_is_left_to_the_exact_reader() {
    let mut tally = Tally::default();
    for items in [100, 10_000] {
        assert_eq!(tally.compare(&format!("a: [{}]\n", vec!["b"; items].join(", "))), None);
    }
    assert_eq!((tally.documents, tally.taken), (2, 1));
}

#[test]
fn what_goes_wrong_with_lines_is_declined_or_read_alike() {
    let own = [
        "a:\n- b\n-\n- c: d\n  e:\n  - f\ng: h\n",
        "a:\n  - - b\n    - c\n  -   d: e\n      f: g\n",
        "a:\n    b: c\n  d: e\n",
        "a: b\n  c: d\n",
        "a: b\n  - c\n",
        "- a\n b: c\n",
        "- a: b\n c: d\n",
        " a: b\nc: d\n",
        "a: |\n\n   b\n    c\n\n\n  d\n",
        "a: |\n   b\n\n\nc: >-\n  d\n  e\n\n   f\n  g\n",
        "a: |+\n  b\n\n\nc: d\n",
        "a: |\n      \n  b\n",
        "a: |\nb: c\n",
        "- |\n b\n- >\n  c\n  d",
        "a: {}\nb: []\nc: [ ]\nd: [a, 'b', \"c\" , -d, 1, e:f, g=h,]\n",
        "- {}\n- []\n- [a]\n- [- a]\n- [a b]\n",
        "é: ü\n'é': \"ü\" # é\nb: é x\n",
        "a: 'b' # c\nd: \"e\"f\n",
        "a: b#c\nd: e #f\ng: #h\ni:\n",
        "a: ~\nb: <<\nc: -d\ne: =\nf: \\g\nh: (i)\n",
        "-a: b\n.c: d\n/e: f\n_g: h\ni.j/k-l: m\n",
        "---\na: b\n...\n",
        "--- # c\n# d\n  a: b\n",
        "# a\n\n",
        "a: .inf\n",
        "a: 1\na: 2\n",
        "<<: {}\n",
        "yes: no\n",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    sidecar.istio.io/proxyImage: a/b:1\n    a/b: c\n    \
         config.kubernetes.io/function: |\n      container:\n        image: d:1\nspec:\n  containers:\n    - image: e\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 1 # image\n  image: a\n  x:\n    # image\n    y: z\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  a:\n    image: b\n  c:\n    d: e\n  initcontainers:\n  - image: f\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  a:\n  - b: |\n      c\n\n      image: d\n    e: f\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  image:\n    name: a\n    tag: b\n  c: {}\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  a:\n    repository: b\n    tag: c\n    d: e\nstatus:\n  image: f\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  a: [x, image]\n  TOOL_IMAGE: b:1\n  c: image\nlast: x\n",
    ];
    let mut tally = Tally::default();
    for text in own.iter().chain(cases::CASES) {
        assert_eq!(tally.compare(text), None);
    }
    assert!(tally.taken > 20, "{tally:?}");
}
