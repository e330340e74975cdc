//! The table of issues.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;

use super::Frame;
use super::rows::IssueRow;
use crate::filter::{Column, Exempt, Filter, PAGE, Sort, Unknown, key};
use crate::http::{Guest, Problem, html};
use crate::snapshot::Found;
use crate::text::Shown;
use crate::view::View;

#[derive(Template)]
#[template(path = "issues.html")]
struct IssuesPage<'a> {
    frame: &'a Frame,
    filter: &'a Filter,
    choices: Choices,
    active: Vec<Active>,
    rows: Vec<IssueRow>,
    /// What it means that there is no row.
    nothing: Nothing,
    headings: Vec<Heading>,
    total: usize,
    /// Issues that no filter leaves out.
    of: usize,
    pages: Pages,
    exports: [(&'static str, String); 3],
}

/// Why a page shows no issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nothing {
    /// No workload has been judged.
    NotJudged,
    /// Those that have been lie in namespaces that the caller may not see.
    Unseen,
    /// The filter admits none.
    Filtered,
    /// There is none.
    Clean,
}

/// One value of a field of the form.
pub(super) struct Choice {
    pub(super) value: Shown,
    pub(super) is_chosen: bool,
}

/// A field of the form: what can be chosen.
pub(super) struct Field {
    pub(super) choices: Vec<Choice>,
    /// Several values, which stand together as one choice: they come by links, and a form would send the last alone.
    pub(super) several: Option<Several>,
}

pub(super) struct Several {
    pub(super) count: usize,
    /// As an address holds them.
    pub(super) values: Shown,
}

/// The fields of the form.
struct Choices {
    namespaces: Field,
    kinds: Field,
    severities: Field,
    results: Field,
    rules: Field,
    exempt: Field,
    text: Shown,
    sort: Option<String>,
}

/// A value of the filter, with a link that takes it away.
struct Active {
    field: &'static str,
    value: Shown,
    href: String,
}

/// A heading that sorts.
struct Heading {
    label: &'static str,
    class: &'static str,
    href: String,
    /// As `aria-sort` names it.
    order: Option<&'static str>,
}

/// Links to other pages.
pub(crate) struct Pages {
    pub(crate) number: usize,
    pub(crate) count: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

pub(super) async fn issues(Guest { view, frame }: Guest, RawQuery(query): RawQuery) -> Response {
    let filter = match Filter::parse(query.as_deref(), Unknown::Ignored) {
        Ok(filter) => filter,
        Err(problems) => return frame.refuse(&Problem::bad_request(problems)),
    };
    let found = chosen(&view, &filter);
    let pages = Pages::new(filter.page, found.len(), |page| filter.at_page(page).address());
    let page = IssuesPage {
        frame: &frame,
        choices: Choices::new(&view, &filter),
        active: Active::all(&filter),
        rows: pages.of(&found).iter().map(|&found| IssueRow::new(found, view.now)).collect(),
        headings: headings(&filter),
        nothing: Nothing::of(&view, &filter),
        total: found.len(),
        of: view.tally().violations(),
        exports: [("CSV", "csv"), ("JSON", "json"), ("Markdown", "md")]
            .map(|(name, extension)| (name, filter.at_page(0).address_at(&format!("/issues.{extension}")))),
        pages,
        filter: &filter,
    };
    html(StatusCode::OK, &page)
}

/// The issues that a filter admits, in its order.
pub(crate) fn chosen<'a>(view: &'a View, filter: &Filter) -> Vec<Found<'a>> {
    let mut found: Vec<_> = view.issues().filter(|found| filter.admits(*found)).collect();
    filter.sort.apply(&mut found);
    found
}

impl Pages {
    /// A page beyond the last is the last.
    pub(crate) fn new(number: usize, total: usize, address: impl Fn(usize) -> String) -> Self {
        let count = total.div_ceil(PAGE).max(1);
        let number = number.clamp(1, count);
        Self {
            number,
            count,
            first: (number - 1) * PAGE + usize::from(total > 0),
            last: (number * PAGE).min(total),
            previous: (number > 1).then(|| address(number - 1)),
            next: (number < count).then(|| address(number + 1)),
        }
    }

    pub(crate) fn of<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        all.get((self.number - 1) * PAGE..self.last).unwrap_or_default()
    }
}

