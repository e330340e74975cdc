//! The Prometheus text format, version 0.0.4, as far as we write it ourselves.

use std::fmt::Write;

use tagwatch_core::text::UntrustedText;

/// The lines above the series of a gauge.
pub(super) fn header(text: &mut String, name: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
}

/// `label="value",`; the value may come from anywhere.
pub(super) fn quoted(text: &mut String, label: &str, value: &str) {
    text.push_str(label);
    text.push_str("=\"");
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte)) {
        text.push_str(value);
    } else {
        for character in UntrustedText::from(value).label().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                _ => text.push(character),
            }
        }
    }
    text.push_str("\",");
}
