//! What both renderers share: programs, and how their output becomes files of a scan.

use std::path::{Path, PathBuf};

use tagwatch_core::kinds::Kinds;

use super::Render;
use super::process::{RunError, Scratch, command, run};
use crate::yaml::{Limits, Source};

pub(super) struct Tools<'r> {
    pub(super) render: &'r Render,
    pub(super) kinds: &'r Kinds,
    pub(super) limits: Limits,
}

impl Tools<'_> {
    /// A program by its name, as a shell finds it.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let absolute = self.render.programs.iter().filter(|folder| folder.is_absolute());
        absolute.map(|folder| folder.join(name)).find(|program| program.is_file())
    }

    /// What a program prints. `folder`, its last argument, is made absolute: the program runs elsewhere.
    pub(super) fn output(
        &self,
        program: &Path,
        arguments: &[&str],
        folder: &Path,
    ) -> Result<Source<'static>, RunError> {
        let folder =
            std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
        let scratch = Scratch::new(&self.render.temporary)?;
        let mut command = command(program, &scratch);
        let bytes = run(command.args(arguments).arg(&folder), self.render.time_limit, self.limits.bytes)?;
        Ok(Source::utf8(&String::from_utf8_lossy(&bytes)).into_owned())
    }
}
