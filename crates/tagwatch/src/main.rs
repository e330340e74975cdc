//! The tagwatch binary: one program for the cluster and for CI.

mod args;
mod cluster;
mod completions;
mod explain;
mod generate;
mod issues;
mod logging;
mod messages;
mod policy;
mod rules;
mod run;
mod scan;
mod status;
mod style;

use std::process::ExitCode;

use args::{Args, Command, Scan};
use status::Failure;

/// glibc never returns the memory of a large list to the system. jemalloc does, after the delay that
/// `.cargo/config.toml` sets.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let Args { color, quiet, command } = Args::read();
    anstream::ColorChoice::from(color).write_global();
    if quiet {
        messages::silence_notes();
    }
    let result = match command {
        Command::Run(args) => run::run(*args),
        Command::Scan(Scan::Scan(args)) => scan::scan(args),
        Command::Issues(args) => issues::issues(&args),
        Command::Rules(args) => rules::rules(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Policy(command) => policy::policy(command),
        Command::Completions(args) => completions::completions(&args),
        Command::Generate(args) => generate::generate(&args),
    };
    result.unwrap_or_else(Failure::report)
}
