//! `-o json`: the report as it is. What could drive a terminal is escaped, and reads back as it was.

use std::io::{self, ErrorKind, Write};

use tagwatch_core::text::terminal_json;

use crate::report::ScanReport;

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let mut out = Escaping(out);
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")
}

/// Escapes JSON for a terminal while it is written, so that the whole text is never in memory. It gets whole characters:
/// the serializer cuts texts at what it escapes itself.
struct Escaping<'w>(&'w mut dyn Write);

impl Write for Escaping<'_> {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        if json.iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
            self.0.write_all(json)?;
        } else {
            let text = str::from_utf8(json).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            self.0.write_all(terminal_json(text).as_bytes())?;
        }
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tagwatch_core::structured;

    use super::*;

    #[test]
    fn what_is_written_in_parts_is_escaped_as_a_whole_text_is() {
        let value = Value::from(vec!["a\u{1b}\n\u{7f}\u{9b}\u{202e}\u{e0001}\"\\ü", "é\u{200b}", "plain"]);
        let mut written = Vec::new();
        let mut out = Escaping(&mut written);
        serde_json::to_writer_pretty(&mut out, &value).unwrap();
        out.write_all(b"\n").unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), structured::json(&value).unwrap());
    }
}
