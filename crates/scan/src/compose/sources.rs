//! The files that make up projects: inputs, and those that inputs refer to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dotenv::{self, DotEnv};
use super::file::{self, ComposeFile};
use super::interpolate::Variable;
use crate::input;
use crate::report::ReadFile;
use crate::yaml::Limits;

/// Most files that are read beyond the inputs.
const MAX_FOLLOWED: usize = 500;

/// Most bytes of a file with variables.
const MAX_ENV_BYTES: u64 = 1 << 20;

/// The first line that is not understood, 0 for none, and the variables before it.
type EnvFile = (u32, Arc<BTreeMap<String, Variable>>);

/// A file by its number among the sources.
pub(super) type FileId = usize;

#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) name: String,
    /// `None` for standard input, which belongs to the working folder.
    pub(super) path: Option<PathBuf>,
    /// Its place among the inputs; `None` for one that was followed.
    pub(super) input: Option<usize>,
    pub(super) file: Arc<ComposeFile>,
}

impl SourceFile {
    /// The folder to which its paths are relative.
    pub(super) fn folder(&self) -> PathBuf {
        self.path.as_deref().and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default()
    }
}

/// Why a file is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotFollowed {
    /// An address, such as that of a Git repository.
    Remote,
    /// Neither below the working folder nor below that of an input.
    Outside,
    Missing,
    /// No Compose file.
    OtherContent,
    /// Beyond [`MAX_FOLLOWED`].
    TooMany,
}

impl NotFollowed {
    pub(super) fn words(self) -> String {
        match self {
            Self::Remote => "which is not on this machine".to_owned(),
            Self::Outside => {
                "which lies neither below the working folder nor below that of the file".to_owned()
            }
            Self::Missing => "which cannot be read".to_owned(),
            Self::OtherContent => "which is no Compose file".to_owned(),
            Self::TooMany => format!("after {MAX_FOLLOWED} other files"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Sources {
    limits: Limits,
    /// Folders below which files are followed, without symbolic links.
    roots: Vec<PathBuf>,
    pub(super) files: Vec<SourceFile>,
    by_path: BTreeMap<PathBuf, FileId>,
    /// Those that were followed, with what was read of them.
    pub(super) followed: Vec<ReadFile>,
    env_files: BTreeMap<PathBuf, Option<EnvFile>>,
}

impl Sources {
    /// Takes the Compose files from among the inputs.
    pub(super) fn new(inputs: &mut [ReadFile], limits: Limits) -> Self {
        let mut sources = Self {
            limits,
            roots: Path::new(".").canonicalize().into_iter().collect(),
            files: Vec::new(),
            by_path: BTreeMap::new(),
            followed: Vec::new(),
            env_files: BTreeMap::new(),
        };
        for (index, input) in inputs.iter_mut().enumerate() {
            let Some(file) = input.compose.take() else { continue };
            let path = input.path.clone();
            if let Some(canonical) = path.as_deref().and_then(|path| path.canonicalize().ok()) {
                sources.roots.extend(canonical.parent().map(Path::to_path_buf));
                sources.by_path.insert(canonical, sources.files.len());
            }
            let name = input.name.clone();
            sources.files.push(SourceFile { name, path, input: Some(index), file: Arc::new(file) });
        }
        sources.roots.sort();
        sources.roots.dedup();
        sources
    }

    fn is_within_roots(&self, path: &Path) -> bool {
        path.ancestors().any(|folder| self.roots.binary_search_by(|root| root.as_path().cmp(folder)).is_ok())
    }

    /// The file at a path that is relative to a folder. It is read if it is no input.
    pub(super) fn follow(&mut self, folder: &Path, path: &str) -> Result<FileId, NotFollowed> {
        if path.contains("://") || path.starts_with("git@") || path.contains(".git#") {
            return Err(NotFollowed::Remote);
        }
        let path = folder.join(path);
        let canonical = path.canonicalize().map_err(|_| NotFollowed::Missing)?;
        if let Some(&known) = self.by_path.get(&canonical) {
            return Ok(known);
        }
        if !self.is_within_roots(&canonical) {
            return Err(NotFollowed::Outside);
        }
        if self.followed.len() == MAX_FOLLOWED {
            return Err(NotFollowed::TooMany);
        }
        // A pipe or a device would never end.
        if !canonical.is_file() {
            return Err(NotFollowed::Missing);
        }
        let mut buffer = Vec::new();
        let mut opened = File::open(&path).map_err(|_| NotFollowed::Missing)?;
        let source = input::read(&mut opened, &mut buffer, self.limits).map_err(|_| NotFollowed::Missing)?;
        let read = file::read_as(true, &source, self.limits).ok_or(NotFollowed::OtherContent)?;
        let name = input::name_of(&path);
        let (id, file) = (self.files.len(), Arc::new(read.file.clone()));
        self.followed.push(ReadFile::of_compose(name.clone(), Some(path.clone()), read));
        self.files.push(SourceFile { name, path: Some(path), input: None, file });
        self.by_path.insert(canonical, id);
        Ok(id)
    }

    /// The variables of a file. `None` where there is no such file.
    pub(super) fn variables(&mut self, path: &Path) -> Option<EnvFile> {
        let canonical = path.canonicalize().ok()?;
        if !self.is_within_roots(&canonical) || !canonical.is_file() {
            return None;
        }
        let known = self.env_files.entry(canonical).or_insert_with_key(|path| {
            let mut bytes = Vec::new();
            fs::File::open(path).ok()?.take(MAX_ENV_BYTES).read_to_end(&mut bytes).ok()?;
            let text = String::from_utf8_lossy(&bytes);
            let DotEnv { variables, broken_line } = dotenv::parse(&text);
            let is_cut = u64::try_from(bytes.len()).is_ok_and(|length| length == MAX_ENV_BYTES);
            let last_line = || u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
            let broken_line = broken_line.or_else(|| is_cut.then(last_line));
            Some((broken_line.unwrap_or(0), Arc::new(variables)))
        });
        known.clone()
    }
}
