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
mod style;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use status::Failure;

/// glibc never returns the memory of a large list to the system. jemalloc does, after the delay that
/// `.cargo/config.toml` sets.
#[cfg(feature = "jemalloc")]
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
