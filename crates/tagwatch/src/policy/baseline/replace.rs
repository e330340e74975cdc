//! Replaces a file as a whole, or leaves it unchanged.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tagwatch_core::text::UntrustedText;

/// Writes a temporary file in the same folder and renames it when it is complete.
pub(super) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    // Replaces the target of a symbolic link, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let named =
        || format!("cannot write {}", UntrustedText::from(path.to_string_lossy().as_ref()).terminal());
    // A device or a pipe has no content to lose, and cannot be replaced.
    if fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(&target, content).with_context(named);
    }
    let temporary = temporary_path(&target).with_context(named)?;
    let written = write_new(&temporary, &target, content).and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        // The first error is reported.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(named)
}

/// In the same folder, because a file can only be renamed within its file system.
fn temporary_path(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.new", std::process::id()));
    Ok(target.with_file_name(hidden))
}

fn write_new(temporary: &Path, target: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(temporary)?;
    if let Ok(known) = fs::metadata(target) {
        file.set_permissions(known.permissions())?;
    }
    file.write_all(content)?;
    file.sync_all()
}
