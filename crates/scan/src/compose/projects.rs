//! Which files are one project: those that `docker compose` finds by itself, those that `COMPOSE_FILE` of a `.env` names
//! (cli/options.go of compose-spec/compose-go, `WithConfigFileEnv`), and each other file alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::model::Place;
use super::names;
use super::project::{ENV_FILE, Loader, PlacedRemark};
use super::sources::{FileId, Sources};
use crate::note::NoteCode;
use crate::yaml::Position;

/// Names the files of a project, and what separates their names.
const FILES: &str = "COMPOSE_FILE";
const SEPARATOR: &str = "COMPOSE_PATH_SEPARATOR";

/// What separates names by default. On Windows it is a semicolon: a file is read as on Linux and macOS.
const DEFAULT_SEPARATOR: &str = ":";

/// Files that Compose reads together, in its order.
pub(super) struct Project {
    pub(super) files: Vec<FileId>,
    /// Whether `docker compose` alone reads it, without `-f`.
    pub(super) is_found_by_compose: bool,
    /// The folder whose `.env` names the files: its variables have precedence over those of the first file's folder.
    pub(super) named_in: Option<PathBuf>,
}

/// The projects among the sources. Files that a `.env` names beyond the inputs are read.
pub(super) fn projects(loader: &mut Loader) -> Vec<Project> {
    let (mut projects, mut taken) = (Vec::new(), BTreeSet::new());
    let inputs = loader.sources.files.len();
    let mut named_in = BTreeSet::new();
    for folder in folders(&loader.sources) {
        let Some(files) = files_of_env(loader, &folder) else { continue };
        named_in.insert(folder.clone());
        if !files.is_empty() {
            taken.extend(files.iter().copied());
            projects.push(Project { files, is_found_by_compose: true, named_in: Some(folder) });
        }
    }
    let mut by_folder: BTreeMap<PathBuf, BTreeMap<String, FileId>> = BTreeMap::new();
    for (id, source) in loader.sources.files.iter().enumerate().take(inputs) {
        let name = source.path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
        if let Some(name) = name {
            by_folder.entry(source.folder()).or_default().insert(name.into_owned(), id);
        }
    }
    for (folder, files) in &by_folder {
        let first = |names: &[&str]| names.iter().find_map(|name| files.get(*name)).copied();
        let Some(main) = first(&names::DEFAULT).filter(|main| !taken.contains(main)) else { continue };
        // There, Compose reads other files.
        if named_in.contains(folder) {
            continue;
        }
        let files: Vec<FileId> = [main].into_iter().chain(first(&names::OVERRIDE)).collect();
        taken.extend(files.iter().copied());
        projects.push(Project { files, is_found_by_compose: true, named_in: None });
    }
    for id in (0..inputs).filter(|id| !taken.contains(id)) {
        projects.push(Project { files: vec![id], is_found_by_compose: false, named_in: None });
    }
    projects
}

/// The folders of the sources, and those above them, in which Compose may be started.
fn folders(sources: &Sources) -> BTreeSet<PathBuf> {
    let folders = sources.files.iter().filter(|source| source.path.is_some());
    folders
        .flat_map(|source| source.folder().ancestors().map(Path::to_path_buf).collect::<Vec<_>>())
        .collect()
}

/// The files that `COMPOSE_FILE` of a folder's `.env` names; `None` where it names none.
fn files_of_env(loader: &mut Loader, folder: &Path) -> Option<Vec<FileId>> {
    let (_, variables) = loader.sources.variables(&folder.join(ENV_FILE))?;
    let known = |name: &str| variables.get(name).filter(|value| value.as_deref() != Ok(""));
    let named = known(FILES)?;
    // A remark needs a file to stand in: the first one below the folder.
    let below = loader.sources.files.iter().position(|source| source.folder().starts_with(folder))?;
    let place = Place { file: below, at: Position::START };
    let mut remark = |message: String| {
        let env = folder.join(ENV_FILE);
        let message = format!("{FILES} of {} {message}", env.display());
        loader.remarks.insert(PlacedRemark { place, code: NoteCode::ComposeReference, message });
    };
    let Ok(named) = named else {
        remark("depends on a variable that is not known: it is not applied".to_owned());
        return None;
    };
    let separator = match known(SEPARATOR) {
        Some(Ok(separator)) => separator.as_str(),
        _ => DEFAULT_SEPARATOR,
    };
    let mut files = Vec::new();
    for name in named.split(separator) {
        match loader.sources.follow(folder, name) {
            Ok(file) => files.push(file),
            Err(why) => {
                remark(format!("names {name}, {}: its images are not judged here", why.words()));
            }
        }
    }
    Some(files)
}
