//! Compose files among the inputs (<https://github.com/compose-spec/compose-spec>). Each is read as written; once all files
//! are read, they are put together as Compose does it: variables, `include`, `extends`, and files that are merged. What comes
//! out are services with an image and a pull policy, each with the place where it is written.

mod apply;
mod dotenv;
mod file;
mod interpolate;
mod model;
mod names;
mod project;
mod projects;
mod sources;

pub(crate) use apply::apply;
pub(crate) use file::{ComposeFile, ReadCompose, may_hold_services, read};
pub(crate) use names::is_compose_name;
