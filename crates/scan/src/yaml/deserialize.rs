//! A node as a source for serde, with errors that know their place.

use super::tree::{Node, Position, Value};
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};
use std::fmt;
use tagwatch_core::text::UntrustedText;

/// What does not fit the type that was asked for. The place is that of the innermost value, or key, that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeError {
    pub(crate) at: Option<Position>,
    /// Safe for a terminal.
    pub(crate) message: String,
}

impl NodeError {
    fn at(mut self, at: Position) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NodeError {}

impl de::Error for NodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { at: None, message: UntrustedText::from(message.to_string()).terminal() }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { at: None, message: tagwatch_core::suggest::unknown("field", field, expected) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self { at: None, message: tagwatch_core::suggest::unknown("value", variant, expected) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { at: None, message: format!("the field {field} is missing") }
    }
}

impl<'d> Node<'d, '_> {
    fn visit<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self.value() {
            Value::Null => visitor.visit_unit(),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Other(name, text) => visit_other(name, text, visitor),
            Value::Sequence => visitor.visit_seq(Items(self.items())),
            Value::Mapping => visitor.visit_map(Entries { entries: self.entries(), value: None }),
        }
    }
}

/// A boolean or a number, by kubectl's reading of YAML.
fn visit_other<'d, V: Visitor<'d>>(name: &str, text: &str, visitor: V) -> Result<V::Value, NodeError> {
    match (name, text.to_ascii_lowercase().as_str()) {
        ("boolean", "true" | "yes" | "on" | "y") => visitor.visit_bool(true),
        ("boolean", _) => visitor.visit_bool(false),
        _ => match (text.parse::<u64>(), text.parse::<f64>()) {
            (Ok(number), _) => visitor.visit_u64(number),
            (_, Ok(number)) => visitor.visit_f64(number),
            _ => Err(de::Error::custom(format!("the number {text} is not understood"))),
        },
    }
}

impl<'d> Deserializer<'d> for Node<'d, '_> {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, NodeError> {
        self.visit(visitor).map_err(|error| error.at(self.position()))
    }

    /// A null is no value.
    fn deserialize_option<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, NodeError> {
        if self.value() == Value::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_enum<V: Visitor<'d>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        let at = self.position();
        match self.value() {
            Value::String(text) => visitor.visit_enum(Variant(text)),
            other => Err(de::Error::custom(format!("expected a word, found a {}", other.type_name()))),
        }
        .map_err(|error: NodeError| error.at(at))
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'d>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<I>(I);

impl<'d, 't: 'd, I: Iterator<Item = Node<'d, 't>>> SeqAccess<'d> for Items<I> {
    type Error = NodeError;

    fn next_element_seed<T: DeserializeSeed<'d>>(&mut self, seed: T) -> Result<Option<T::Value>, NodeError> {
        self.0.next().map(|item| seed.deserialize(item)).transpose()
    }
}

struct Entries<'d, 't, I> {
    entries: I,
    value: Option<Node<'d, 't>>,
}

impl<'d, 't: 'd, I: Iterator<Item = (Node<'d, 't>, Node<'d, 't>)>> MapAccess<'d> for Entries<'d, 't, I> {
    type Error = NodeError;

    fn next_key_seed<K: DeserializeSeed<'d>>(&mut self, seed: K) -> Result<Option<K::Value>, NodeError> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        let text = StrDeserializer::<NodeError>::new(key.text().unwrap_or_default());
        seed.deserialize(text).map(Some).map_err(|error| error.at(key.position()))
    }

    fn next_value_seed<V: DeserializeSeed<'d>>(&mut self, seed: V) -> Result<V::Value, NodeError> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

struct Variant<'d>(&'d str);

impl<'d> EnumAccess<'d> for Variant<'d> {
    type Error = NodeError;
    type Variant = UnitOnly;

    fn variant_seed<V: DeserializeSeed<'d>>(self, seed: V) -> Result<(V::Value, UnitOnly), NodeError> {
        seed.deserialize(StrDeserializer::new(self.0)).map(|value| (value, UnitOnly))
    }
}

/// The enums of a policy are words.
struct UnitOnly;

impl<'d> de::VariantAccess<'d> for UnitOnly {
    type Error = NodeError;

    fn unit_variant(self) -> Result<(), NodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'d>>(self, _: T) -> Result<T::Value, NodeError> {
        Err(de::Error::custom("expected a word"))
    }

    fn tuple_variant<V: Visitor<'d>>(self, _: usize, _: V) -> Result<V::Value, NodeError> {
        Err(de::Error::custom("expected a word"))
    }

    fn struct_variant<V: Visitor<'d>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, NodeError> {
        Err(de::Error::custom("expected a word"))
    }
}
