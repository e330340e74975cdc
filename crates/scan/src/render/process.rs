//! Another program, for a limited time, with limited output, and without the environment of this one.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tagwatch_core::text::UntrustedText;
use thiserror::Error;

/// Most bytes of standard error that are kept.
const MAX_STDERR: u64 = 16 << 10;

/// Most characters of it that a message quotes.
const MAX_QUOTED: usize = 400;

/// How often a program that has closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// A proxy at which nothing listens: port 9 is that of the discard service.
const NO_PROXY_LISTENS: &str = "http://127.0.0.1:9";

/// Why a program gave no output. The messages are safe for a terminal.
#[derive(Debug, Error)]
pub(super) enum RunError {
    #[error("cannot be run: {0}")]
    Io(#[from] io::Error),
    #[error("took longer than {} s and was ended", .0.as_secs())]
    TimedOut(Duration),
    #[error("printed more than {0} bytes and was ended")]
    TooLong(u64),
    #[error("failed: {0}")]
    Failed(String),
}

/// A folder that goes when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("tagwatch-render-{}-{number}", process::id()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Fails where the name is taken: another user may have made it.
        builder.create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What remains is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A command in a folder, that knows nothing of the user: no plugins, no credentials, no cluster, no network. Without a PATH
/// it starts no other program, such as Git.
pub(super) fn command(program: &Path, scratch: &Scratch) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(&scratch.0);
    for folder in ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "HELM_PLUGINS"] {
        command.env(folder, &scratch.0);
    }
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"] {
        command.env(proxy, NO_PROXY_LISTENS);
    }
    command.env("PATH", "").env("KUBECONFIG", OsStr::new("/dev/null"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Standard output of a command that ends well.
pub(super) fn run(command: &mut Command, time_limit: Duration, limit: u64) -> Result<Vec<u8>, RunError> {
    let deadline = Instant::now() + time_limit;
    let mut child = command.spawn()?;
    let stdout = read_in_thread(child.stdout.take(), limit.saturating_add(1));
    let stderr = read_in_thread(child.stderr.take(), MAX_STDERR);
    let outcome = wait(&mut child, &stdout, &stderr, (deadline, time_limit, limit));
    if outcome.is_err() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

type Reading = mpsc::Receiver<io::Result<Vec<u8>>>;

fn wait(
    child: &mut Child,
    stdout: &Reading,
    stderr: &Reading,
    (deadline, time_limit, limit): (Instant, Duration, u64),
) -> Result<Vec<u8>, RunError> {
    let read =
        |reading: &Reading| match reading.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(bytes) => Ok(bytes?),
            Err(RecvTimeoutError::Timeout) => Err(RunError::TimedOut(time_limit)),
            Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
        };
    let output = read(stdout)?;
    if u64::try_from(output.len()).is_ok_and(|length| length > limit) {
        return Err(RunError::TooLong(limit));
    }
    let errors = read(stderr)?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            return Err(RunError::TimedOut(time_limit));
        }
        thread::sleep(POLL);
    };
    if status.success() {
        return Ok(output);
    }
    Err(RunError::Failed(said(&errors, &status.to_string())))
}

/// What a program said in its last lines, else its status.
fn said(errors: &[u8], status: &str) -> String {
    let text = String::from_utf8_lossy(errors);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start = text.char_indices().rev().nth(MAX_QUOTED).map_or(0, |(at, _)| at);
    let tail = &text[start..];
    if tail.is_empty() { status.to_owned() } else { UntrustedText::from(tail).terminal() }
}

/// Reads up to a limit, and discards the rest, so that the program does not wait. The thread ends with the program.
fn read_in_thread(pipe: Option<impl Read + Send + 'static>, limit: u64) -> Reading {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = pipe.by_ref().take(limit).read_to_end(&mut bytes);
            // Nobody waits for it after the time limit.
            let _ = sender.send(read.map(|_| bytes));
            let _ = io::copy(&mut pipe, &mut io::sink());
        });
    }
    receiver
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str, time_limit: Duration, limit: u64) -> Result<Vec<u8>, RunError> {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(parent.path()).unwrap();
        run(command(Path::new("/bin/sh"), &scratch).args(["-c", script]), time_limit, limit)
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn output_and_errors_are_returned() {
        assert_eq!(shell("echo out; echo err >&2", LONG, 100).unwrap(), b"out\n");
        let failed = shell("echo out; echo \"bad\u{1b}[31m\" >&2; exit 3", LONG, 100).unwrap_err();
        assert_eq!(failed.to_string(), "failed: bad\\u{1b}[31m");
        let silent = shell("exit 3", LONG, 100).unwrap_err();
        assert_eq!(silent.to_string(), "failed: exit status: 3");
        let absent = run(&mut Command::new("/nonexistent"), LONG, 1).unwrap_err();
        assert!(matches!(absent, RunError::Io(_)));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let started = Instant::now();
        for script in ["while :; do :; done", "exec >&- 2>&-; while :; do :; done"] {
            let hung = shell(script, Duration::from_millis(200), 100).unwrap_err();
            assert!(matches!(hung, RunError::TimedOut(_)), "{script}: {hung}");
        }
        let endless = shell("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxx; done", LONG, 1000).unwrap_err();
        assert_eq!(endless.to_string(), "printed more than 1000 bytes and was ended");
        assert!(started.elapsed() < LONG, "neither waited for its limit");
    }

    #[test]
    fn a_program_knows_nothing_of_the_user() {
        let seen = shell(
            "echo \"$PATH|$KUBECONFIG|$HTTPS_PROXY\"; [ \"$HOME\" = \"$PWD\" ] && echo own",
            LONG,
            1000,
        );
        let seen = String::from_utf8(seen.unwrap()).unwrap();
        assert_eq!(seen, format!("|/dev/null|{NO_PROXY_LISTENS}\nown\n"));
    }

    #[test]
    fn the_folder_goes() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(parent.path()).unwrap();
        fs::write(scratch.0.join("file"), "x").unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
