//! Which issues a page shows, and in which order: all of it stands in the address.

mod parse;
mod sort;
mod url;

use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;

use crate::snapshot::{Found, Workload};

pub(crate) use parse::{Unknown, pairs};
pub(crate) use sort::{Column, Sort};
pub(crate) use url::{address, key};

/// Issues on a page.
pub(crate) const PAGE: usize = 50;

/// A choice of issues. An empty list admits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) namespaces: Vec<UntrustedText>,
    pub(crate) kinds: Vec<UntrustedText>,
    pub(crate) severities: Vec<Severity>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) rules: Vec<&'static str>,
    /// Found in names, images and messages, whatever the case of ASCII letters.
    pub(crate) text: String,
    pub(crate) exempt: Option<Exempt>,
    pub(crate) sort: Sort,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
}

/// Whether exempt issues are among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exempt {
    /// They are not.
    No,
    /// They alone.
    Yes,
    /// They too.
    All,
}

impl Exempt {
    pub(crate) const ALL: [Self; 3] = [Self::No, Self::Yes, Self::All];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::All => "all",
        }
    }
}

impl Filter {
    /// Issues of one rule.
    pub(crate) fn of_rule(id: &'static str) -> Self {
        Self { rules: vec![id], ..Self::default() }
    }

    /// Issues of one severity.
    pub(crate) fn of_severity(severity: Severity) -> Self {
        Self { severities: vec![severity], ..Self::default() }
    }

    /// Issues of one workload, exempt ones too, and of others whose name begins or ends like its name.
    pub(crate) fn of_workload(workload: &Workload) -> Self {
        let kinds = vec![key(&workload.kind)];
        let text = workload.name.raw().to_owned();
        Self { kinds, text, exempt: Some(Exempt::All), ..Self::default() }.within(&workload.namespace)
    }

    /// The same within one namespace.
    #[must_use]
    pub(crate) fn within(mut self, namespace: &UntrustedText) -> Self {
        self.namespaces = vec![key(namespace)];
        self
    }

    /// The same without one value of a field.
    pub(crate) fn without<T: PartialEq>(&self, field: fn(&mut Self) -> &mut Vec<T>, value: &T) -> Self {
        let mut rest = self.clone();
        field(&mut rest).retain(|one| one != value);
        rest
    }

    /// Who asks for exempt results by their name means exempt issues.
    pub(crate) fn exempt(&self) -> Exempt {
        let by_result = if self.outcomes.contains(&Outcome::Skip) { Exempt::All } else { Exempt::No };
        self.exempt.unwrap_or(by_result)
    }

    /// Whether it leaves anything out but what is exempt.
    pub(crate) fn is_narrow(&self) -> bool {
        let Self { namespaces, kinds, severities, outcomes, rules, text, exempt, sort: _, page: _ } = self;
        let is_wide = namespaces.is_empty() && kinds.is_empty() && severities.is_empty();
        let is_wide = is_wide && outcomes.is_empty() && rules.is_empty() && text.is_empty();
        let is_wide = is_wide && *exempt != Some(Exempt::Yes);
        !is_wide
    }

    pub(crate) fn admits(&self, found: Found<'_>) -> bool {
        let Found { workload, issue } = found;
        let exempt = match self.exempt() {
            Exempt::No => !issue.is_exempt(),
            Exempt::Yes => issue.is_exempt(),
            Exempt::All => true,
        };
        exempt
            && admits(&self.severities, &issue.severity)
            && admits(&self.outcomes, &issue.outcome)
            && admits(&self.rules, &issue.rule.id)
            && admits(&self.namespaces, &key(&workload.namespace))
            && admits(&self.kinds, &key(&workload.kind))
            && self.admits_text(found)
    }

    fn admits_text(&self, Found { workload, issue }: Found<'_>) -> bool {
        let texts = [
            workload.namespace.raw(),
            workload.kind.raw(),
            workload.name.raw(),
            issue.container.raw(),
            issue.image.raw(),
            issue.rule.id,
            issue.message.raw(),
        ];
        self.text.is_empty() || texts.iter().any(|text| holds(text, &self.text))
    }
}

fn admits<T: PartialEq>(chosen: &[T], value: &T) -> bool {
    chosen.is_empty() || chosen.contains(value)
}

fn holds(text: &str, part: &str) -> bool {
    let part = part.as_bytes();
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}
