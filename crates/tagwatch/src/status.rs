//! Exit codes of failed commands.

use std::io;
use std::process::ExitCode;

use tagwatch_scan::PolicyFileError;

use crate::messages;

/// Why a command failed. The exit code is the same for every command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 2: wrong usage or configuration.
    Usage(anyhow::Error),
    /// Exit code 4: the API server, or the connection to it.
    Api(anyhow::Error),
    /// Exit code 1: anything else.
    Other(anyhow::Error),
    /// Exit code 0: the reader of the output has closed the pipe.
    BrokenPipe,
}

impl Failure {
    /// Prints the error to standard error. Returns the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (error, code) = match self {
            Self::Usage(error) => (error, 2),
            Self::Api(error) => (error, 4),
            Self::Other(error) => (error, 1),
            Self::BrokenPipe => return ExitCode::SUCCESS,
        };
        if error.is::<PolicyFileError>() {
            // One error a line, each with its place in the file, as compilers print them.
            error.to_string().lines().for_each(messages::error);
        } else {
            messages::error(&format!("{error:#}"));
        }
        ExitCode::from(code)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::BrokenPipe } else { Self::Other(error.into()) }
    }
}
