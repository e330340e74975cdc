//! From the text of one file to its manifests.

use std::fs::File;
use std::io::Read;
use std::mem;
use std::path::Path;

use memchr::memmem;
use tagwatch_core::kinds::Kinds;

use crate::charts;
use crate::compose;
use crate::input::{self, Input, ReadError};
use crate::kustomize::{self, Kustomization};
use crate::manifest::{DIRECTIVE, Manifest, Prefilter, has_patch_directive};
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::{Document, Documents, Extent, Limits, Need, Position, ReplacedByte, Source};

/// How much of a buffer stays for the next file, in bytes: more than almost every manifest needs.
const KEPT_BUFFER: usize = 1 << 20;

/// Files with more bytes are read in pieces.
pub(crate) const LARGE: u64 = 4 << 20;

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) limits: Limits,
    pub(crate) kinds: &'a Kinds,
    pub(crate) prefilter: &'a Prefilter<'a>,
    /// What places call standard input, in place of `<stdin>`.
    pub(crate) stdin_name: Option<&'a str>,
}

impl Reading<'_> {
    /// Opens and reads a file; `None` if it is [`LARGE`] and can be opened again. The buffer is scratch space, which saves
    /// memory when it is used again.
    pub(crate) fn small_file(&self, input: &Input, path: &Path, buffer: &mut Vec<u8>) -> Option<ReadFile> {
        let mut opened = match File::open(path) {
            Ok(opened) => opened,
            Err(error) => return Some(unread(self.name(input), &ReadError::Io(error))),
        };
        let limits = Limits { bytes: self.limits.bytes.min(LARGE), ..self.limits };
        let file = match input::read_manifest(&mut opened, buffer, limits) {
            Ok(source) => self.text(input, &source),
            Err(ReadError::TooLarge(LARGE)) if opened.metadata().is_ok_and(|metadata| metadata.is_file()) => {
                return None;
            }
            Err(ReadError::TooLarge(LARGE)) => {
                // A pipe cannot be opened again.
                let begin = mem::take(buffer);
                return Some(self.input(input, &mut begin.as_slice().chain(opened), buffer));
            }
            Err(error) => unread(self.name(input), &error),
        };
        Some(settle(input, file, buffer))
    }

    /// Opens and reads a file as a whole.
    pub(crate) fn whole_file(&self, input: &Input, path: &Path) -> ReadFile {
        match File::open(path) {
            Ok(mut file) => self.input(input, &mut file, &mut Vec::new()),
            Err(error) => unread(self.name(input), &ReadError::Io(error)),
        }
    }

    pub(crate) fn name(&self, input: &Input) -> String {
        match (input, self.stdin_name) {
            (Input::Stdin, Some(name)) => name.to_owned(),
            _ => input.name(),
        }
    }

    /// Reads the text of an input.
    pub(crate) fn input(&self, input: &Input, reader: &mut dyn Read, buffer: &mut Vec<u8>) -> ReadFile {
        let file = match input::read_manifest(reader, buffer, self.limits) {
            Ok(source) => self.text(input, &source),
            Err(error) => unread(self.name(input), &error),
        };
        settle(input, file, buffer)
    }

    fn text(&self, input: &Input, source: &Source<'_>) -> ReadFile {
        let (path, name) = (input.path(), self.name(input));
        let is_named = matches!(input, Input::Named(_));
        // The documents of one that is named are read as far as they are none.
        if let Some(chart) =
            path.filter(|_| !is_named).and_then(|path| charts::of_template(path, source.text()))
        {
            return ReadFile::of_template(name, path, chart);
        }
        if let Some(read) = compose::read(path, source, self.limits) {
            return ReadFile::of_compose(name, path.map(Path::to_path_buf), read);
        }
        let mut file = ReadFile { path: path.map(Path::to_path_buf), ..ReadFile::new(name) };
        if let Some(ReplacedByte { at, byte }) = source.replaced_byte() {
            let message = format!(
                "not UTF-8: byte 0x{byte:02x}; kubectl reads U+FFFD in its place, and in that of others, and so does tagwatch"
            );
            file.notes.push(Note::at(&file.name, at, NoteCode::ReplacedByte, &message));
        }
        self.documents(input, source, Documents::new(source, self.limits), &mut file);
        file.count_as_read();
        file.fold_other_documents();
        file
    }

    /// Adds the documents of a text, or of a part of it. Returns how much was read.
    pub(crate) fn documents(
        &self,
        input: &Input,
        source: &Source<'_>,
        documents: Documents<'_>,
        file: &mut ReadFile,
    ) -> Extent {
        let path = input.path();
        let is_kustomization = path.is_some_and(kustomize::is_kustomization_file);
        let is_named = matches!(input, Input::Named(_));
        let values = path.and_then(|path| Some((path, charts::kind_of_file(path, is_named)?)));
        let can_patch = memmem::find(source.text().as_bytes(), DIRECTIVE.as_bytes()).is_some();
        let need = |text: &str| match self.prefilter.need(text) {
            // Directives are looked for everywhere.
            Need::Keys(_) if can_patch => Need::Everything,
            need => need,
        };
        let mut documents = documents;
        if !is_kustomization && values.is_none() {
            documents = documents.needing(&need);
        }
        for document in documents.by_ref() {
            match document {
                Ok(document) if is_kustomization && Kustomization::is_in(document.root()) => {
                    let mut manifest = Manifest::default();
                    let kustomization = file.kustomization.get_or_insert_default();
                    kustomization.add(document.root(), self.kinds, &mut manifest);
                    file.add(manifest);
                }
                Ok(document) => file.add(self.document(&document, values, can_patch)),
                Err(located) => file.notes.push(Note::of_document(&file.name, &located)),
            }
        }
        file.documents += documents.passed_over();
        documents.extent()
    }

    /// A document of a file with values, or a manifest.
    fn document(
        &self,
        document: &Document<'_>,
        values: Option<(&Path, charts::ValuesFile)>,
        can_patch: bool,
    ) -> Manifest {
        if let Some((path, kind)) = values {
            let mut manifest = Manifest::default();
            if charts::read_file(document.root(), path, kind, &mut manifest) {
                return manifest;
            }
        }
        let mut manifest = Manifest::read(document, self.kinds);
        if can_patch && has_patch_directive(document.root()) {
            manifest.set_aside_as_patch();
        }
        manifest
    }
}

