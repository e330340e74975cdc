//! Kustomizations, by `kubectl kustomize` or `kustomize build`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::tools::Tools;
use crate::kustomize::{Root, roots};
use crate::manifest::Manifest;
use crate::note::{Note, NoteCode};
use crate::report::ReadFile;
use crate::yaml::{Documents, Source};

/// Programs, with the command before the folder.
const PROGRAMS: [(&str, &str); 2] = [("kubectl", "kustomize"), ("kustomize", "build")];

/// Replaces kustomizations, and the files that they include, by what they render to.
pub(super) fn apply(files: &mut [ReadFile], tools: &Tools<'_>) {
    let roots = roots(files);
    if roots.is_empty() {
        return;
    }
    let program = PROGRAMS.iter().find_map(|(name, command)| Some((tools.find(name)?, *name, *command)));
    let (mut rendered, mut kept) = (Vec::new(), BTreeSet::new());
    for Root { index, includes, remote } in roots {
        match render(&files[index], remote, program.as_ref(), tools) {
            Ok(output) => rendered.push((index, includes, output)),
            Err(note) => {
                kept.extend(includes);
                kept.insert(index);
                files[index].notes.push(note);
            }
        }
    }
    for (index, includes, output) in rendered {
        for &include in includes.iter().chain([&index]).filter(|include| !kept.contains(*include)) {
            files[include].leave_to_rendered();
        }
        read(&mut files[index], &output, tools);
    }
}

type Program = (PathBuf, &'static str, &'static str);

fn render(
    file: &ReadFile,
    remote: Option<String>,
    program: Option<&Program>,
    tools: &Tools<'_>,
) -> Result<Source<'static>, Note> {
    let note = |code, message: String| Note::new(&file.name, code, &message);
    if let Some(remote) = remote {
        let message = format!("this kustomization is not rendered, since {remote} is not on this machine");
        return Err(note(NoteCode::NotRendered, message));
    }
    let Some((program, name, command)) = program else {
        let message = "neither kubectl nor kustomize is on the PATH: this kustomization is not rendered";
        return Err(note(NoteCode::RenderFailed, message.to_owned()));
    };
    let folder = file.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    tools
        .output(program, &[command], folder)
        .map_err(|error| note(NoteCode::RenderFailed, format!("`{name} {command}` of this folder {error}")))
}

/// Everything is placed at the kustomization: what it prints does not say where each value comes from.
fn read(file: &mut ReadFile, output: &Source<'_>, tools: &Tools<'_>) {
    let at = crate::yaml::Position::START;
    for document in Documents::new(output, tools.limits) {
        match document {
            Ok(document) => {
                let mut manifest = Manifest::read(&document, tools.kinds);
                manifest.move_places(&|_| at);
                file.add(manifest);
            }
            Err(error) => {
                let note = Note::of_document(&file.name, &error);
                file.notes.push(Note { line: at.line, column: at.column, ..note });
            }
        }
    }
}
