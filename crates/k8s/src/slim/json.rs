//! JSON, to be followed by the path of a template.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use tagwatch_core::kinds::{TemplateStep, Tree, ValueType};

use super::template::WireTemplate;

/// JSON as `serde_json` holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'a>(pub(super) &'a Value);

impl Tree for Json<'_> {
    fn value_type(self) -> ValueType {
        match self.0 {
            Value::Null => ValueType::Null,
            Value::Object(_) => ValueType::Mapping,
            Value::Array(_) => ValueType::List,
            Value::Bool(_) => ValueType::Other("boolean"),
            Value::Number(_) => ValueType::Other("number"),
            Value::String(_) => ValueType::Other("string"),
        }
    }

    fn field(self, name: &str) -> Option<Self> {
        self.0.get(name).map(Json)
    }

    fn items(self) -> Vec<Self> {
        self.0.as_array().into_iter().flatten().map(Json).collect()
    }

    fn entries(self) -> Vec<(String, Self)> {
        let entries = self.0.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), Json(value))).collect()
    }
}

/// Decodes the template that a path of fields leads to, and skips everything else without building it.
pub(super) struct TemplateAt<'a>(pub(super) &'a [TemplateStep]);

impl<'de> DeserializeSeed<'de> for TemplateAt<'_> {
    type Value = Option<WireTemplate>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            Option::deserialize(deserializer)
        } else {
            deserializer.deserialize_option(self)
        }
    }
}

impl<'de> Visitor<'de> for TemplateAt<'_> {
    type Value = Option<WireTemplate>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (field, rest) = match self.0.split_first() {
            Some((TemplateStep::Field(name), rest)) => (name.as_str(), rest),
            _ => ("", self.0),
        };
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == field {
                found = map.next_value_seed(TemplateAt(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