impl Active {
    fn all(filter: &Filter) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |field, value: &UntrustedText, rest: Filter| {
            all.push(Self { field, value: Shown::short(value), href: rest.at_page(0).address() });
        };
        for value in &filter.severities {
            add("severity", &value.as_str().into(), filter.without(|rest| &mut rest.severities, value));
        }
        for value in &filter.outcomes {
            add("result", &value.as_str().into(), filter.without(|rest| &mut rest.outcomes, value));
        }
        for value in &filter.namespaces {
            add("namespace", value, filter.without(|rest| &mut rest.namespaces, value));
        }
        for value in &filter.kinds {
            add("kind", value, filter.without(|rest| &mut rest.kinds, value));
        }
        for value in &filter.rules {
            add("rule", &(*value).into(), filter.without(|rest| &mut rest.rules, value));
        }
        if !filter.text.is_empty() {
            let rest = Filter { text: String::new(), ..filter.clone() };
            add("text", &filter.text.as_str().into(), rest);
        }
        all
    }
}

impl Nothing {
    fn of(view: &View, filter: &Filter) -> Self {
        if view.is_blind() {
            Self::Unseen
        } else if view.facts().workloads.is_empty() {
            Self::NotJudged
        } else if filter.is_narrow() {
            Self::Filtered
        } else {
            Self::Clean
        }
    }
}

impl Field {
    /// Values that a form can send back as they are, and those that are chosen, whether anything has them now or not.
    pub(super) fn of_names<'a>(
        values: impl IntoIterator<Item = &'a UntrustedText>,
        chosen: &'a [UntrustedText],
    ) -> Self {
        let known: BTreeSet<&UntrustedText> =
            values.into_iter().filter(|value| key(value) == **value).chain(chosen).collect();
        let choice = |value| Choice { value: Shown::long(value), is_chosen: chosen.contains(value) };
        let names: Vec<&str> = chosen.iter().map(UntrustedText::raw).collect();
        Self { choices: known.into_iter().map(choice).collect(), several: None }.with_several(&names)
    }

    fn of_words<T: PartialEq>(known: &[T], chosen: &[T], as_str: impl Fn(&T) -> &'static str) -> Self {
        let choice = |value| Choice { value: Shown::line(as_str(value)), is_chosen: chosen.contains(value) };
        let words: Vec<&str> = chosen.iter().map(&as_str).collect();
        Self { choices: known.iter().map(choice).collect(), several: None }.with_several(&words)
    }

    fn with_several(mut self, chosen: &[&str]) -> Self {
        if chosen.len() > 1 {
            self.choices.iter_mut().for_each(|choice| choice.is_chosen = false);
            self.several = Some(Several { count: chosen.len(), values: Shown::code(&chosen.join(",")) });
        }
        self
    }
}

impl Choices {
    fn new(view: &View, filter: &Filter) -> Self {
        let kinds = view.workloads().map(|workload| &workload.kind);
        let results = [Outcome::Fail, Outcome::Error, Outcome::Warn, Outcome::Skip];
        let rules: Vec<&'static str> = view.facts().rules.iter().map(|state| state.rule.id).collect();
        Self {
            namespaces: Field::of_names(view.namespaces().map(|(name, _)| name), &filter.namespaces),
            kinds: Field::of_names(kinds, &filter.kinds),
            severities: Field::of_words(&Severity::ALL, &filter.severities, |severity| severity.as_str()),
            results: Field::of_words(&results, &filter.outcomes, |outcome| outcome.as_str()),
            rules: Field::of_words(&rules, &filter.rules, |rule| rule),
            exempt: Field::of_words(&Exempt::ALL, &[filter.exempt()], |exempt| exempt.as_str()),
            text: Shown::line(&filter.text),
            sort: (filter.sort != Sort::default()).then(|| filter.sort.written()),
        }
    }
}

fn headings(filter: &Filter) -> Vec<Heading> {
    let columns = [
        (Column::Severity, "Severity", "severity"),
        (Column::Rule, "Rule", "rule"),
        (Column::Workload, "Workload", "workload"),
        (Column::Container, "Container and image", "container"),
        (Column::Result, "Result", "result"),
        (Column::Age, "Age", "age"),
    ];
    columns.map(|(column, label, class)| heading(filter, column, label, class)).into()
}

fn heading(filter: &Filter, column: Column, label: &'static str, class: &'static str) -> Heading {
    let is_current = filter.sort.column == column;
    let reversed = is_current && !filter.sort.reversed;
    let order = is_current.then(|| {
        let is_ascending = column.is_ascending() != filter.sort.reversed;
        if is_ascending { "ascending" } else { "descending" }
    });
    Heading { label, class, href: filter.sorted(Sort { column, reversed }).address(), order }
}
