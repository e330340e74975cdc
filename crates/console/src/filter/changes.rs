//! The filter of changes.

use form_urlencoded::Serializer;
use jiff::Timestamp;
use tagwatch_core::text::UntrustedText;

use super::parse::{add, number, one_of, text};
use super::query::append_page;
use super::{PerPage, QueryFilter, Since, UnknownFields};
use crate::snapshot::{Change, ChangeKind};
use crate::url::{key, with_query};

/// A selection of changes. An empty list admits all values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChangeFilter {
    /// A day before now, where none is given.
    pub(crate) since: Option<Since>,
    pub(crate) kinds: Vec<ChangeKind>,
    pub(crate) namespaces: Vec<UntrustedText>,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
}

impl QueryFilter for ChangeFilter {
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            "since" | "page" if value.is_empty() => {}
            "since" => self.since = Some(Since::parse(value)?),
            "page" => self.page = number(name, value)?,
            "namespace" => add(&mut self.namespaces, name, value, text)?,
            "change" => add(&mut self.kinds, name, value, |value| {
                one_of(name, value, &ChangeKind::ALL, |kind| kind.as_str())
            })?,
            _ if unknown == UnknownFields::Ignored => {}
            _ => return Err("expected the fields since, change, namespace and page, and no other".to_owned()),
        }
        Ok(())
    }
}

impl ChangeFilter {
    /// Changes of some kind, or of all, in a time.
    pub(crate) fn of(since: Since, kinds: &[ChangeKind]) -> Self {
        Self { since: Some(since), kinds: kinds.to_vec(), ..Self::default() }
    }

    pub(crate) fn since(&self) -> Since {
        self.since.unwrap_or(Since::Hours(24))
    }

    pub(crate) fn start(&self, now: Timestamp) -> Timestamp {
        self.since().start(now)
    }

    pub(crate) fn admits_namespace(&self, namespace: &UntrustedText) -> bool {
        self.namespaces.is_empty() || self.namespaces.contains(&key(namespace))
    }

    pub(crate) fn admits_kind(&self, change: &Change<'_>) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&ChangeKind::of(change))
    }

    /// The address of the page of changes with this filter.
    pub(crate) fn address(&self) -> String {
        let Self { since, kinds, namespaces, page } = self;
        let mut query = Serializer::new(String::new());
        if let Some(since) = since {
            query.append_pair("since", &since.to_query());
        }
        query.extend_pairs(kinds.iter().map(|kind| ("change", kind.as_str())));
        query.extend_pairs(namespaces.iter().map(|namespace| ("namespace", namespace.raw())));
        append_page(&mut query, *page, PerPage::default());
        with_query("/changes", &query.finish())
    }

    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// The first page of one kind, or of all.
    pub(crate) fn with_kinds(&self, kinds: &[ChangeKind]) -> Self {
        Self { kinds: kinds.to_vec(), page: 0, ..self.clone() }
    }

    /// The first page of another time.
    pub(crate) fn with_since(&self, since: Since) -> Self {
        Self { since: Some(since), page: 0, ..self.clone() }
    }
}
