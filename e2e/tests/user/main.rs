//! What a user meets first: the README, the demo, the ways to install.

mod crate_graph;
mod demo;
mod documents;
mod install;
mod readme;
mod shell;
