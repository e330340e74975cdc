//! Large files, read in pieces by several threads: of the text only some pieces are in memory.
//!
//! A file is cut where a line `---` stands between two documents. What the pieces say together is what the file says, unless
//! something in it needs the whole text: an error, another encoding, carriage returns, JSON, a template, a Compose file. Then
//! the file is left to the reader of whole files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memchr::memchr_iter;
use memchr::memmem::FinderRev;

use crate::charts;
use crate::compose;
use crate::file::Reading;
use crate::input::{self, Input};
use crate::kustomize;
use crate::parallel::{self, Threads};
use crate::report::ReadFile;
use crate::yaml::{Documents, Extent};

/// Bytes of a piece, as far as documents end there.
const PIECE: usize = 1 << 20;

/// Longest piece, for documents that are longer than usual: it is as much memory for each thread.
const MAX_PIECE: usize = 8 << 20;

/// The separator where a file is cut, with the end of the line before it.
const SEPARATOR: &str = "\n---\n";

/// Reads a large file. `None` where it has to be read as a whole.
pub(crate) fn read(reading: &Reading<'_>, input: &Input, path: &Path, threads: Threads) -> Option<ReadFile> {
    let file = File::open(path).ok()?;
    read_pieces(reading, input, path, threads, Pieces::new(file, reading.limits.bytes, PIECE))
}

fn read_pieces(
    reading: &Reading<'_>,
    input: &Input,
    path: &Path,
    threads: Threads,
    pieces: Pieces<impl Read + Send>,
) -> Option<ReadFile> {
    if kustomize::is_kustomization_file(path) || compose::is_compose_name(path) {
        return None;
    }
    let parts = parallel::map(pieces, threads, || (), |(), piece| part(reading, input, path, piece?));
    let mut file = ReadFile { path: Some(path.to_path_buf()), ..ReadFile::new(reading.name(input)) };
    let mut extent = Extent::default();
    for part in parts {
        let (part, read) = part?;
        extent = extent.and(read);
        file.documents += part.documents;
        file.manifests.extend(part.manifests);
    }
    if !extent.is_within(reading.limits) {
        return None;
    }
    file.count_as_read();
    file.fold_other_documents();
    Some(file)
}

/// Reads a piece; `None` where the whole text is needed.
fn part(reading: &Reading<'_>, input: &Input, path: &Path, piece: Piece) -> Option<(ReadFile, Extent)> {
    let Piece { mut text, separator } = piece;
    // In the middle of a file, the mark of an encoding is none.
    if text.contains(&b'\r') || matches!(text.first(), Some(0 | 0xef | 0xfe | 0xff)) {
        return None;
    }
    let source = input::decode(&mut text).ok()?;
    if charts::of_template(path, source.text()).is_some() || compose::may_hold_services(source.text()) {
        return None;
    }
    let mut documents = Documents::new(&source, reading.limits);
    if let Some(line) = separator {
        documents = documents.after_separator(line);
    }
    if !documents.are_separated() {
        return None;
    }
    let mut file = ReadFile::new(String::new());
    let extent = reading.documents(input, &source, documents, &mut file);
    file.notes.is_empty().then_some((file, extent))
}

/// A part of a file that ends with a document.
#[derive(Debug)]
struct Piece {
    text: Vec<u8>,
    /// The line of the separator before it; `None` at the begin of the file.
    separator: Option<u32>,
}

/// Cuts a file. An item is `None`, and the last one, where the file cannot be cut or read.
struct Pieces<R> {
    reader: R,
    /// Bytes that may still be read.
    budget: u64,
    size: usize,
    separators: FinderRev<'static>,
    /// What was read and follows the last piece.
    rest: Vec<u8>,
    /// The line of the separator before it.
    separator: Option<u32>,
    is_ended: bool,
}

impl<R: Read> Pieces<R> {
    fn new(reader: R, budget: u64, size: usize) -> Self {
        let separators = FinderRev::new(SEPARATOR);
        Self { reader, budget, size, separators, rest: Vec::new(), separator: None, is_ended: false }
    }

