//! Runs the tests, two at a time: each that needs a control plane has one of its own, and waits for most of its time.

use std::{any::type_name, process::ExitCode};

use anyhow::Result;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Builder;

/// The reason why a test could not run: it is reported as ignored, never as passed.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skipped {}

/// Each control plane takes half a gigabyte.
const TEST_THREADS: usize = 2;

pub(crate) fn run(tests: impl IntoIterator<Item = Vec<Trial>>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(TEST_THREADS);
    libtest_mimic::run(&arguments, tests.into_iter().flatten().collect()).exit_code()
}

pub(crate) fn test<F>(test: F) -> Trial
where
    F: AsyncFnOnce() -> Result<()> + Send + 'static,
{
    Trial::ignorable_test(name_of::<F>(), move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(test())) {
            Ok(()) => Ok(Completion::Completed),
            Err(failure) => match failure.downcast::<Skipped>() {
                Ok(Skipped(reason)) => Ok(Completion::ignored_with(reason)),
                Err(failure) => Err(Failed::from(format!("{failure:#}"))),
            },
        }
    })
}

/// `module::function`, as libtest names tests.
fn name_of<F>() -> String {
    let path = type_name::<F>();
    path.split_once("::").map_or(path, |(_crate, path)| path).to_owned()
}
