//! The tagwatch binary: one program for the cluster and for CI.

mod args;
mod cluster;
mod explain;
mod generate;
mod issues;
mod logging;
mod policy;
mod run;
mod scan;
mod status;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use status::Failure;

/// glibc keeps the memory of a large list for ever; jemalloc gives it back, and is told in `.cargo/config.toml` to
/// do so soon.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Run(args) => run::run(*args),
        Command::Scan(args) => scan::scan(args),
        Command::Issues(args) => issues::issues(args),
        Command::Rules => explain::rules(),
        Command::Explain(args) => explain::explain(&args),
        Command::Policy(command) => policy::policy(command),
        Command::Generate(args) => generate::generate(&args),
    };
    result.unwrap_or_else(Failure::report)
}
