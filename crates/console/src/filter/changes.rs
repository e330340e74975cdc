//! The filter of changes.

use form_urlencoded::Serializer;
use jiff::Timestamp;
use tagwatch_core::outcome::Severity;
use tagwatch_core::text::UntrustedText;

use super::parse::{add, number, one_of, quoted, rule, search_text, severity, text};
use super::query::append_page;
use super::teams::{admits_team, append_teams};
use super::{PerPage, QueryFilter, Since, UnknownFields, contains};
use crate::snapshot::{Change, ChangeKind, ChangedWorkload, Event};
use crate::url::{key, with_query};
use crate::view::View;

/// A selection of changes. An empty list admits all values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChangeFilter {
    /// A day before now, where none is given.
    pub(crate) since: Option<Since>,
    pub(crate) kinds: Vec<ChangeKind>,
    pub(crate) namespaces: Vec<UntrustedText>,
    pub(crate) teams: Vec<UntrustedText>,
    /// Of an issue: with one, no change of an image is admitted. The same holds for `rules`.
    pub(crate) severities: Vec<Severity>,
    pub(crate) rules: Vec<&'static str>,
    /// Part of a name, an image or a message. The case of ASCII letters does not matter.
    pub(crate) text: String,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
    pub(crate) per_page: PerPage,
}

impl QueryFilter for ChangeFilter {
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            "since" | "page" | "per_page" if value.is_empty() => {}
            "since" => self.since = Some(Since::parse(value)?),
            "change" => add(&mut self.kinds, name, value, |value| {
                one_of(name, value, &ChangeKind::ALL, |kind| kind.as_str())
            })?,
            "namespace" => add(&mut self.namespaces, name, value, text)?,
            "team" => add(&mut self.teams, name, value, text)?,
            "severity" => add(&mut self.severities, name, value, severity)?,
            "rule" => add(&mut self.rules, name, value, rule)?,
            "q" => self.text = search_text(value)?,
            "page" => self.page = number(name, value)?,
            "per_page" => self.per_page = PerPage::parse(value)?,
            _ if unknown == UnknownFields::Ignored => {}
            _ => {
                return Err(format!(
                    "{} is no field: expected since, change, namespace, team, severity, rule, q, page or per_page",
                    quoted(name)
                ));
            }
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

    /// Whether a change is admitted, whatever its time and kind.
    pub(crate) fn admits(&self, change: &Change<'_>) -> bool {
        self.admits_workload(change.workload) && self.admits_finding(change) && self.admits_text(change)
    }

    pub(crate) fn admits_workload(&self, workload: ChangedWorkload<'_>) -> bool {
        let [namespace, ..] = workload.names();
        (self.namespaces.is_empty() || self.namespaces.contains(&key(namespace)))
            && admits_team(&self.teams, workload.team())
    }

    fn admits_finding(&self, change: &Change<'_>) -> bool {
        if self.severities.is_empty() && self.rules.is_empty() {
            return true;
        }
        change.event.finding().is_some_and(|finding| {
            let has_severity =
                || finding.severity().is_some_and(|severity| self.severities.contains(&severity));
            (self.severities.is_empty() || has_severity())
                && (self.rules.is_empty() || self.rules.contains(&finding.rule()))
        })
    }

    fn admits_text(&self, Change { workload, event, .. }: &Change<'_>) -> bool {
        let is_part = |text: &str| contains(text, &self.text);
        let of_event = || match event {
            Event::Image(change) => {
                [&change.container, &change.from, &change.to].iter().any(|text| is_part(text.raw()))
            }
            Event::Opened(_) | Event::Resolved(..) => event.finding().is_some_and(|finding| {
                is_part(finding.rule()) || finding.texts().iter().any(|text| is_part(text.raw()))
            }),
        };
        self.text.is_empty() || workload.names().iter().any(|text| is_part(text.raw())) || of_event()
    }

    pub(crate) fn admits_kind(&self, change: &Change<'_>) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&ChangeKind::of(change))
    }

    /// Whether the filter excludes anything but by time and kind of change.
    pub(crate) fn is_narrow(&self) -> bool {
        let Self { since: _, kinds: _, namespaces, teams, severities, rules, text, page: _, per_page: _ } =
            self;
        let is_wide = namespaces.is_empty() && teams.is_empty() && severities.is_empty();
        !(is_wide && rules.is_empty() && text.is_empty())
    }

    /// The issues that are open now and whose opening is admitted, whenever that was.
    pub(crate) fn open(&self, view: &View) -> usize {
        if !self.is_narrow() {
            return view.tally().findings();
        }
        let opened = view
            .workloads()
            .flat_map(|workload| workload.open().map(move |issue| Change::opening_of(workload, issue)));
        opened.filter(|change| self.admits(change)).count()
    }

    /// The address of the page of changes with this filter.
    pub(crate) fn address(&self) -> String {
        let Self { since, kinds, namespaces, teams, severities, rules, text, page, per_page } = self;
        let mut query = Serializer::new(String::new());
        if let Some(since) = since {
            query.append_pair("since", &since.to_query());
        }
        query.extend_pairs(kinds.iter().map(|kind| ("change", kind.as_str())));
        query.extend_pairs(namespaces.iter().map(|namespace| ("namespace", namespace.raw())));
        append_teams(&mut query, teams);
        query.extend_pairs(severities.iter().map(|severity| ("severity", severity.as_str())));
        query.extend_pairs(rules.iter().map(|rule| ("rule", rule)));
        if !text.is_empty() {
            query.append_pair("q", text);
        }
        append_page(&mut query, *page, *per_page);
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
