//! The tasks of the controller by name. A task that ends although it should run forever ends the process, so that
//! Kubernetes restarts it: half a controller is worse than none.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::RunError;

/// How long open connections, the last writes and the release of the lease may take after the signal to stop.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(3);

/// Tasks that run until the process ends. Dropping it aborts them.
#[derive(Default)]
pub(crate) struct Tasks {
    /// Tasks that run until the process ends; a return is an error.
    endless: JoinSet<()>,
    /// Return after the signal to stop, such as servers once they have answered what was asked.
    finishing: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Spawns a task that must never return.
    pub(crate) fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let spawned = self.endless.spawn(task);
        self.remember(&spawned, name);
    }

    /// Spawns a task on a runtime that has something to finish once the token given to [`run_until`](Self::run_until) is
    /// cancelled, and returns after it.
    pub(crate) fn spawn_until_stop(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
        runtime: &Handle,
    ) {
        let spawned = self.finishing.spawn_on(task, runtime);
        self.remember(&spawned, name);
    }

    fn remember(&mut self, spawned: &AbortHandle, name: &'static str) {
        self.names.insert(spawned.id(), name);
    }

    /// Runs until `stop` is cancelled; then tasks that finish something get [`SHUTDOWN_LIMIT`], and all other tasks are
    /// aborted.
    ///
    /// # Errors
    /// When a task returns or panics before that.
    pub(crate) async fn run_until(mut self, stop: &CancellationToken) -> Result<(), RunError> {
        tokio::select! {
            // In this order: those return by the same token, and would look like tasks that failed.
            biased;
            () = stop.cancelled() => {
                tracing::info!("stopping");
                if timeout(SHUTDOWN_LIMIT, self.finished()).await.is_err() {
                    tracing::info!("not everything has finished; ending anyway");
                }
                Ok(())
            }
            Some(ended) = self.endless.join_next_with_id() => Err(self.ended(ended)),
            Some(ended) = self.finishing.join_next_with_id() => Err(self.ended(ended)),
        }
    }

    async fn finished(&mut self) {
        while self.finishing.join_next().await.is_some() {}
    }

    fn ended(&self, ended: Result<(Id, ()), JoinError>) -> RunError {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let task = self.names.get(&id).copied().unwrap_or_default();
        match ended {
            Ok((_, ())) => RunError::TaskEnded(task),
            Err(source) => RunError::TaskPanicked { task, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    async fn error_of(tasks: Tasks) -> String {
        tasks.run_until(&CancellationToken::new()).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_task_that_returns_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("pods", pending());
        tasks.spawn("nodes", ready(()));
        assert_eq!(
            error_of(tasks).await,
            "the task \"nodes\" ended by itself; ending the process, so that it is started anew"
        );
    }

    #[tokio::test]
    async fn a_task_that_panics_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("nodes", async { panic!("out of range") });
        let error = error_of(tasks).await;
        assert!(error.contains("\"nodes\"") && error.contains("out of range"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_returns_before_the_signal_to_stop_is_named() {
        let mut tasks = Tasks::default();
        tasks.spawn("pods", pending());
        tasks.spawn_until_stop("console", ready(()), &Handle::current());
        let error = error_of(tasks).await;
        assert!(error.contains("\"console\"") && error.contains("ended by itself"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_signal_to_stop_only_servers_are_waited_for() {
        let stop = CancellationToken::new();
        let (stopping, finished) = (stop.clone(), CancellationToken::new());
        let finish = finished.clone();
        let mut tasks = Tasks::default();
        tasks.spawn("pods", pending());
        let server = async move {
            stopping.cancelled().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            finish.cancel();
        };
        tasks.spawn_until_stop("admin endpoint", server, &Handle::current());
        stop.cancel();
        assert!(tasks.run_until(&stop).await.is_ok());
        assert!(finished.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_finish_is_aborted() {
        let (stop, began) = (CancellationToken::new(), tokio::time::Instant::now());
        let mut tasks = Tasks::default();
        tasks.spawn_until_stop("console", pending(), &Handle::current());
        stop.cancel();
        assert!(tasks.run_until(&stop).await.is_ok());
        assert_eq!(began.elapsed().as_secs(), SHUTDOWN_LIMIT.as_secs());
    }
}
