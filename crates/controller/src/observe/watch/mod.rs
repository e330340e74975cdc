//! One watch that survives everything: kube-runtime's `watcher` under our own backoff and watchdog.

mod relist;

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use kube::{Api, Resource};
use kube_runtime::watcher::{self, Event, InitialListStrategy, ListSemantic};
use serde::de::DeserializeOwned;
use tagwatch_client::{Backoff, LIST_LIMIT};
use tokio::time::{Instant, sleep, timeout};

use self::relist::Relist;
use super::stats::{WatchStats, is_undecodable};

/// Longer than the server lets a watch live (290 s) and than kube-runtime waits for a dead one (295 s): a
/// stream that is silent beyond this is stuck, not quiet.
const SILENCE_LIMIT: Duration = Duration::from_mins(5);

/// How long a server may take to stream an initial state before it is listed instead. Some stream the objects and never
/// say that these were all: an aggregated API server need not know the bookmark that ends them (KEP-3157).
const STREAMED_LIST_LIMIT: Duration = Duration::from_mins(2);
/// The longest wait that the API server may ask for. It is without events for as long.
const LONGEST_ASKED_WAIT: Duration = Duration::from_mins(1);
/// Objects a page, where the initial state is listed.
const PAGE: u32 = 500;

/// What a watch waits for between two tries.
#[derive(Default)]
struct Pauses {
    backoff: Backoff,
    relist: Relist,
}

/// Why a stream was given up.
enum End {
    /// The sink asked for it.
    Stopped,
    /// Nothing moved within the limit, or the initial state cannot be streamed: start over.
    Restart,
    /// An event was missed: read everything anew, now.
    Relist,
}

/// What a sink says after an event or an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Handle the next event.
    Continue,
    /// End the watch, as when its kind is no longer served.
    Stop,
}

/// Where events go. Not async: a sink updates an index and returns.
pub(crate) trait Sink<K> {
    /// A list is complete, or an object has changed: the watch works. Called before the event is handed over.
    fn mark_progress(&mut self) {}

    /// An event, in the order of the API server.
    fn event(&mut self, event: Event<K>) -> Flow;

    /// The watch failed and will be tried again.
    fn failed(&mut self, _error: &watcher::Error) -> Flow {
        Flow::Continue
    }
}

/// Watches until the sink stops it.
///
/// The initial state is streamed (KEP-3157) where the server can, else listed in pages, one kind at a time. Waits between
/// tries grow until real progress is seen.
pub(crate) async fn watch<K, S>(api: Api<K>, mut config: watcher::Config, mut sink: S, stats: WatchStats)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    S: Sink<K>,
{
    config = config.streaming_lists();
    let mut pauses = Pauses::default();
    loop {
        stats.started();
        let end = drain(api.clone(), &mut config, &mut sink, &mut pauses, &stats).await;
        match end {
            End::Stopped => {
                stats.ended();
                return;
            }
            End::Restart => sleep(pauses.backoff.next_delay()).await,
            End::Relist => {}
        }
    }
}

