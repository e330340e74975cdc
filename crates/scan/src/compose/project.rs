//! Projects: files that Compose reads together. Order and precedence are those of loader/loader.go, loader/include.go and
//! loader/extends.go of compose-spec/compose-go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{ComposeDocument, Include};
use super::interpolate::Variables;
use super::model::{Known, Layer, Place, Value};
use super::projects::Project;
use super::sources::{FileId, NotFollowed, Sources};
use crate::note::NoteCode;
use crate::yaml::Position;

/// Most levels of `include`, and of `extends`.
const MAX_DEPTH: usize = 32;

/// Most services that are read in all, each time that a project includes or extends them.
const MAX_SERVICES: usize = 200_000;

/// Name of the file with the variables of a project.
pub(super) const ENV_FILE: &str = ".env";

/// Services by their names.
pub(super) type Services = BTreeMap<String, Known>;

type Layers = BTreeMap<String, Layer>;

/// A remark on a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlacedRemark {
    pub(super) place: Place,
    pub(super) code: NoteCode,
    pub(super) message: String,
}

/// What holds for the files of one project.
#[derive(Debug, Clone)]
struct Scope {
    /// The folder to which its paths are relative.
    folder: PathBuf,
    variables: Variables,
}

/// Puts projects together.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) sources: Sources,
    pub(super) remarks: BTreeSet<PlacedRemark>,
    /// Services that a service of another file extends.
    pub(super) extended: BTreeSet<(FileId, String)>,
    services_left: usize,
}

/// The services of a file under the variables of a project, so that each file is read once for a project.
type Cache = BTreeMap<FileId, Arc<Layers>>;

/// What `extends` has led to so far.
struct Trail<'t> {
    scope: &'t Scope,
    cache: &'t mut Cache,
    seen: Vec<(FileId, String)>,
}

impl Loader {
    pub(super) fn new(sources: Sources) -> Self {
        Self { sources, remarks: BTreeSet::new(), extended: BTreeSet::new(), services_left: MAX_SERVICES }
    }

    /// The services of a project of its own, in the folder of its first file.
    pub(super) fn load(&mut self, project: &Project) -> Services {
        let Project { files, named_in, is_found_by_compose: _ } = project;
        let Some(&first) = files.first() else { return Services::new() };
        let folder = self.sources.files[first].folder();
        let at = Place { file: first, at: Position::START };
        let mut variables = Variables::default();
        for folder in named_in.iter().filter(|other| **other != folder).chain([&folder]) {
            variables = self.with_env(variables, &folder.join(ENV_FILE), at);
        }
        self.load_files(files, &Scope { folder, variables }, &[])
    }

    fn remark(&mut self, place: Place, code: NoteCode, message: impl Into<String>) {
        self.remarks.insert(PlacedRemark { place, code, message: message.into() });
    }

    /// Adds the variables of a file, if there is one.
    fn with_env(&mut self, variables: Variables, path: &Path, from: Place) -> Variables {
        let Some((broken_line, read)) = self.sources.variables(path) else { return variables };
        if broken_line > 0 {
            let name = path.display();
            let message =
                format!("{name}, line {broken_line}, is not understood: what follows it is not read");
            self.remark(from, NoteCode::ComposeReference, message);
        }
        variables.and(read)
    }

    /// `including` are the files that led here.
    fn load_files(&mut self, files: &[FileId], scope: &Scope, including: &[FileId]) -> Services {
        let mut services = Services::new();
        let mut cache = Cache::new();
        for &file in files {
            let documents = Arc::clone(&self.sources.files[file].file);
            for document in &documents.0 {
                let layers = self.layers_with_includes(document, file, scope, including);
                if document.resets_services {
                    services.clear();
                }
                for (name, layer) in &layers {
                    let seen = vec![(file, name.clone())];
                    let mut trail = Trail { scope, cache: &mut cache, seen };
                    let known = self.extend(layer, (&layers, file), &scope.folder, &mut trail);
                    let below = services.remove(name).unwrap_or_default();
                    if !layer.resets.is_gone {
                        services.insert(name.clone(), below.under(layer.resets, known));
                    }
                }
            }
        }
        services
    }

    /// The services of a document under the variables of a project.
    fn layers(&mut self, document: &ComposeDocument, file: FileId, scope: &Scope) -> Layers {
        let mut layers = Layers::new();
        for (name, service) in &document.services {
            if self.services_left == 0 {
                let place = Place { file, at: service.at };
                let message = format!("more than {MAX_SERVICES} services in all: the others are not read");
                self.remark(place, NoteCode::OverBudget, message);
                break;
            }
            self.services_left -= 1;
            layers.insert(name.clone(), Layer::new(service, file, &scope.variables));
        }
        layers
    }

    /// Included services come first, and the document's own are merged over them.
    fn layers_with_includes(
        &mut self,
        document: &ComposeDocument,
        file: FileId,
        scope: &Scope,
        including: &[FileId],
    ) -> Layers {
        let mut layers = self.layers(document, file, scope);
        for include in &document.includes {
            for (name, known) in self.include(include, file, scope, including) {
                let layer = match layers.remove(&name) {
                    Some(own) => own.over_included(known),
                    None => Layer::included(known),
                };
                layers.insert(name, layer);
            }
        }
        layers
    }

