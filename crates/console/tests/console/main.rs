//! The console by its addresses: every page and every answer, without a browser.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows it in tests, but not in their helpers"
)]

#[path = "../fixture/mod.rs"]
mod fixture;

mod api;
mod exports;
mod filters;
mod headers;
mod hostile;
mod login;
mod pages;
mod size;
mod support;
mod tables;
