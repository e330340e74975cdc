//! How untrusted text is written in JSON.

use serde::Serializer;
use tagwatch_core::text::UntrustedText;

/// The serializer escapes for JSON alone: what reads the values must escape them for where it shows them.
pub(crate) fn text<S: Serializer>(value: &UntrustedText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.json())
}

#[expect(clippy::ref_option, reason = "serde hands a field over by reference")]
pub(crate) fn optional_text<S: Serializer>(
    value: &Option<UntrustedText>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => text(value, serializer),
        None => serializer.serialize_none(),
    }
}
