//! The table of issues.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;

use super::exact::ExactFields;
use super::heading::Heading;
use super::rows::IssueRow;
use super::select::{Select, team_select};
use crate::filter::{Column, Exempt, Filter, Pagination, Sort};
use crate::filtered::FilteredRequest;
use crate::frame::Frame;
use crate::http::html;
use crate::text::{HtmlText, ImageText};
use crate::view::View;

/// The field of images as written.
const IMAGE: &str = "image";

#[derive(Template)]
#[template(path = "issues.html")]
struct IssuesPage<'a> {
    frame: &'a Frame,
    filter: &'a Filter,
    form: FilterForm,
    active: Vec<ActiveValue>,
    title: HtmlText,
    rows: Vec<IssueRow>,
    empty: EmptyReason,
    headings: Vec<Heading>,
    total: usize,
    of: usize,
    pages: Pagination,
    exports: [(&'static str, String); 3],
}

/// Why a page shows no issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EmptyReason {
    /// No workload has been checked yet.
    NotChecked,
    /// The caller may not see any namespace with a workload.
    Hidden,
    Filtered,
    Clean,
}

struct FilterForm {
    namespaces: Select,
    kinds: Select,
    severities: Select,
    results: Select,
    rules: Select,
    exempt: Select,
    exact: ExactFields,
    /// `None` where the policy names no label of teams.
    teams: Option<Select>,
    text: HtmlText,
    per_page: Select,
    sort: Option<String>,
}

/// A field of the filter that holds texts.
type TextField = fn(&mut Filter) -> &mut Vec<UntrustedText>;

/// A value of the filter, with a link that removes it.
struct ActiveValue {
    field: &'static str,
    value: ShownValue,
    href: String,
}

/// A value as a column shows its like.
enum ShownValue {
    Image(ImageText),
    Other(HtmlText),
}

pub(super) async fn issues(FilteredRequest { view, frame, filter }: FilteredRequest<Filter>) -> Response {
    let issues = filter.select(view.issues(), view.now);
    let address = |page| filter.at_page(page).address();
    let pages = Pagination::new(filter.page, filter.per_page, issues.len(), address);
    let page = IssuesPage {
        frame: &frame,
        form: FilterForm::new(&view, &filter),
        active: ActiveValue::all(&filter),
        title: title(&filter, &pages),
        rows: pages
            .rows(&issues)
            .iter()
            .map(|&issue| IssueRow::new(issue, view.now).within(&filter))
            .collect(),
        headings: headings(&filter),
        empty: EmptyReason::new(&view, &filter),
        total: issues.len(),
        of: view.tally().findings(),
        exports: [("CSV", "csv"), ("JSON", "json"), ("Markdown", "md")]
            .map(|(name, extension)| (name, filter.at_page(0).address_at(&format!("/issues.{extension}")))),
        pages,
        filter: &filter,
    };
    html(StatusCode::OK, &page)
}

impl ActiveValue {
    fn all(filter: &Filter) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |field, value: &UntrustedText, rest: Filter| {
            let shown = match field {
                IMAGE => ShownValue::Image(ImageText::new(value)),
                _ => ShownValue::Other(HtmlText::short(value)),
            };
            all.push(Self { field, value: shown, href: rest.at_page(0).address() });
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
        for value in &filter.classes {
            add("class", &value.as_str().into(), filter.without(|rest| &mut rest.classes, value));
        }
        let exact: [(&'static str, TextField, &[UntrustedText]); 4] = [
            (IMAGE, |rest| &mut rest.images, &filter.images),
            ("registry", |rest| &mut rest.registries, &filter.registries),
            ("workload", |rest| &mut rest.names, &filter.names),
            ("container", |rest| &mut rest.containers, &filter.containers),
        ];
        for (label, field, values) in exact {
            for value in values {
                add(label, value, filter.without(field, value));
            }
        }
        if let Some(since) = filter.since {
            add("since", &since.to_query().into(), Filter { since: None, ..filter.clone() });
        }
        for value in &filter.teams {
            add("team", value, filter.without(|rest| &mut rest.teams, value));
        }
        if !filter.text.is_empty() {
            let rest = Filter { text: String::new(), ..filter.clone() };
            add("text", &filter.text.as_str().into(), rest);
        }
        all
    }
}

impl EmptyReason {
    fn new(view: &View, filter: &Filter) -> Self {
        if view.is_blind() {
            Self::Hidden
        } else if view.facts().workloads.is_empty() {
            Self::NotChecked
        } else if filter.is_narrow() {
            Self::Filtered
        } else {
            Self::Clean
        }
    }
}

impl FilterForm {
    fn new(view: &View, filter: &Filter) -> Self {
        let kinds = view.workloads().map(|workload| &workload.kind);
        let results = [Outcome::Fail, Outcome::Error, Outcome::Warn, Outcome::Skip];
        let rules: Vec<&'static str> = view.facts().rules.iter().map(|state| state.rule.id).collect();
        Self {
            namespaces: Select::of_names(view.namespaces().map(|(name, _)| name), &filter.namespaces),
            kinds: Select::of_names(kinds, &filter.kinds),
            severities: Select::of_words(&Severity::ALL, &filter.severities, |severity| severity.as_str()),
            results: Select::of_words(&results, &filter.outcomes, |outcome| outcome.as_str()),
            rules: Select::of_words(&rules, &filter.rules, |rule| rule),
            exempt: Select::of_words(&Exempt::ALL, &[filter.exempt()], |exempt| exempt.as_str()),
            exact: ExactFields::new(filter),
            teams: team_select(view, &filter.teams),
            text: HtmlText::line(&filter.text),
            per_page: Select::of_rows(filter.per_page),
            sort: (filter.sort != Sort::default()).then(|| filter.sort.to_query()),
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
    columns.map(|column| Heading::new(filter.sort, column, |sort| filter.sorted(sort).address())).into()
}

/// What the title of the browser's window says beside the section: the filter, and the page.
fn title(filter: &Filter, pages: &Pagination) -> HtmlText {
    let Filter {
        namespaces,
        kinds,
        severities,
        outcomes,
        rules,
        images,
        registries,
        classes,
        names,
        containers,
        since,
        teams,
        text,
        exempt,
        sort: _,
        page: _,
        per_page: _,
    } = filter;
    let of_workloads = namespaces.iter().chain(kinds).chain(names).chain(teams);
    let names = of_workloads.chain(containers).chain(images).chain(registries).map(UntrustedText::raw);
    let words = severities.iter().map(|severity| severity.as_str());
    let words = words.chain(outcomes.iter().map(|outcome| outcome.as_str())).chain(rules.iter().copied());
    let words = words.chain(classes.iter().map(|class| class.as_str()));
    let since = since.map(|since| format!("new in {}", since.words()));
    let exempt = exempt.filter(|exempt| *exempt != Exempt::No).map(|exempt| match exempt {
        Exempt::Yes => "exempt",
        Exempt::No | Exempt::All => "with exempt ones",
    });
    let text = (!text.is_empty()).then_some(text.as_str());
    pages.title("Issues", names.chain(words).chain(since.as_deref()).chain(exempt).chain(text))
}
