//! The filter of images.

use form_urlencoded::Serializer;
use tagwatch_core::text::UntrustedText;

use super::parse::{add, number, one_of, text};
use super::query::append_page;
use super::{PerPage, QueryFilter, UnknownFields};
use crate::url::{key, with_query};

/// What images are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Grouping {
    #[default]
    Image,
    Registry,
}

impl Grouping {
    pub(crate) const ALL: [Self; 2] = [Self::Image, Self::Registry];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Registry => "registry",
        }
    }
}

/// A selection of images. An empty list admits all values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageFilter {
    pub(crate) by: Grouping,
    pub(crate) registries: Vec<UntrustedText>,
    pub(crate) namespaces: Vec<UntrustedText>,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
}

impl QueryFilter for ImageFilter {
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            "by" | "page" if value.is_empty() => {}
            "by" => self.by = one_of(name, value, &Grouping::ALL, |by| by.as_str())?,
            "page" => self.page = number(name, value)?,
            "registry" => add(&mut self.registries, name, value, text)?,
            "namespace" => add(&mut self.namespaces, name, value, text)?,
            _ if unknown == UnknownFields::Ignored => {}
            _ => return Err("expected the fields by, registry, namespace and page, and no other".to_owned()),
        }
        Ok(())
    }
}

impl ImageFilter {
    /// The images of one registry.
    pub(crate) fn of_registry(registry: &UntrustedText) -> Self {
        Self { registries: vec![key(registry)], ..Self::default() }
    }

    pub(crate) fn admits_namespace(&self, namespace: &UntrustedText) -> bool {
        self.namespaces.is_empty() || self.namespaces.contains(&key(namespace))
    }

    /// Whether images of a registry are admitted; `None` for an image that does not parse.
    pub(crate) fn admits_registry(&self, registry: Option<&UntrustedText>) -> bool {
        self.registries.is_empty()
            || registry.is_some_and(|registry| self.registries.contains(&key(registry)))
    }

    /// The address of the page of images with this filter.
    pub(crate) fn address(&self) -> String {
        let Self { by, registries, namespaces, page } = self;
        let mut query = Serializer::new(String::new());
        if *by != Grouping::default() {
            query.append_pair("by", by.as_str());
        }
        query.extend_pairs(registries.iter().map(|registry| ("registry", registry.raw())));
        query.extend_pairs(namespaces.iter().map(|namespace| ("namespace", namespace.raw())));
        append_page(&mut query, *page, PerPage::default());
        with_query("/images", &query.finish())
    }

    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// The first page of another grouping.
    pub(crate) fn grouped(&self, by: Grouping) -> Self {
        Self { by, page: 0, ..self.clone() }
    }
}
