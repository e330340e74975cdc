//! The filter of images.

use form_urlencoded::Serializer;
use tagwatch_core::text::UntrustedText;

use super::parse::{add, number, one_of, quoted, search_text, text};
use super::query::append_page;
use super::teams::append_teams;
use super::{Filter, PerPage, QueryFilter, UnknownFields};
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
    pub(crate) teams: Vec<UntrustedText>,
    /// As in the filter of issues: the issues that hold it are grouped.
    pub(crate) text: String,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
    pub(crate) per_page: PerPage,
}

impl QueryFilter for ImageFilter {
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            "by" | "page" | "per_page" if value.is_empty() => {}
            "by" => self.by = one_of(name, value, &Grouping::ALL, |by| by.as_str())?,
            "registry" => add(&mut self.registries, name, value, text)?,
            "namespace" => add(&mut self.namespaces, name, value, text)?,
            "team" => add(&mut self.teams, name, value, text)?,
            "q" => self.text = search_text(value)?,
            "page" => self.page = number(name, value)?,
            "per_page" => self.per_page = PerPage::parse(value)?,
            _ if unknown == UnknownFields::Ignored => {}
            _ => {
                return Err(format!(
                    "{} is no field: expected by, registry, namespace, team, q, page or per_page",
                    quoted(name)
                ));
            }
        }
        Ok(())
    }
}

impl ImageFilter {
    /// The first page of the images of one registry.
    pub(crate) fn within_registry(&self, registry: &UntrustedText) -> Self {
        Self { by: Grouping::Image, registries: vec![key(registry)], page: 0, ..self.clone() }
    }

    /// The same issues among those of `issues`, whatever their registry.
    pub(crate) fn narrow(&self, issues: Filter) -> Filter {
        let Self { by: _, registries: _, namespaces, teams, text, page: _, per_page: _ } = self;
        Filter { namespaces: namespaces.clone(), teams: teams.clone(), text: text.clone(), ..issues }
    }

    /// Whether images of a registry are admitted; `None` for an image that does not parse.
    pub(crate) fn admits_registry(&self, registry: Option<&UntrustedText>) -> bool {
        self.registries.is_empty()
            || registry.is_some_and(|registry| self.registries.contains(&key(registry)))
    }

    /// The address of the page of images with this filter.
    pub(crate) fn address(&self) -> String {
        let Self { by, registries, namespaces, teams, text, page, per_page } = self;
        let mut query = Serializer::new(String::new());
        if *by != Grouping::default() {
            query.append_pair("by", by.as_str());
        }
        query.extend_pairs(registries.iter().map(|registry| ("registry", registry.raw())));
        query.extend_pairs(namespaces.iter().map(|namespace| ("namespace", namespace.raw())));
        append_teams(&mut query, teams);
        if !text.is_empty() {
            query.append_pair("q", text);
        }
        append_page(&mut query, *page, *per_page);
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
