//! From the paths of the command line to the files to read. Their order depends only on their names.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::STDIN_NAME;
use crate::kustomize::is_kustomization_file;
use crate::note::{Note, NoteCode};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// The file name in positions: the path as reached from the command line.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Stdin => STDIN_NAME.to_owned(),
            Self::File(path) => path_name(path),
        }
    }

    /// The path of a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::File(path) => Some(path),
        }
    }
}

/// How notes name a path of the command line.
pub(crate) fn name_of(path: &Path) -> String {
    if path.as_os_str() == "-" { STDIN_NAME.to_owned() } else { path_name(path) }
}

fn path_name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Lists the inputs of a scan once each, in the order of `paths`, and the files of a folder by name. Unreadable and
/// skipped files become notes.
pub(crate) fn discover(paths: &[PathBuf], notes: &mut Vec<Note>) -> Vec<Input> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            walk(path, &mut inputs, notes);
        } else {
            inputs.push(Input::File(without_dot(path)));
        }
    }
    let mut seen = BTreeSet::new();
    inputs.retain(|input| seen.insert(input.clone()));
    inputs
}

fn walk(folder: &Path, inputs: &mut Vec<Input>, notes: &mut Vec<Note>) {
    let before = inputs.len() + notes.len();
    // For the same result on every machine: ignore files apply outside a Git checkout too, but not those of the user or
    // of the .git folder.
    let entries = WalkBuilder::new(folder)
        .require_git(false)
        .git_global(false)
        .git_exclude(false)
        .follow_links(false)
        .sort_by_file_path(Path::cmp)
        .build();
    for entry in entries {
        match entry {
            Ok(entry) => visit(&entry, inputs, notes),
            Err(error) => {
                notes.push(Note::new(&path_name(folder), NoteCode::UnreadableInput, &error.to_string()));
            }
        }
    }
    if inputs.len() + notes.len() == before {
        let message = "no *.yaml, *.yml or *.json file in this folder that is neither hidden nor ignored";
        notes.push(Note::new(&path_name(folder), NoteCode::NoManifests, message));
    }
}

fn visit(entry: &DirEntry, inputs: &mut Vec<Input>, notes: &mut Vec<Note>) {
    let path = entry.path();
    if let Some(error) = entry.error() {
        let message = format!("an ignore file is not understood: {error}");
        notes.push(Note::new(&path_name(path), NoteCode::InvalidIgnoreFile, &message));
    }
    let Some(file_type) = entry.file_type() else { return };
    if file_type.is_file() && is_manifest_name(path) {
        inputs.push(Input::File(without_dot(path)));
    } else if file_type.is_symlink() && entry.depth() > 0 && (is_manifest_name(path) || path.is_dir()) {
        let message = "a symbolic link, not followed; name it on the command line to have it read";
        notes.push(Note::new(&path_name(&without_dot(path)), NoteCode::SymlinkNotFollowed, message));
    }
}

fn is_manifest_name(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    matches!(extension.as_deref(), Some("yaml" | "yml" | "json")) || is_kustomization_file(path)
}

/// `./a.yaml` and `a.yaml` are the same file.
fn without_dot(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_path_buf()
}
