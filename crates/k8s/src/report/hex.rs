//! SHA-256 in hexadecimal digits, over bytes and over what is serialized.

use std::fmt::Write;
use std::io;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of bytes, as 64 lower-case hex digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    encode(&Sha256::digest(bytes))
}

/// SHA-256 of a value's JSON.
pub(super) fn sha256_of_json(value: &impl Serialize) -> [u8; 32] {
    let mut sink = HashSink(Sha256::new());
    let written = serde_json::to_writer(&mut sink, value);
    debug_assert!(written.is_ok(), "a report's keys are strings, and a hash takes any bytes");
    sink.0.finalize().into()
}

/// Bytes as lower-case hex digits.
pub(super) fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct HashSink(Sha256);

impl io::Write for HashSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
