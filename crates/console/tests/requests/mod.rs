//! Requests to the console's router, with a file for each topic.

mod absence;
mod api;
mod changes;
mod containers;
mod exemptions;
mod exports;
mod files;
mod filters;
mod first_look;
mod headers;
mod health;
mod hostile;
mod images;
mod lists;
mod login;
mod pages;
mod resolved;
mod size;
mod support;
mod tables;
