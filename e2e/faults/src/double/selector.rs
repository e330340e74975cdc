//! Label and field selectors, as far as tagwatch sends them: equality, inequality and existence.

use serde_json::Value;

use super::answer::ApiError;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Equals(String, String),
    Differs(String, String),
    Exists(String),
}

/// What a list or a watch asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Test>,
    fields: Vec<Test>,
}

impl Selector {
    /// Fails for a field that no resource can be selected by, as the real server does.
    pub(super) fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self, ApiError> {
        let selector = Self { labels: tests(labels), fields: tests(fields) };
        let unknown =
            selector.fields.iter().find(|test| !matches!(test.key(), "metadata.name" | "metadata.namespace"));
        match unknown {
            Some(test) => Err(ApiError::bad_request(&format!("field label not supported: {}", test.key()))),
            None => Ok(selector),
        }
    }

    /// Whether everything is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is asked for.
    pub(super) fn matches(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let label = |key: &str| metadata["labels"].get(key).and_then(Value::as_str);
        let field = |key: &str| {
            let field = key.strip_prefix("metadata.")?;
            Some(metadata[field].as_str().unwrap_or_default())
        };
        self.labels.iter().all(|test| test.holds(label)) && self.fields.iter().all(|test| test.holds(field))
    }
}

impl Test {
    fn key(&self) -> &str {
        match self {
            Self::Equals(key, _) | Self::Differs(key, _) | Self::Exists(key) => key,
        }
    }

    fn holds<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::Equals(key, wanted) => value(key) == Some(wanted),
            // An object without the label differs, too.
            Self::Differs(key, other) => value(key) != Some(other),
            Self::Exists(key) => value(key).is_some(),
        }
    }
}

fn tests(text: Option<&str>) -> Vec<Test> {
    let parts = text.into_iter().flat_map(|text| text.split(',')).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let pair = |(key, value): (&str, &str)| (key.trim().to_owned(), value.trim().to_owned());
            if let Some(split) = part.split_once("!=") {
                let (key, value) = pair(split);
                return Test::Differs(key, value);
            }
            match part.split_once("==").or_else(|| part.split_once('=')) {
                Some(split) => {
                    let (key, value) = pair(split);
                    Test::Equals(key, value)
                }
                None => Test::Exists(part.trim().to_owned()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_selected_by_labels_and_by_place() {
        let object =
            json!({ "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "web" } } });
        let matches = |labels, fields| Selector::parse(labels, fields).unwrap().matches(&object);
        assert!(matches(None, None));
        assert!(matches(Some("app=web"), Some("metadata.name=web,metadata.namespace!=bank")));
        assert!(matches(Some("app,tier!=front"), None));
        assert!(!matches(Some("app=other"), None));
        assert!(!matches(None, Some("metadata.namespace!=shop")));
        assert_eq!(Selector::parse(None, Some("spec.nodeName=a")).unwrap_err().code, 400);
    }
}
