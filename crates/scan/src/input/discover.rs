//! From the paths of the command line to the files to read. Their order depends only on their names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::walk::Exclude;
use super::{STDIN_NAME, walk};
use crate::note::Note;
use crate::parallel::Threads;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Stdin,
    /// A file that the command line names.
    Named(PathBuf),
    /// A file of a folder that the command line names.
    Found(PathBuf),
}

impl Input {
    /// The file name in positions: the path as reached from the command line.
    pub(crate) fn name(&self) -> String {
        self.path().map_or_else(|| STDIN_NAME.to_owned(), path_name)
    }

    /// The path of a file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::Named(path) | Self::Found(path) => Some(path),
        }
    }
}

/// How notes name a path of the command line.
pub(crate) fn name_of(path: &Path) -> String {
    if path.as_os_str() == "-" { STDIN_NAME.to_owned() } else { path_name(path) }
}

pub(super) fn path_name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Lists the inputs of a scan once each, in the order of `paths`, and the files of a folder by name. What is not read becomes
/// a note.
pub(crate) fn discover(
    paths: &[PathBuf],
    exclude: &Exclude,
    threads: Threads,
    notes: &mut Vec<Note>,
) -> Vec<Input> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            inputs
                .extend(walk::walk(path, exclude, threads.get().get(), notes).into_iter().map(Input::Found));
        } else {
            inputs.push(Input::Named(without_dot(path)));
        }
    }
    if paths.len() > 1 {
        let mut seen = BTreeSet::new();
        inputs.retain(|input| seen.insert(input.path().map(Path::to_path_buf)));
    }
    inputs
}

/// `./a.yaml` and `a.yaml` are the same file.
pub(super) fn without_dot(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_path_buf()
}
