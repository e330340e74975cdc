//! The console over HTTP requests, without a browser.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml allows it in tests, but not in their helpers"
)]

mod fixture;
mod requests;
