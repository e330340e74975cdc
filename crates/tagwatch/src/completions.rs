//! `tagwatch completions`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::{Args, CompletedShell, CompletionsArgs};
use crate::status::Failure;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let shell = match args.shell {
        CompletedShell::Bash => Shell::Bash,
        CompletedShell::Zsh => Shell::Zsh,
        CompletedShell::Fish => Shell::Fish,
    };
    // A generator panics when it cannot write: a closed pipe must not reach it.
    let mut script = Vec::new();
    generate(shell, &mut <Args>::command(), "tagwatch", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
