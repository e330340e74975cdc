//! The filter of exemptions.

use form_urlencoded::Serializer;

use super::parse::{number, one_of, quoted};
use super::query::append_page;
use super::{PerPage, QueryFilter, UnknownFields};
use crate::url::with_query;

/// What becomes of an exemption, in the order of the table: what needs a hand first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ExemptionState {
    /// The policy does not allow it, or it lacks something.
    NotHonoured,
    /// Its last day has passed.
    Expired,
    /// There is no finding that it would exempt.
    Unused,
    /// It exempts something.
    Active,
}

impl ExemptionState {
    pub(crate) const ALL: [Self; 4] = [Self::Active, Self::Unused, Self::Expired, Self::NotHonoured];

    /// In an address.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotHonoured => "not-honoured",
            Self::Expired => "expired",
            Self::Unused => "unused",
            Self::Active => "active",
        }
    }

    /// On a page.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotHonoured => "not honoured",
            other => other.as_str(),
        }
    }
}

/// A selection of exemptions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ExemptionFilter {
    pub(crate) state: Option<ExemptionState>,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
    pub(crate) per_page: PerPage,
}

impl QueryFilter for ExemptionFilter {
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            _ if value.is_empty() => {}
            "state" => {
                self.state = Some(one_of(name, value, &ExemptionState::ALL, |state| state.as_str())?);
            }
            "page" => self.page = number(name, value)?,
            "per_page" => self.per_page = PerPage::parse(value)?,
            _ if unknown == UnknownFields::Ignored => {}
            _ => return Err(format!("{} is no field: expected state, page or per_page", quoted(name))),
        }
        Ok(())
    }
}

impl ExemptionFilter {
    pub(crate) fn admits(&self, state: ExemptionState) -> bool {
        self.state.is_none_or(|admitted| admitted == state)
    }

    /// The address of the table of exemptions with this filter.
    pub(crate) fn address(&self) -> String {
        let Self { state, page, per_page } = self;
        let mut query = Serializer::new(String::new());
        if let Some(state) = state {
            query.append_pair("state", state.as_str());
        }
        append_page(&mut query, *page, *per_page);
        with_query("/exemptions", &query.finish())
    }

    /// The first page of another state, or of all.
    pub(crate) fn with_state(&self, state: Option<ExemptionState>) -> Self {
        Self { state, page: 0, ..self.clone() }
    }

    pub(crate) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }
}