/// Decides on the errors of a file whose bytes are in the buffer, which is then free.
fn settle(input: &Input, mut file: ReadFile, buffer: &mut Vec<u8>) -> ReadFile {
    if file.is_incomplete() && !must_be_read(input, buffer) {
        file.set_aside();
    }
    buffer.shrink_to(KEPT_BUFFER);
    file
}

/// Whether it is an error that an input cannot be read: one that the command line names, and one that kubectl, Kustomize or
/// Compose would be given.
fn must_be_read(input: &Input, text: &[u8]) -> bool {
    match input {
        Input::Stdin | Input::Named(_) => true,
        Input::Found(path) => {
            kustomize::is_kustomization_file(path)
                || compose::is_compose_name(path)
                || input::is_meant_for_kubectl(text)
        }
    }
}

fn unread(name: String, error: &ReadError) -> ReadFile {
    let (at, code) = match error {
        ReadError::Io(_) => (Position::START, NoteCode::UnreadableInput),
        ReadError::TooLarge(_) => (Position::START, NoteCode::OverBudget),
        ReadError::Utf32 | ReadError::NotUtf16 => (Position::START, NoteCode::InvalidEncoding),
        ReadError::NotUtf8 { at, .. } => (*at, NoteCode::InvalidEncoding),
    };
    ReadFile::unread(Note::at(&name, at, code, &error.to_string()), name)
}
