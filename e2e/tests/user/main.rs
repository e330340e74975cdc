//! What a user meets first: the README, the demo, the ways to install.

mod demo;
mod demo_build;
mod install;
mod readme;
mod shell;
