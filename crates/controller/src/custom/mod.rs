//! Custom kinds: which of those that are wanted the API server serves, a watch for each of them, and what became of
//! it. Nothing here holds up the controller: a kind that is absent or forbidden is judged by its pods.

mod discovery;
mod manager;
mod progress;
mod states;

pub(crate) use manager::run;
pub(crate) use states::{CustomWatches, WatchScope, WatchState};