    fn include(&mut self, include: &Include, file: FileId, scope: &Scope, including: &[FileId]) -> Services {
        let place = |at| Place { file, at };
        let mut including = including.to_vec();
        including.push(file);
        let mut files = Vec::new();
        for path in &include.paths {
            let value = Value::new(path, file, &scope.variables);
            match self.follow(&scope.folder, &value, "include") {
                Some(id) if including.contains(&id) || including.len() > MAX_DEPTH => {
                    let message = format!("includes itself, or more than {MAX_DEPTH} files in one another");
                    self.remark(place(path.at), NoteCode::InvalidField, message);
                }
                Some(id) => files.push(id),
                None => {}
            }
        }
        let Some(&first) = files.first() else { return Services::new() };
        let own = include.project_directory.as_ref().map(|folder| Value::new(folder, file, &scope.variables));
        let folder = match own.and_then(|folder| folder.text.ok()) {
            Some(folder) => scope.folder.join(folder),
            None => self.sources.files[first].folder(),
        };
        let at = include.paths.first().map_or(Position::START, |path| path.at);
        let mut variables = scope.variables.clone();
        if include.env_files.is_empty() {
            variables = self.with_env(variables, &folder.join(ENV_FILE), place(at));
        }
        // Of several files, the last one that names a variable counts.
        for env_file in include.env_files.iter().rev() {
            if let Ok(path) = Value::new(env_file, file, &scope.variables).text {
                variables = self.with_env(variables, &scope.folder.join(path), place(env_file.at));
            }
        }
        self.load_files(&files, &Scope { folder, variables }, &including)
    }

    /// The file that a field names. A remark says why one is not followed: what it holds is not judged here.
    fn follow(&mut self, folder: &Path, path: &Value, field: &str) -> Option<FileId> {
        let Ok(text) = &path.text else {
            let message = format!("{field} names a file by a variable that is not known: it is not read");
            self.remark(path.place, NoteCode::ComposeReference, message);
            return None;
        };
        match self.sources.follow(folder, text) {
            Ok(id) => Some(id),
            Err(why) => {
                let code = match why {
                    NotFollowed::TooMany => NoteCode::OverBudget,
                    _ => NoteCode::ComposeReference,
                };
                let message =
                    format!("{field} names {text}, {}: its images are not judged here", why.words());
                self.remark(path.place, code, message);
                None
            }
        }
    }

    /// A service merged over the one that it extends. `others` are the services beside it, with their file.
    fn extend(
        &mut self,
        layer: &Layer,
        others: (&Layers, FileId),
        folder: &Path,
        trail: &mut Trail<'_>,
    ) -> Known {
        let own = || layer.known.clone();
        let Some(extends) = &layer.extends else { return own() };
        let Ok(name) = &extends.service.text else { return own() };
        let (mut file, mut folder) = (others.1, folder.to_path_buf());
        let mut of_file = None;
        if let Some(path) = &extends.file {
            let Some(id) = self.follow(&folder, path, "extends") else { return own() };
            (file, folder) = (id, self.sources.files[id].folder());
            self.extended.insert((id, name.clone()));
            of_file = Some(self.layers_of(id, trail));
        }
        let layers = of_file.as_deref().unwrap_or(others.0);
        let Some(base) = layers.get(name) else {
            let message = format!(
                "extends names the service {name}, which is not in {}: Compose refuses it",
                self.sources.files[file].name
            );
            self.remark(extends.service.place, NoteCode::InvalidField, message);
            return own();
        };
        let step = (file, name.clone());
        if trail.seen.contains(&step) || trail.seen.len() > MAX_DEPTH {
            let message = format!("extends itself, or more than {MAX_DEPTH} services in one another");
            self.remark(extends.service.place, NoteCode::InvalidField, message);
            return own();
        }
        trail.seen.push(step);
        self.extend(base, (layers, file), &folder, trail).under(layer.resets, layer.known.clone())
    }

    /// The services of a file as it is, without those that it includes.
    fn layers_of(&mut self, file: FileId, trail: &mut Trail<'_>) -> Arc<Layers> {
        if let Some(known) = trail.cache.get(&file) {
            return Arc::clone(known);
        }
        let documents = Arc::clone(&self.sources.files[file].file);
        let mut layers = Layers::new();
        for document in &documents.0 {
            for (name, layer) in self.layers(document, file, trail.scope) {
                let below = layers.remove(&name);
                let layer = match below {
                    Some(below) => {
                        let extends = layer.extends.clone().or(below.extends);
                        Layer { extends, ..layer.over_included(below.known) }
                    }
                    None => layer,
                };
                layers.insert(name, layer);
            }
        }
        let layers = Arc::new(layers);
        trail.cache.insert(file, Arc::clone(&layers));
        layers
    }
}
