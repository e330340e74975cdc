//! `tagwatch policy`, and the policy that a command applies.

mod baseline;
mod show;

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use k8s_openapi::jiff::{Timestamp, civil::Date};
use tagwatch_client::day_of;
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::Policy;
use tagwatch_core::text::UntrustedText;
use tagwatch_scan::output::columns::wrap;
use tagwatch_scan::{FoundPolicy, POLICY_FILE_NAME, PolicyFile, PolicyFileError};

use crate::args::{PolicyArgs, PolicyCheckArgs, PolicyCommand};
use crate::messages::note;
use crate::status::Failure;
use crate::style::style;

/// Name of the `TagPolicy` of a cluster, where none is named: the default of `tagwatch run --policy`.
pub(crate) const DEFAULT_POLICY: &str = "default";

pub(crate) struct ChosenPolicy {
    pub(crate) engine: Engine,
    /// `None` if only a profile applies.
    pub(crate) file: Option<PolicyFile>,
    /// The file was found, not named on the command line.
    pub(crate) is_found: bool,
}

pub(crate) fn policy(command: PolicyCommand) -> Result<ExitCode, Failure> {
    match command {
        PolicyCommand::Check(args) => check(&args),
        PolicyCommand::Show(args) => show::show(&args),
        PolicyCommand::Baseline(args) => baseline::baseline(&args),
    }
}

/// The policy of the arguments, else the nearest file above the working folder, else the recommended profile.
pub(crate) fn choose(args: &PolicyArgs) -> Result<ChosenPolicy, Failure> {
    pick(args, |_| false)
}

/// Like [`choose`], by some rules alone and with the exemptions of a baseline, where there are such.
pub(crate) fn choose_for_scan(
    args: &PolicyArgs,
    rules: &[String],
    baseline: Option<&PolicyFile>,
) -> Result<ChosenPolicy, Failure> {
    let chosen = choose(args)?;
    if rules.is_empty() && baseline.is_none() {
        return Ok(chosen);
    }
    let file = chosen.file.unwrap_or_else(|| PolicyFile::of(args.profile.unwrap_or_default()));
    let file = changed_for_scan(file, rules, baseline)?;
    let engine = Engine::new(file.policy.clone()).on(today());
    Ok(ChosenPolicy { engine, is_found: chosen.is_found, file: Some(file) })
}

/// A policy with the exemptions of a baseline, by some rules alone, where there are such.
pub(crate) fn changed_for_scan(
    mut file: PolicyFile,
    rules: &[String],
    baseline: Option<&PolicyFile>,
) -> Result<PolicyFile, Failure> {
    let changed = baseline.map_or(Ok(()), |baseline| file.add_exemptions(baseline));
    let changed = changed.and_then(|()| if rules.is_empty() { Ok(()) } else { file.select_rules(rules) });
    changed.map_err(|error| Failure::Usage(anyhow!(error)))?;
    Ok(file)
}

pub(crate) fn refuse_stdin_twice(args: &PolicyArgs, paths: &[PathBuf]) -> Result<(), Failure> {
    let is_stdin = |path: &Path| path.as_os_str() == "-";
    if args.policy.as_deref().is_some_and(is_stdin) && paths.iter().any(|path| is_stdin(path)) {
        return Err(Failure::Usage(anyhow!(
            "`-` is both the policy and a PATH, and standard input can be read once; give one of them as a file"
        )));
    }
    Ok(())
}

/// Like [`choose`], for a command that writes an extended policy. The file to be replaced takes precedence over a file
/// that is found. An empty file that the arguments do not name is ignored: a shell has emptied it to write to it.
fn choose_to_extend(args: &PolicyArgs, replaced: Option<&Path>) -> Result<ChosenPolicy, Failure> {
    let is_named = args.policy.is_some() || args.profile.is_some();
    let Some(path) = replaced.filter(|path| !is_named && path.exists()) else {
        return pick(args, is_ignored);
    };
    match read(path) {
        Err(error) if is_ignored(&error) => pick(args, is_ignored),
        file => Ok(chosen(Some(file.map_err(|error| Failure::Usage(anyhow!(error)))?), args, false)),
    }
}

