//! What users and contributors meet first: the README, the pages, the demo, the ways to install.

mod alert_values;
mod crate_graph;
mod demo;
mod demo_build;
mod documents;
mod install;
mod namespaced;
mod nightly;
mod readme;
mod recipes;
mod render;
mod shell;
