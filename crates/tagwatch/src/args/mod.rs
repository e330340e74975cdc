//! The command line. Doc comments of arguments are the text of `--help` and `docs/cli.md`.

mod help;
mod issues;
mod lease;
mod names;
mod policy;
mod run;
mod scan;

use std::env;
use std::path::PathBuf;

use anstream::ColorChoice;
use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use issues::{IssuesArgs, IssuesFormat};
pub(crate) use names::from_severity;
pub(crate) use policy::{
    PolicyArgs, PolicyBaselineArgs, PolicyCheckArgs, PolicyCommand, PolicyShowArgs, WorkloadName,
};
pub(crate) use run::{Auth, ConsoleArgs, LogFormat, MetricsArgs, RunArgs};
pub(crate) use scan::{Output, ScanArgs, ScanClusterArgs};

/// Heading of the options that every command takes.
const GLOBAL: &str = "Global options";

/// Finds workloads whose images can change under them: mutable tags, and pull policies that decide by accident
/// which code a node runs.
#[derive(Debug, Parser)]
#[command(name = "tagwatch", version, max_term_width = 100, after_long_help = help::ROOT)]
pub(crate) struct Args<C: Subcommand = Command> {
    /// When to write colours; `auto`: on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = GLOBAL)]
    pub(crate) color: Color,

    /// Write results, warnings and errors alone, without notes
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: C,
}

impl Args {
    /// The arguments of the process. For a scan, which people run on each change, those of the other commands are not built:
    /// that takes longer than to scan a small file.
    pub(crate) fn read() -> Self {
        if env::args_os().nth(1).is_none_or(|first| first != "scan") {
            return Self::parse();
        }
        let Args { color, quiet, command } = Args::<Scan>::parse();
        Self { color, quiet, command: Command::Scan(command) }
    }
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a cluster: keep a PolicyReport for each workload, and metrics
    #[command(after_long_help = help::RUN)]
    Run(Box<RunArgs>),
    #[command(flatten)]
    Scan(Scan),
    /// List what is wrong in a cluster, from the reports
    #[command(after_long_help = help::ISSUES)]
    Issues(IssuesArgs),
    /// List the rules
    #[command(after_long_help = help::RULES)]
    Rules(RulesArgs),
    /// Explain a rule: why it matters, what violates it, how to fix it
    #[command(after_long_help = help::EXPLAIN)]
    Explain(ExplainArgs),
    /// Check, explain and start policies
    #[command(subcommand, after_long_help = help::POLICY)]
    Policy(PolicyCommand),
    /// Write the completions of a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Write the generated files of this repository
    #[command(after_long_help = help::GENERATE)]
    Generate(GenerateArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scan {
    /// Check manifests before they are deployed, or a cluster once
    #[command(after_long_help = help::SCAN)]
    Scan(ScanArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RulesArgs {
    /// How to write the rules
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = RulesFormat::Table)]
    pub(crate) output: RulesFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RulesFormat {
    /// A table; on a terminal that is too narrow for it, a block for each rule
    Table,
    /// For programs: docs/schema/rules-v1.schema.json
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: CompletedShell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletedShell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Name of the rule, as reports show it
    #[arg(value_name = "RULE")]
    pub(crate) rule: String,

    /// How to write it
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ExplainFormat::Text)]
    pub(crate) output: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// For people
    Text,
    /// For programs: docs/schema/rule-v1.schema.json
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct GenerateArgs {
    /// What to write; everything by default
    #[arg(value_enum)]
    pub(crate) target: Vec<Target>,

    /// Write nothing; fail when a file differs from what would be written
    #[arg(long)]
    pub(crate) check: bool,

    /// The repository
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) root: PathBuf,
}

/// A group of generated files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// Custom resource definitions, in config/ and in the chart
    Crds,
    /// The role for custom kinds, in config/ and in the chart
    Rbac,
    /// Pages of the rules, profiles and custom kinds, the command line reference, and the tables in README.md
    Docs,
    /// Manual pages, in docs/man
    Man,
    /// JSON Schemas of `scan`, `issues`, `rules` and `explain` with `-o json`
    Schema,
    /// Grafana dashboards, in config/ and in the chart
    Dashboards,
    /// Prometheus rules: the alerts, in config/ and in the chart
    Rules,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The examples in a command's help: of a pipe, the part that is ours, without a redirection.
    fn examples(help: &str) -> Vec<String> {
        let ours = help.lines().flat_map(|line| line.split(['|', '>'])).map(str::trim);
        ours.filter(|part| part.starts_with("tagwatch ")).map(str::to_owned).collect()
    }

    /// A command and all below it, but for clap's own help.
    fn commands(of: &clap::Command) -> Vec<clap::Command> {
        let below = of.get_subcommands().filter(|command| command.get_name() != "help");
        std::iter::once(of.clone()).chain(below.flat_map(commands)).collect()
    }

    #[test]
    fn a_scan_reads_its_arguments_as_among_all_commands() {
        let help = |mut root: clap::Command| {
            root.build();
            root.find_subcommand_mut("scan").map(|scan| scan.render_long_help().to_string())
        };
        let alone = help(Args::<Scan>::command());
        assert!(alone.is_some());
        assert_eq!(alone, help(Args::<Command>::command()));
    }

    #[test]
    fn every_command_has_examples_that_parse_and_exit_codes() {
        let mut root = Args::<Command>::command();
        root.build();
        let commands = commands(&root);
        assert_eq!(commands.len(), 12);
        for command in &commands {
            let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let name = command.get_display_name().unwrap_or_else(|| command.get_name());
            assert!(help.contains("\n\nExit codes:"), "{name}");
            let examples = examples(&help);
            assert!(!examples.is_empty(), "{name}");
            for example in examples {
                let parsed = Args::<Command>::try_parse_from(example.split_whitespace()).map(drop);
                assert!(parsed.is_ok(), "{example}: {parsed:?}");
            }
        }
    }
}
