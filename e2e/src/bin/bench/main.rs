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
mod scale;
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
use table::Summary;

/// The exit code of a measurement that misses an aim; 1 is that of one that failed, and 2 that of wrong arguments.
const MISSED: u8 = 3;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let measured = tokio::select! {
        measured = report(&args) => measured,
        // Dropping the other branch ends all that it started.
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match measured {
        Ok(missed) if missed.is_empty() => ExitCode::SUCCESS,
        Ok(missed) => {
            progress(&format!(
                "bench: {} missed:",
                if missed.len() == 1 { "an aim was" } else { "aims were" }
            ));
            for row in missed {
                progress(&format!("  {row}"));
            }
            ExitCode::from(MISSED)
        }
        Err(failure) => {
            progress(&format!("bench failed: {failure:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints the table. Returns the aims that were missed.
async fn report(args: &Args) -> Result<Vec<String>> {
    if cfg!(debug_assertions) {
        bail!("a debug build says nothing about speed: run `make bench`");
    }
    let machine = machine::Machine::look()?;
    let Summary { markdown, missed } = measure::measure(args).await?.summary(args, &machine)?;
    io::stdout().lock().write_all(markdown.as_bytes())?;
    if let Some(path) = &args.out {
        std::fs::write(path, &markdown).with_context(|| path.display().to_string())?;
    }
    Ok(missed)
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
