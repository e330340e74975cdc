//! A tree as the JSON that kubectl would send.

use serde_json::{Map, Number};
use tagwatch_core::text::UntrustedText;

use super::tree::{Node, Position, Value};

/// Converts a node to JSON. The limits of a document also limit depth and size here.
///
/// # Errors
/// A number that JSON cannot represent, with its position; the message is safe for a terminal.
pub(crate) fn to_json(node: Node<'_, '_>) -> Result<serde_json::Value, (Position, String)> {
    Ok(match node.value() {
        Value::Null => serde_json::Value::Null,
        Value::String(text) => text.into(),
        Value::Other("boolean", text) => {
            matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y").into()
        }
        Value::Other(_, text) => {
            let whole = text.parse::<u64>().map(Number::from).ok();
            let number = whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
            let shown = || UntrustedText::from(text).terminal();
            number
                .ok_or_else(|| (node.position(), format!("the number {} is not understood", shown())))?
                .into()
        }
        Value::Sequence => serde_json::Value::Array(node.items().map(to_json).collect::<Result<_, _>>()?),
        Value::Mapping => {
            let entries = node.merged_entries().into_iter();
            let entries = entries.map(|(key, value)| Ok((key.to_owned(), to_json(value)?)));
            serde_json::Value::Object(entries.collect::<Result<Map<_, _>, _>>()?)
        }
    })
}
