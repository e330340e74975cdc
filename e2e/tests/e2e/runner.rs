//! Runs the tests: libtest's command line and output, with a control plane that outlives each of them.

use std::{any::type_name, panic::AssertUnwindSafe, process::ExitCode, sync::Arc};

use anyhow::{Context, Error, Result, anyhow, bail};
use futures::FutureExt;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tagwatch_e2e::Options;
use tokio::{
    runtime::{Builder, Runtime},
    sync::Mutex,
};

use crate::{
    cluster::Cluster,
    test_env::{Skipped, TestEnv},
};

/// A control plane that starts takes a core for seconds and 0.5 GB, and the machines that run this have two cores: more
/// at a time only make each other late.
const THREADS: usize = 2;

/// The control plane that tests share, once one of them has asked for it. The reason why it did not start
/// is kept, so that each test reports it and none tries again.
static SHARED: Mutex<Option<Result<Arc<Cluster>, String>>> = Mutex::const_new(None);

pub(crate) fn run(tests: impl IntoIterator<Item = Vec<Trial>>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let conclusion = libtest_mimic::run(&arguments, tests.into_iter().flatten().collect());
    match end_shared() {
        Ok(()) => conclusion.exit_code(),
        Err(failure) => {
            eprintln!("the shared control plane did not end in order: {failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn end_shared() -> Result<()> {
    runtime()?.block_on(async {
        match SHARED.lock().await.take() {
            Some(Ok(cluster)) => end(cluster).await,
            // No test asked for one, or each has reported why there is none.
            None | Some(Err(_)) => Ok(()),
        }
    })
}

async fn end(cluster: Arc<Cluster>) -> Result<()> {
    Arc::into_inner(cluster).context("a test still holds the control plane")?.end().await
}

/// A test in a namespace of its own on the shared control plane, with the report API and our RBAC in place.
pub(crate) fn shared<F>(test: F) -> Trial
where
    F: AsyncFnOnce(&TestEnv) -> Result<()> + Send + 'static,
{
    trial::<F>(async move || {
        let mut shared = SHARED.lock().await;
        if shared.is_none() {
            let started = Cluster::with_report_api(Options::default()).await;
            *shared = Some(started.map(Arc::new).map_err(|failure| format!("{failure:#}")));
        }
        let cluster = match &*shared {
            Some(Ok(cluster)) => Arc::clone(cluster),
            Some(Err(failure)) => bail!("{failure}"),
            None => bail!("the shared control plane is gone"),
        };
        drop(shared);
        in_namespace(cluster, test).await
    })
}

/// A test on a control plane of its own with the report API and our RBAC in place.
pub(crate) fn own<F>(test: F) -> Trial
where
    F: AsyncFnOnce(&TestEnv) -> Result<()> + Send + 'static,
{
    own_with(Options::default(), test)
}

/// Like [`own`], with an API server that is started in another way.
pub(crate) fn own_with<F>(options: Options, test: F) -> Trial
where
    F: AsyncFnOnce(&TestEnv) -> Result<()> + Send + 'static,
{
    trial::<F>(async move || {
        let cluster = Arc::new(Cluster::with_report_api(options).await?);
        then_end(Arc::clone(&cluster), in_namespace(cluster, test).await).await
    })
}

/// A test on a control plane of its own without the report API.
pub(crate) fn without_report_api<F>(test: F) -> Trial
where
    F: AsyncFnOnce(&TestEnv) -> Result<()> + Send + 'static,
{
    trial::<F>(async move || {
        let cluster = Arc::new(Cluster::start(Options::default()).await?);
        then_end(Arc::clone(&cluster), in_namespace(cluster, test).await).await
    })
}

async fn then_end(cluster: Arc<Cluster>, outcome: Result<()>) -> Result<()> {
    let ended = end(cluster).await;
    outcome.and(ended)
}

async fn in_namespace<F>(cluster: Arc<Cluster>, test: F) -> Result<()>
where
    F: AsyncFnOnce(&TestEnv) -> Result<()>,
{
    let env = TestEnv::new(cluster).await?;
    // What was seen is wanted from a failed assertion, too.
    let outcome = match AssertUnwindSafe(test(&env)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => Err(anyhow!("{}", text_of(&*panic))),
    };
    env.end(outcome).await
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

fn trial<F>(body: impl AsyncFnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::ignorable_test(name_of::<F>(), move || {
        match runtime().and_then(|runtime| runtime.block_on(body())) {
            Ok(()) => Ok(Completion::Completed),
            Err(failure) => match failure.downcast::<Skipped>() {
                Ok(Skipped(reason)) => Ok(Completion::ignored_with(reason)),
                Err(failure) => Err(Failed::from(format!("{failure:#}"))),
            },
        }
    })
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().map_err(Error::from)
}

/// `module::function`, as libtest names tests.
fn name_of<F>() -> String {
    let path = type_name::<F>();
    path.split_once("::").map_or(path, |(_crate, path)| path).to_owned()
}
