//! The fields of the issues' form that take one exact value.

use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;

use super::select::Select;
use crate::filter::{Filter, Since};
use crate::text::HtmlText;

/// The part of the form that is folded while none of its fields is set.
pub(super) struct ExactFields {
    pub(super) texts: Vec<ExactField>,
    pub(super) classes: Select,
    pub(super) since: HtmlText,
    pub(super) is_open: bool,
}

/// A text field. A form has one input for each field, so further values of a link are hidden ones beside it.
pub(super) struct ExactField {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) example: &'static str,
    pub(super) value: HtmlText,
    pub(super) hidden: Vec<HtmlText>,
}

impl ExactFields {
    pub(super) fn new(filter: &Filter) -> Self {
        let Filter { images, registries, classes, names, containers, since, .. } = filter;
        let texts = [
            ("image", "Image", "nginx:latest", images),
            ("registry", "Registry", "docker.io", registries),
            ("name", "Workload", "its exact name", names),
            ("container", "Container", "its exact name", containers),
        ];
        let is_open = texts.iter().any(|(.., values)| !values.is_empty());
        Self {
            texts: texts
                .map(|(name, label, example, values)| ExactField::new(name, label, example, values))
                .into(),
            classes: Select::of_words(&TagClass::ALL, classes, |class| class.as_str()),
            since: HtmlText::line(&since.map_or_else(String::new, Since::to_query)),
            is_open: is_open || !classes.is_empty() || since.is_some(),
        }
    }
}

impl ExactField {
    fn new(name: &'static str, label: &'static str, example: &'static str, values: &[UntrustedText]) -> Self {
        let value = |value: &UntrustedText| HtmlText::long(value);
        Self {
            name,
            label,
            example,
            value: values.first().map_or_else(|| HtmlText::line(""), value),
            hidden: values.iter().skip(1).map(value).collect(),
        }
    }
}
