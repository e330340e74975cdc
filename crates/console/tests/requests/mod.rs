//! Requests to the console's router, with a file for each topic.

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
