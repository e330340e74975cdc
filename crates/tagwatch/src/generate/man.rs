//! Manual pages, from the same source as `--help`.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::Files;
use crate::args::Args;
use crate::status::Failure;

const FOLDER: &str = "docs/man";
/// What a page names as its origin, at the foot.
const SOURCE: &str = concat!("tagwatch ", env!("CARGO_PKG_VERSION"));

/// A page for each command: `tagwatch.1`, `tagwatch-scan.1` and so on.
pub(super) fn pages() -> Result<Files, Failure> {
    let mut root = <Args>::command();
    // This also gives each command the name of its page.
    root.build();
    let mut files = Files::new();
    add(&mut files, &root)?;
    Ok(files)
}

fn add(files: &mut Files, command: &Command) -> Result<(), Failure> {
    let man = Man::new(command.clone()).manual("tagwatch").source(SOURCE);
    let mut page = Vec::new();
    man.render(&mut page)?;
    files.insert(Path::new(FOLDER).join(man.get_filename()), String::from_utf8_lossy(&page).into_owned());
    let mut commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    commands.try_for_each(|command| add(files, command))
}