async fn drain<K, S>(
    api: Api<K>,
    config: &mut watcher::Config,
    sink: &mut S,
    pauses: &mut Pauses,
    stats: &WatchStats,
) -> End
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    S: Sink<K>,
{
    let Pauses { backoff, relist } = pauses;
    let mut stream = pin!(watcher::watcher(api, config.clone()));
    let mut in_sync = false;
    // Of an initial state that is streamed: since when.
    let mut streamed_since: Option<Instant> = None;
    let mut turn = None;
    loop {
        let due = relist.due_in().filter(|_| in_sync);
        if due == Some(Duration::ZERO) {
            return End::Relist;
        }
        let left = streamed_since.map(|since| STREAMED_LIST_LIMIT.saturating_sub(since.elapsed()));
        let limit = if in_sync { SILENCE_LIMIT } else { left.unwrap_or(LIST_LIMIT).min(LIST_LIMIT) };
        let limit = limit.min(due.unwrap_or(limit));
        let item = match timeout(limit, stream.next()).await {
            Ok(Some(item)) => item,
            // kube-runtime closes a quiet watch by itself and opens the next, without an event.
            Err(_elapsed) if in_sync => continue,
            Err(_elapsed) if streamed_since.is_some() => {
                tracing::warn!(
                    resource = stats.resource(),
                    "the API server streams an initial list without an end; listing instead"
                );
                *config = list_instead(config.clone());
                return End::Restart;
            }
            Ok(None) | Err(_) => {
                stats.silent();
                tracing::warn!(
                    resource = stats.resource(),
                    "no initial state within the limit; starting over"
                );
                return End::Restart;
            }
        };
        let flow = match item {
            Ok(event) => {
                stats.mark_event();
                match &event {
                    Event::Init => {
                        in_sync = false;
                        relist.begin();
                        match config.initial_list_strategy {
                            // A stream that the server ends and begins again is still the same initial state.
                            InitialListStrategy::StreamingList => {
                                streamed_since.get_or_insert_with(Instant::now);
                            }
                            // The first page is asked for after this event.
                            InitialListStrategy::ListWatch => turn = stats.list_turn().await,
                        }
                    }
                    Event::InitDone => {
                        in_sync = true;
                        streamed_since = None;
                        drop(turn.take());
                    }
                    Event::Apply(_) | Event::Delete(_) | Event::InitApply(_) => {}
                }
                let is_listed = matches!(event, Event::InitDone);
                if !matches!(event, Event::Init | Event::InitApply(_)) {
                    backoff.reset();
                    if relist.due_in().is_none() {
                        stats.recovered();
                    }
                    sink.mark_progress();
                }
                let flow = sink.event(event);
                if is_listed {
                    stats.listed();
                }
                flow
            }
            Err(error) => {
                // An outage is not the time of a stream.
                streamed_since = None;
                drop(turn.take());
                // What the sink ends the watch for is a state of the cluster: no such resource, or no right to it.
                if sink.failed(&error) == Flow::Stop {
                    return End::Stopped;
                }
                // Servers do so before Kubernetes 1.32, in 1.33, and where the feature gate is off: no failure.
                if config.initial_list_strategy == InitialListStrategy::StreamingList && cannot_stream(&error)
                {
                    tracing::info!(
                        resource = stats.resource(),
                        "the API server does not stream initial lists; listing instead"
                    );
                    *config = list_instead(config.clone());
                    return End::Restart;
                }
                stats.failed(&error);
                if is_missed_event(&error) {
                    relist.plan();
                    continue;
                }
                let asked = asked_wait(&error).min(LONGEST_ASKED_WAIT);
                sleep(backoff.delay_after(is_answer(&error)).max(asked)).await;
                Flow::Continue
            }
        };
        if flow == Flow::Stop {
            return End::Stopped;
        }
    }
}

/// In pages, so that a start needs no more memory than what is kept. From its cache the server would give everything at
/// once, whatever the limit.
fn list_instead(mut config: watcher::Config) -> watcher::Config {
    config.initial_list_strategy = InitialListStrategy::ListWatch;
    config.list_semantic = ListSemantic::MostRecent;
    config.page_size(PAGE)
}

/// Whether an event was skipped that kube-runtime could not decode. Its stream goes on.
fn is_missed_event(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchFailed(_)) && is_undecodable(error)
}

/// For how long the API server asks to wait before the next try.
fn asked_wait(error: &watcher::Error) -> Duration {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    let (InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error)) = error else {
        return Duration::ZERO;
    };
    tagwatch_client::retry_after(error).unwrap_or_default()
}

/// Whether the server said it, rather than the way to it.
fn is_answer(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => {
            matches!(error, kube::Error::Api(_))
        }
        WatchError(_) | NoResourceVersion => true,
    }
}

/// Whether an error says that the server cannot stream an initial list: 422 where the feature gate is off,
/// an error event inside a successful answer where etcd is older than 3.4.31 or 3.5.13.
fn cannot_stream(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 422,
        watcher::Error::WatchError(status) => status.message.contains("RequestWatchProgress"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
