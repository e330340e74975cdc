//! Limits of what goes into a report.

use std::io;

use serde::Serialize;
use tagwatch_core::text::{UntrustedText, truncate_bytes};

/// Most results in a report.
pub(super) const MAX_RESULTS: usize = 500;
/// Largest report in bytes of JSON. An API server refuses one between 1.6 and 2.0 MB.
pub(super) const MAX_REPORT: usize = 512 * 1024;
/// Longest image and longest resolution in bytes.
pub(super) const MAX_LONG: usize = 1024;
/// Longest message in bytes: as long as the rules make one.
pub(super) const MAX_MESSAGE: usize = 512;
/// Longest string of any other kind in bytes.
pub(super) const MAX_SHORT: usize = 256;

/// Stands where something was cut off.
const MARK: char = '…';

/// The text as a terminal may see it (`kubectl describe` prints reports as they are), in at most `max` bytes.
pub(super) fn shown(text: &UntrustedText, max: usize) -> String {
    // Escaping makes a text longer, never shorter. A head of more than `max` bytes is cut all the same, so the
    // rest of a megabyte of text need not be escaped first.
    let raw = text.raw();
    if raw.len() <= max {
        return cut(text.terminal(), max);
    }
    let head = &raw[..raw.ceil_char_boundary(max + 1)];
    cut(UntrustedText::from(head).terminal(), max)
}

/// The text in at most `max` bytes, with a mark at the end where it was cut.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        text = truncate_bytes(text, max.saturating_sub(MARK.len_utf8()));
        text.push(MARK);
    }
    text
}

/// Text of a report as [`shown`], without a copy of what is cut off: a user may have edited the report. What we wrote stays as
/// it is.
pub(super) fn read(text: &str, max: usize) -> UntrustedText {
    let head = UntrustedText::from(&text[..text.ceil_char_boundary(max + 1)]);
    let shown = shown(&head, max);
    if shown == head.raw() { head } else { shown.into() }
}

/// Length of a value's JSON in bytes.
pub(super) fn json_len(value: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    let written = serde_json::to_writer(&mut counter, value);
    debug_assert!(written.is_ok(), "a report's keys are strings, and a counter takes any bytes");
    counter.0
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_keeps_the_limit_and_whole_characters() {
        for filler in ["a", "é", "日", "🚀", "\u{1b}", "\u{202e}"] {
            for max in [3, 4, 5, 256] {
                let text = shown(&UntrustedText::from(filler.repeat(1000)), max);
                assert!(text.len() <= max && text.ends_with(MARK), "{filler:?} {max}: {text:?}");
                assert!(text.len() + 8 > max, "cut too early: {text:?}");
            }
        }
        assert_eq!(shown(&"nginx:latest".into(), 12), "nginx:latest");
    }

    #[test]
    fn what_fits_only_unescaped_is_cut() {
        let text = shown(&UntrustedText::from("\u{1b}".repeat(10)), 20);
        assert_eq!(text, "\\u{1b}\\u{1b}\\u{1b…");
    }

    #[test]
    fn what_was_shown_reads_as_it_was_written() {
        for text in ["nginx:latest", "\u{1b}", "\\u{1b}", "日\u{202e}", &"é".repeat(1_000)] {
            let written = shown(&text.into(), 20);
            assert_eq!(read(&written, 20).raw(), written);
            assert_eq!(read(text, 20).raw(), written, "written by a user or by us");
        }
    }

    #[test]
    fn json_is_measured_as_it_is_written() {
        let value = ["a\"b", "é", "\u{1}"];
        assert_eq!(json_len(&value), serde_json::to_string(&value).unwrap().len());
    }
}
