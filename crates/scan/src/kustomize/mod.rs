//! Kustomizations among the inputs. Patches are set aside, since they are parts of objects that stand elsewhere, and the
//! `images:` entries replace images in the files that a kustomization includes, so that the scan judges what
//! `kustomize build` prints. Everything else that Kustomize changes is left to it: a note says so.

mod above;
mod apply;
mod file;
mod graph;
mod image;

pub(crate) use apply::apply;
pub(crate) use file::{Kustomization, is_kustomization_file};
pub(crate) use graph::{Root, roots};
