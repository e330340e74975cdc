//! The manifests of a folder: what ignore files, `--exclude`, hidden names and symbolic links leave of it.

use std::ffi::OsStr;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};
use thiserror::Error;

use super::discover::{path_name, without_dot};
use crate::kustomize::is_kustomization_file;
use crate::note::{Note, NoteCode};
use crate::policy_file::POLICY_FILE_NAME;

/// The ignore file of tagwatch alone, beside `.gitignore` and `.ignore`. It has precedence over both.
const IGNORE_FILE_NAME: &str = ".tagwatchignore";

/// Git's own folder holds no file of the repository.
const GIT_FOLDER_NAME: &str = ".git";

/// Most hidden names that a note shows.
const MAX_HIDDEN_NAMED: usize = 3;

/// Patterns of files and folders that are not read, in the syntax of `.gitignore`, as if written in the scanned folder.
#[derive(Debug, Clone, Default)]
pub struct Exclude(Vec<String>);

/// A pattern that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidGlob(String);

impl Exclude {
    /// Takes patterns in their order: of those that match, the last one decides.
    ///
    /// # Errors
    /// The first pattern that is not understood.
    pub fn new(globs: Vec<String>) -> Result<Self, InvalidGlob> {
        let exclude = Self(globs);
        exclude.under(Path::new(".")).map_err(|error| InvalidGlob(error.to_string()))?;
        Ok(exclude)
    }

    fn under(&self, folder: &Path) -> Result<Gitignore, ignore::Error> {
        let mut builder = GitignoreBuilder::new(folder);
        for glob in &self.0 {
            builder.add_line(None, glob)?;
        }
        builder.build()
    }
}

/// What one thread has found.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    /// With the paths that decide on their order.
    notes: Vec<(PathBuf, Note)>,
    hidden: Vec<PathBuf>,
}

/// Lists the manifests below a folder in the order of their paths. What is met and not read becomes a note, in the same
/// order.
pub(super) fn walk(folder: &Path, exclude: &Exclude, threads: usize, notes: &mut Vec<Note>) -> Vec<PathBuf> {
    let all = Mutex::new(Found::default());
    // The patterns were understood when they were taken.
    let exclude = exclude.under(folder).unwrap_or_else(|_| Gitignore::empty());
    // For the same result on every machine: ignore files apply outside a Git checkout too, but not those of the user or
    // of the .git folder. Hidden names are left out below, where they are counted.
    let walker = WalkBuilder::new(folder)
        .hidden(false)
        .require_git(false)
        .git_global(false)
        .git_exclude(false)
        .follow_links(false)
        .add_custom_ignore_filename(IGNORE_FILE_NAME)
        .threads(threads)
        .filter_entry(move |entry| {
            let is_folder = entry.file_type().is_some_and(|file_type| file_type.is_dir());
            entry.depth() == 0
                || entry.file_name() != GIT_FOLDER_NAME
                    && !exclude.matched(entry.path(), is_folder).is_ignore()
        })
        .build_parallel();
    walker.run(|| {
        let mut own = Collected { found: Found::default(), all: &all };
        Box::new(move |entry| {
            match entry {
                Ok(entry) => return own.found.visit(&entry),
                Err(error) => {
                    let note = Note::new(&path_name(folder), NoteCode::UnreadableInput, &error.to_string());
                    own.found.notes.push((folder.to_path_buf(), note));
                }
            }
            WalkState::Continue
        })
    });
    let Found { mut files, notes: mut found, mut hidden } =
        all.into_inner().unwrap_or_else(PoisonError::into_inner);
    files.sort_by_cached_key(|path| order(path));
    found.sort_by(|(one, a), (another, b)| one.cmp(another).then_with(|| a.message.cmp(&b.message)));
    hidden.sort_unstable();
    if files.is_empty() && found.is_empty() {
        let message = "no *.yaml, *.yml or *.json file in this folder that is neither hidden nor ignored";
        notes.push(Note::new(&path_name(folder), NoteCode::NoManifests, message));
    }
    notes.extend(found.into_iter().map(|(_, note)| note));
    notes.extend(hidden_note(folder, &hidden));
    files
}

/// What a thread finds, which joins the rest when the thread ends.
struct Collected<'a> {
    found: Found,
    all: &'a Mutex<Found>,
}

impl Drop for Collected<'_> {
    fn drop(&mut self) {
        let Found { files, notes, hidden } = std::mem::take(&mut self.found);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.files.extend(files);
        all.notes.extend(notes);
        all.hidden.extend(hidden);
    }
}

impl Found {
    fn visit(&mut self, entry: &DirEntry) -> WalkState {
        let path = entry.path();
        if let Some(error) = entry.error() {
            let message = format!("an ignore file is not understood: {error}");
            let note = Note::new(&path_name(path), NoteCode::InvalidIgnoreFile, &message);
            self.notes.push((path.to_path_buf(), note));
        }
        let Some(file_type) = entry.file_type() else { return WalkState::Continue };
        let is_hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
        if is_hidden {
            let is_manifest = file_type.is_file() && is_manifest_name(path);
            if file_type.is_dir() || is_manifest && entry.file_name() != POLICY_FILE_NAME {
                self.hidden.push(without_dot(path));
            }
            return WalkState::Skip;
        }
        if file_type.is_file() && is_manifest_name(path) {
            self.files.push(without_dot(path));
        } else if file_type.is_symlink() && entry.depth() > 0 && (is_manifest_name(path) || path.is_dir()) {
            let message = "a symbolic link, not followed; name it on the command line to have it read";
            let note = Note::new(&path_name(&without_dot(path)), NoteCode::SymlinkNotFollowed, message);
            self.notes.push((path.to_path_buf(), note));
        }
        WalkState::Continue
    }
}

/// Orders paths as [`Path`] does, folder by folder, which compares bytes and does not take paths apart each time.
fn order(path: &Path) -> Vec<u8> {
    let is_separator = |byte: u8| char::from(byte) == MAIN_SEPARATOR;
    // No name has a NUL in it.
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|&byte| if is_separator(byte) { 0 } else { byte })
        .collect()
}

fn hidden_note(folder: &Path, hidden: &[PathBuf]) -> Option<Note> {
    let first = hidden.first()?;
    let names: Vec<String> = hidden.iter().take(MAX_HIDDEN_NAMED).map(|path| path_name(path)).collect();
    let more = if hidden.len() > MAX_HIDDEN_NAMED { ", …" } else { "" };
    let (count, are) = match hidden.len() {
        1 => ("1 hidden file or folder".to_owned(), "is"),
        count => (format!("{count} hidden files and folders"), "are"),
    };
    let message = format!(
        "{count} {are} not read: {}{more}; name one on the command line to have it read",
        names.join(", ")
    );
    let file = if hidden.len() == 1 { path_name(first) } else { path_name(folder) };
    Some(Note::new(&file, NoteCode::HiddenNotRead, &message))
}

fn is_manifest_name(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    let is = |known: &str| extension.is_some_and(|extension| extension.eq_ignore_ascii_case(known));
    is("yaml") || is("yml") || is("json") || is_kustomization_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_ordered_folder_by_folder() {
        let mut paths =
            ["a/b", "a-b", "a/b/c", "a", "a.yaml", "a/b-c", "a/b!", "b", "é/a", "z/é"].map(PathBuf::from);
        let mut expected = paths.clone();
        expected.sort_unstable();
        paths.sort_by_cached_key(|path| order(path));
        assert_eq!(paths, expected);
    }
}
