//! A file that is replaced as a whole, or stays as it was.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tagwatch_core::text::UntrustedText;

/// Writes a file beside the one that it is to become, and gives it its name when it is complete.
pub(super) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    // What a link leads to is replaced, and not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let named =
        || format!("cannot write {}", UntrustedText::from(path.to_string_lossy().as_ref()).terminal());
    // A device or a pipe has no content to be lost, and no other file can take its place.
    if fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(&target, content).with_context(named);
    }
    let beside = beside(&target).with_context(named)?;
    let written = write_new(&beside, &target, content).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        // The error that counts is the one before.
        let _ = fs::remove_file(&beside);
    }
    written.with_context(named)
}

/// In the same folder, for a file can only be renamed within its file system.
fn beside(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.new", std::process::id()));
    Ok(target.with_file_name(hidden))
}

fn write_new(beside: &Path, target: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    if let Ok(known) = fs::metadata(target) {
        file.set_permissions(known.permissions())?;
    }
    file.write_all(content)?;
    file.sync_all()
}