    /// Reads more; whether there was more.
    fn fill(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let size = u64::try_from(self.size).unwrap_or(u64::MAX);
        let read = (&mut self.reader).take(size).read_to_end(text)?;
        self.budget = self
            .budget
            .checked_sub(u64::try_from(read).unwrap_or(u64::MAX))
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read > 0)
    }

    fn cut(&mut self) -> io::Result<Option<Piece>> {
        let mut text = Vec::with_capacity(self.rest.len() + self.size);
        text.append(&mut self.rest);
        loop {
            if !self.fill(&mut text)? {
                self.is_ended = true;
                let separator = self.separator;
                return Ok((!text.is_empty()).then_some(Piece { text, separator }));
            }
            if let Some(at) = self.separators.rfind(&text) {
                self.rest = text.split_off(at + SEPARATOR.len());
                let lines = u32::try_from(memchr_iter(b'\n', &text).count()).unwrap_or(u32::MAX);
                text.truncate(at + 1);
                let separator = self.separator;
                self.separator = Some(separator.unwrap_or(0).saturating_add(lines));
                return Ok(Some(Piece { text, separator }));
            }
            if text.len() >= MAX_PIECE {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
    }
}

impl<R: Read> Iterator for Pieces<R> {
    type Item = Option<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_ended {
            return None;
        }
        self.cut().map_or_else(
            |_| {
                self.is_ended = true;
                Some(None)
            },
            |piece| piece.map(Some),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use tagwatch_core::kinds::Kinds;

    use super::*;
    use crate::manifest::Prefilter;
    use crate::yaml::Limits;

    /// Documents of every kind that the reader meets.
    const DOCUMENTS: [&str; 14] = [
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n    - name: b\n      image: c:latest\n",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    b\n\n    ---\n    c\n",
        "apiVersion: example.com/v1\nkind: Database\nspec:\n  image: postgres\n  image2: é\n",
        "a: b\n",
        "# only a comment\n",
        "\n",
        "---\n",
        "a: 1\na: 2\n",
        "a: *unknown\n",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n",
        "services:\n  a:\n    image: b\n",
        "apiVersion: v1\r\nkind: Pod\r\n",
        "\u{feff}a: b\n",
    ];

    /// Reads a text whole, and in pieces of at least so many bytes.
    fn both(text: &str, size: usize, limits: Limits) -> (String, Option<String>) {
        let kinds = Kinds::default();
        let prefilter = Prefilter::new(&kinds);
        let reading = Reading { limits, kinds: &kinds, prefilter: &prefilter, stdin_name: None };
        let path = Path::new("all.yaml");
        let input = Input::Found(path.to_path_buf());
        let whole = reading.input(&input, &mut text.as_bytes(), &mut Vec::new());
        let threads = Threads::new(NonZeroUsize::new(2));
        let pieces = Pieces::new(text.as_bytes(), limits.bytes, size);
        let in_pieces = read_pieces(&reading, &input, path, threads, pieces);
        (format!("{whole:#?}"), in_pieces.map(|file| format!("{file:#?}")))
    }

    #[test]
    fn pieces_say_together_what_the_file_says() {
        let mut in_pieces = 0;
        for first in DOCUMENTS {
            for second in DOCUMENTS {
                for end in ["", "---\n", "---\na: b", "--- # c\na: b\n"] {
                    let documents = [DOCUMENTS[0], first, DOCUMENTS[1], second, DOCUMENTS[3]];
                    let text = documents.join("---\n") + end;
                    for size in [1, 64, 200] {
                        let (whole, pieces) = both(&text, size, Limits::default());
                        if let Some(pieces) = pieces {
                            assert_eq!(pieces, whole, "{text:?}");
                            in_pieces += 1;
                        }
                    }
                }
            }
        }
        assert!(in_pieces > 600, "{in_pieces}");
    }

    #[test]
    fn the_limits_of_a_file_are_for_all_of_its_pieces() {
        let text = ["a: b\n"; 20].join("---\n");
        for limits in [
            Limits { bytes: 100, ..Limits::default() },
            Limits { documents: 19, ..Limits::default() },
            Limits { nodes: 59, ..Limits::default() },
        ] {
            assert_eq!(both(&text, 16, limits).1, None, "{limits:?}");
        }
        let exact = Limits { bytes: 176, documents: 20, nodes: 60, ..Limits::default() };
        let (whole, pieces) = both(&text, 16, exact);
        assert_eq!(pieces, Some(whole));
    }
}
