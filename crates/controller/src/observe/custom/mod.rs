//! Custom kinds: which of those that are wanted the API server serves, and a watch for each of them. Nothing here holds up
//! the controller: the pods of a kind that is absent or forbidden are judged without it.

mod manager;
mod progress;
mod watches;

pub(crate) use manager::run;
