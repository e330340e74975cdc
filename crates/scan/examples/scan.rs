//! Scans manifests by the recommended profile, as `tagwatch scan` does. `make demo` runs it on the samples: it needs
//! neither the Kubernetes client nor the controller, so it is compiled within the first minute.
//!
//! Usage: `scan PATH...`

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use tagwatch_core::engine::Engine;
use tagwatch_scan::output::{self, Format, Style};
use tagwatch_scan::{FailOn, ScanOptions, scan};

fn main() -> io::Result<()> {
    let paths = env::args_os().skip(1).map(PathBuf::from).collect();
    let options = ScanOptions {
        paths,
        omits_clean_images: true,
        omits_evidence: true,
        omits_fingerprints: true,
        ..ScanOptions::default()
    };
    let report = scan(&Engine::recommended(), &options, &mut io::empty());
    let mut out = io::stdout().lock();
    output::write(Format::Table, &report, FailOn::default(), &mut out, Style::default())?;
    out.flush()
}
