//! From the Compose files that were read to services that are judged.

use std::collections::BTreeSet;

use tagwatch_core::pull_policy::ComposePullPolicy;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{
    ComposeService, Container, ContainerType, IgnoreAnnotations, Origin, Workload, WorkloadId,
};

use super::interpolate::Problem;
use super::model::{Known, Place, Value};
use super::project::{Loader, PlacedRemark};
use super::projects::projects;
use super::sources::{FileId, Sources};
use crate::manifest::{ContainerPlace, LocatedWorkload, Manifest, Reason, Remark, Unjudged};
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::Limits;

/// The kind of a service, in JSON and for policies.
const KIND: &str = "Service";

/// Puts the Compose files among the inputs together, and adds their services to the files in which their images are written.
/// Files that they refer to are read, and follow the inputs.
/// `is_file_set` says that the environment names files by `COMPOSE_FILE`, which is not applied: a scan says the same on every
/// machine.
pub(crate) fn apply(files: &mut Vec<ReadFile>, limits: Limits, is_file_set: bool) {
    let Some(first) = files.iter_mut().find(|file| file.compose.is_some()) else { return };
    if is_file_set {
        let message = "COMPOSE_FILE of the environment is not applied; that of the project's .env is";
        first.notes.push(Note::new(&first.name, NoteCode::ComposeReference, message));
    }
    let mut loader = Loader::new(Sources::new(files, limits));
    let mut found = Found::default();
    let projects = projects(&mut loader);
    let with_services: Vec<_> = projects.iter().map(|project| (project, loader.load(project))).collect();
    for (project, services) in with_services {
        for (name, known) in services {
            // What is there to be extended runs where it is extended.
            let is_base = |file: FileId| {
                !project.is_found_by_compose && loader.extended.contains(&(file, name.clone()))
            };
            if !project.files.iter().any(|&file| is_base(file)) {
                found.add(&name, &known);
            }
        }
    }
    let Loader { mut sources, remarks, .. } = loader;
    let start = files.len();
    files.append(&mut sources.followed);
    let (mut places, mut followed) = (Vec::new(), start..);
    for source in &sources.files {
        places.push(source.input.or_else(|| followed.next()).unwrap_or(start));
    }
    let names: Vec<&str> = sources.files.iter().map(|source| source.name.as_str()).collect();
    found.remarks.extend(remarks);
    found.write(&places, &names, files);
}

/// A service as it is judged, to find those that several projects share.
type Seen = (String, Place, String, Option<(Place, Result<String, Problem>)>, bool);

/// What the projects hold.
#[derive(Default)]
struct Found {
    services: Vec<(String, Known, String, Place)>,
    unjudged: BTreeSet<(Place, String)>,
    remarks: BTreeSet<PlacedRemark>,
    seen: BTreeSet<Seen>,
}

impl Found {
    /// A service that has an image. One that is only built has none to judge.
    fn add(&mut self, name: &str, known: &Known) {
        let Some(Value { text, place }) = &known.image else { return };
        let path = format!("services.{name}.image");
        let image = match text {
            Ok(image) if image.is_empty() => return,
            Ok(image) => image.clone(),
            Err(Problem::Unset(variable)) => {
                self.unjudged.insert((*place, format!("{path} ({variable})")));
                return;
            }
            Err(problem) => return self.malformed(&path, *place, problem),
        };
        self.check_pull_policy(name, known);
        let policy = known.pull_policy.as_ref().map(|policy| (policy.place, policy.text.clone()));
        if self.seen.insert((name.to_owned(), *place, image.clone(), policy, known.builds)) {
            self.services.push((name.to_owned(), known.clone(), image, *place));
        }
    }

