//! How the sources of the crates are laid out: rooms follow the data, no circle of files spans two folders, and imports
//! come in three groups.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml allows them in tests, but not in their helpers"
)]

mod circles;
mod groups;
mod order;
mod source;
