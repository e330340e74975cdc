//! Requests to the console's router, with a file for each topic.

mod api;
mod changes;
mod containers;
mod exports;
mod filters;
mod headers;
mod hostile;
mod images;
mod login;
mod pages;
mod size;
mod support;
mod tables;