    fn malformed(&mut self, path: &str, place: Place, problem: &Problem) {
        let (code, message) = match problem {
            Problem::TooLong => {
                (NoteCode::OverBudget, format!("{path} is too long with its variables replaced"))
            }
            Problem::Unset(variable) => (
                NoteCode::UnsetVariable,
                format!("{path} depends on the variable {variable}, which is not set: it is not judged"),
            ),
            Problem::Malformed => (
                NoteCode::InvalidField,
                format!("{path} holds a variable that Compose refuses; a dollar is written $$"),
            ),
        };
        self.remarks.insert(PlacedRemark { place, code, message });
    }

    fn check_pull_policy(&mut self, name: &str, known: &Known) {
        let Some(Value { text, place }) = &known.pull_policy else { return };
        let path = format!("services.{name}.pull_policy");
        match text {
            Ok(text) if text.is_empty() || ComposePullPolicy::parse(text).is_some() => {}
            Ok(text) => {
                let message = format!(
                    "{path} must be {}; found \"{text}\", judged as missing",
                    ComposePullPolicy::ALLOWED
                );
                self.remarks.insert(PlacedRemark { place: *place, code: NoteCode::InvalidField, message });
            }
            Err(problem) => self.malformed(&path, *place, problem),
        }
    }

    /// Adds everything to the files. `places` are those of the sources among the files.
    fn write(self, places: &[usize], names: &[&str], files: &mut [ReadFile]) {
        let mut manifest_of = |file: FileId, add: &mut dyn FnMut(&mut Manifest)| {
            let Some(file) = places.get(file).and_then(|&index| files.get_mut(index)) else { return };
            if file.manifests.is_empty() {
                file.manifests.push(Manifest::default());
            }
            file.manifests.iter_mut().take(1).for_each(add);
        };
        for (name, known, image, place) in self.services {
            let mut located = Some(located(&name, &known, &image, place, names));
            manifest_of(place.file, &mut |manifest| manifest.workloads.extend(located.take()));
        }
        for (place, path) in self.unjudged {
            manifest_of(place.file, &mut |manifest| {
                manifest.unjudged.push(Unjudged {
                    api_version: "".into(),
                    kind: KIND.into(),
                    reason: Reason::Variable,
                    count: 1,
                    paths: vec![UntrustedText::from(path.as_str()).terminal()],
                    has_more: false,
                    at: place.at,
                });
            });
        }
        for PlacedRemark { place, code, message } in self.remarks {
            manifest_of(place.file, &mut |manifest| {
                manifest.remarks.push(Remark { at: place.at, code, message: message.clone() });
            });
        }
    }
}

fn located(name: &str, known: &Known, image: &str, place: Place, names: &[&str]) -> LocatedWorkload {
    let policy = known.pull_policy.as_ref();
    let service = ComposeService {
        builds: known.builds,
        is_pull_policy_open: policy.is_some_and(|policy| policy.text.is_err()),
    };
    let written = policy.and_then(|policy| Some((policy.given()?, policy.place)));
    let container = Container {
        name: name.into(),
        container_type: ContainerType::Container,
        image: image.into(),
        pull_policy: written.map(|(text, _)| text.into()),
        field_path: format!("services.{}.image", UntrustedText::from(name).terminal()),
        observed: None,
        drift: None,
    };
    let id = WorkloadId { api_version: "".into(), kind: KIND.into(), namespace: None, name: name.into() };
    let exempting = |key: &str| known.exempting.get(key);
    let ignore_at = exempting(IgnoreAnnotations::IGNORE).map(|value| value.place);
    let workload = Workload {
        ignore: IgnoreAnnotations::from_annotations(|key| exempting(key).and_then(Value::given)),
        ..Workload::new(id, Origin::Compose(service), vec![container])
    };
    let policy_file = written.map(|(_, policy)| policy.file).filter(|&file| file != place.file);
    LocatedWorkload {
        workload,
        places: vec![ContainerPlace { image: place.at, pull_policy: written.map(|(_, policy)| policy.at) }],
        at: place.at,
        ignore: [ignore_at.filter(|ignore| ignore.file == place.file).map(|ignore| ignore.at), None],
        pull_policy_file: policy_file.and_then(|file| names.get(file)).map(|&name| name.into()),
    }
}