/// Whether a file is ignored because it is empty, with a note about it.
fn is_ignored(error: &PolicyFileError) -> bool {
    if error.is_empty() {
        note(&format!(
            "{error}. It counts as none: a shell's `>` empties a file first, so that nothing of it can be kept; \
             --output FILE reads it before it replaces it"
        ));
    }
    error.is_empty()
}

fn pick(args: &PolicyArgs, ignores: impl Fn(&PolicyFileError) -> bool) -> Result<ChosenPolicy, Failure> {
    let (file, is_found) = match (&args.policy, args.profile) {
        (Some(path), _) => (read(path).map(Some), false),
        (None, Some(_)) => (Ok(None), false),
        (None, None) => (find(&env::current_dir()?, ignores), true),
    };
    let file = file.map_err(|error| Failure::Usage(anyhow!(error)))?;
    Ok(chosen(file, args, is_found))
}

fn chosen(file: Option<PolicyFile>, args: &PolicyArgs, is_found: bool) -> ChosenPolicy {
    let policy = match &file {
        Some(file) => file.policy.clone(),
        None => Policy::of(args.profile.unwrap_or_default()),
    };
    ChosenPolicy { engine: Engine::new(policy).on(today()), is_found: is_found && file.is_some(), file }
}

fn read(path: &Path) -> Result<PolicyFile, PolicyFileError> {
    PolicyFile::read(path, &mut io::stdin().lock())
}

/// The nearest policy file in a folder or above, without those that are ignored.
fn find(
    working: &Path,
    ignores: impl Fn(&PolicyFileError) -> bool,
) -> Result<Option<PolicyFile>, PolicyFileError> {
    let mut folder = Some(working);
    let mut paths = Vec::new();
    while let Some(from) = folder {
        let FoundPolicy { path, misnamed } = PolicyFile::find_upward(from);
        for path in misnamed {
            let name = UntrustedText::from(path.to_string_lossy().as_ref()).terminal();
            note(&format!("{name} is not read: a policy is found by the name {POLICY_FILE_NAME}"));
        }
        let Some(path) = path else { break };
        match read(path.strip_prefix(working).unwrap_or(&path)) {
            Err(error) if ignores(&error) => paths.push(path),
            read => return read.map(Some),
        }
        let above = paths.last().and_then(|path| path.parent()).and_then(Path::parent);
        folder = above.and_then(|above| working.ancestors().find(|folder| *folder == above));
    }
    Ok(None)
}

/// `1 override`, `2 overrides`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn today() -> Date {
    day_of(Timestamp::now())
}

fn check(args: &PolicyCheckArgs) -> Result<ExitCode, Failure> {
    let file = read(&args.file).map_err(|error| Failure::Usage(anyhow!(error)))?;
    let exemptions = file.policy.exemptions().iter().enumerate();
    let today = today();
    let expired: Vec<String> = exemptions
        .filter(|(_, exemption)| !exemption.is_active(today))
        .filter_map(|(index, exemption)| {
            let (place, last) = (file.exemption_place(index), exemption.expires?);
            let reason = exemption.reason.terminal();
            Some(format!("{place}: spec.exemptions[{index}] expired; its last day was {last}: {reason}\n"))
        })
        .collect();
    let valid = format!(
        "{}: valid; profile {}, {}, {}, {} expired\n",
        file.shown_name(),
        file.policy.profile(),
        counted(file.spec.overrides.len(), "override"),
        counted(file.spec.exemptions.len(), "exemption"),
        if expired.is_empty() { "none".to_owned() } else { expired.len().to_string() },
    );
    let (text, width) = (valid + &expired.concat(), style(&io::stdout()).width);
    let lines: String = text.lines().flat_map(|line| wrap(line, width)).map(|line| line + "\n").collect();
    io::stdout().write_all(lines.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
