//! What the demo prints: steps and their outcome, commands and their output.

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};

const STEP: Style = AnsiColor::Cyan.on_default().bold();
const STRONG: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Prints the heading of a step that begins.
pub(crate) fn step(text: &str) {
    println!("{STEP}==>{STEP:#} {STRONG}{text}{STRONG:#}");
}

/// Prints the result of a step, indented below its heading.
pub(crate) fn outcome(text: &str) {
    for line in text.lines() {
        println!("    {line}");
    }
}

/// Something to look at: what it is, what it says now, and more of it.
pub(crate) fn look(title: &str, value: &str, more: &[&str]) {
    println!("\n    {STRONG}{title}{STRONG:#}: {value}");
    for line in more {
        println!("    {line}");
    }
}

/// A command, as one would type it, and what it printed.
pub(crate) fn command(command: &str, output: &str) {
    println!("\n{STRONG}$ {command}{STRONG:#}\n{}", output.trim_end());
}

/// A paragraph between commands.
pub(crate) fn say(text: &str) {
    println!("\n{text}");
}

/// Why the demo ends early.
pub(crate) fn failed(failure: &anyhow::Error) {
    eprintln!("\n{BAD}demo failed:{BAD:#} {failure:#}");
}
