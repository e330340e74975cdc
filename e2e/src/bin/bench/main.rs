//! `make bench`: what tagwatch costs and how fast it is, on a real control plane.
//!
//! A release build runs as a process of its own, with the rights of its service account. Each round deletes
//! all reports and lets a bare loop of POSTs write them, then deletes them again and lets tagwatch write them,
//! so that a machine that grows slower or faster meanwhile does so for both.

mod args;
mod audit;
mod change;
mod cluster;
mod console;
mod deployments;
mod fill;
mod footprint;
mod hostile;
mod machine;
mod measure;
mod post_loop;
mod restart;
mod scrape;
mod spread;
mod table;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use args::Args;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let measured = tokio::select! {
        measured = report(&args) => measured,
        // Dropping the other branch ends all that it started.
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            progress(&format!("bench failed: {failure:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn report(args: &Args) -> Result<()> {
    if cfg!(debug_assertions) {
        bail!("a debug build says nothing about speed: run `make bench`");
    }
    let machine = machine::Machine::look()?;
    let text = measure::measure(args).await?.to_markdown(args, &machine)?;
    io::stdout().lock().write_all(text.as_bytes())?;
    if let Some(path) = &args.out {
        std::fs::write(path, &text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Prints progress. The reader may be gone, which is no failure.
fn progress(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Ctrl-C, or a request to end.
async fn interrupted() {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
