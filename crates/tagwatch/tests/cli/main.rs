//! The real binary, as a person or a script would run it.

mod cluster;
mod generate;
mod rules;
mod scan;
mod support;
mod usage;
