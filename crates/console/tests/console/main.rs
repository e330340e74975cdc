//! The console by its addresses: every page and every answer, without a browser.

#[path = "../fixture/mod.rs"]
mod fixture;

mod api;
mod exports;
mod filters;
mod hostile;
mod login;
mod pages;
mod size;
mod support;
