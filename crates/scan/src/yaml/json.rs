//! A tree as the JSON that kubectl would send.

use serde_json::{Map, Number};
use tagwatch_core::text::UntrustedText;

use super::scalar::Scalar;
use super::tree::{Node, Position, Value};

/// Converts a node to JSON. The limits of a document also limit depth and size here.
///
/// # Errors
/// A number that JSON cannot represent, with its position; the message is safe for a terminal.
pub(crate) fn to_json(node: Node<'_, '_>) -> Result<serde_json::Value, (Position, String)> {
    let Some(scalar) = node.scalar() else {
        if node.value() == Value::Sequence {
            return Ok(serde_json::Value::Array(node.items().map(to_json).collect::<Result<_, _>>()?));
        }
        let entries = node.merged_entries().into_iter();
        let entries = entries.map(|(key, value)| Ok((key.to_owned(), to_json(value)?)));
        return Ok(serde_json::Value::Object(entries.collect::<Result<Map<_, _>, _>>()?));
    };
    Ok(match scalar {
        Scalar::Null => serde_json::Value::Null,
        Scalar::Bool(value) => value.into(),
        Scalar::Integer(value) => value.into(),
        Scalar::Unsigned(value) => value.into(),
        Scalar::Float(value) => {
            let shown = || UntrustedText::from(node.text().unwrap_or_default()).terminal();
            Number::from_f64(value)
                .ok_or_else(|| (node.position(), format!("the number {} is not understood", shown())))?
                .into()
        }
        Scalar::String => node.text().unwrap_or_default().into(),
    })
}
