//! How the process ends when a command could not do its work.

use std::io::{self, Write};
use std::process::ExitCode;

use tagwatch_scan::PolicyFileError;

/// A command that could not do its work, with the exit code that says why (the same for every command).
#[derive(Debug)]
pub(crate) enum Failure {
    /// 2: wrong usage or configuration.
    Usage(anyhow::Error),
    /// 4: the API server, or the way to it.
    Api(anyhow::Error),
    /// 1: anything else.
    Other(anyhow::Error),
    /// 0: whoever read our output has seen enough.
    BrokenPipe,
}

impl Failure {
    /// Tells it on standard error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (error, code) = match self {
            Self::Usage(error) => (error, 2),
            Self::Api(error) => (error, 4),
            Self::Other(error) => (error, 1),
            Self::BrokenPipe => return ExitCode::SUCCESS,
        };
        // Nobody is left to be told when standard error is gone too.
        let _ = if error.is::<PolicyFileError>() {
            // Each of its lines names its place, as compilers do, and none is ours.
            writeln!(io::stderr(), "{error}")
        } else {
            writeln!(io::stderr(), "tagwatch: {error:#}")
        };
        ExitCode::from(code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::BrokenPipe } else { Self::Other(error.into()) }
    }
}
