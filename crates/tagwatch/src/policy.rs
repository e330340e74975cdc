//! `tagwatch policy`, and which policy a command judges by.

mod baseline;
mod show;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use k8s_openapi::jiff::{Timestamp, civil::Date, tz::TimeZone};
use tagwatch_core::engine::Engine;
use tagwatch_core::policy::Policy;
use tagwatch_scan::PolicyFile;

use crate::args::{PolicyArgs, PolicyCheckArgs, PolicyCommand};
use crate::status::Failure;

/// What to judge by.
pub(crate) struct ChosenPolicy {
    pub(crate) engine: Engine,
    /// The file, unless a profile alone was chosen.
    pub(crate) file: Option<PolicyFile>,
}

pub(crate) fn policy(command: PolicyCommand) -> Result<ExitCode, Failure> {
    match command {
        PolicyCommand::Check(args) => check(&args),
        PolicyCommand::Show(args) => show::show(&args),
        PolicyCommand::Baseline(args) => baseline::baseline(&args),
    }
}

/// The policy of the arguments, else the file found upward, else the recommended profile.
pub(crate) fn choose(args: &PolicyArgs) -> Result<ChosenPolicy, Failure> {
    let PolicyArgs { policy, profile } = args;
    let path = match (policy, profile) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => PolicyFile::find_upward(&env::current_dir()?),
    };
    let file = path.map(|path| PolicyFile::read(&path, &mut io::stdin().lock())).transpose();
    let file = file.map_err(|error| Failure::Usage(anyhow!(error)))?;
    let policy = match &file {
        Some(file) => file.policy.clone(),
        None => Policy::of(profile.unwrap_or_default()),
    };
    Ok(ChosenPolicy { engine: Engine::new(policy).on(today()), file })
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

fn check(args: &PolicyCheckArgs) -> Result<ExitCode, Failure> {
    let file = PolicyFile::read(&args.file, &mut io::stdin().lock());
    let file = file.map_err(|error| Failure::Usage(anyhow!(error)))?;
    let expired = file.policy.exemptions().iter().filter(|exemption| !exemption.is_active(today())).count();
    writeln!(
        io::stdout(),
        "{}: valid; profile {}, {} overrides, {} exemptions, {expired} of them expired",
        args.file.display(),
        file.policy.profile(),
        file.spec.overrides.len(),
        file.spec.exemptions.len(),
    )?;
    Ok(ExitCode::SUCCESS)
}
