//! From an address to a filter.

use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::rules;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;

use super::{Exempt, Filter, PerPage, Since, Sort};
use crate::url::pairs;

/// Longest text to search for, in bytes.
const MAX_TEXT: usize = 256;
/// Most values of one field.
const MAX_VALUES: usize = 64;
/// The label of metrics for the workloads beyond the cap of series, and for their namespaces. No object has this name.
pub(crate) const OTHER: &str = "_other";
/// What dashboards send for a variable with all values selected, and alerts for what is summed up.
const ANY: [&str; 5] = ["", "All", "$__all", ".*", OTHER];

/// A filter that is read from a query.
pub(crate) trait QueryFilter: Default {
    /// Takes over a field of a query, which can be repeated.
    ///
    /// # Errors
    /// What is wrong with the value, with the expected ones; safe to print to a terminal.
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String>;

    /// Reads a query.
    ///
    /// # Errors
    /// Every invalid field.
    fn parse(query: Option<&str>, unknown: UnknownFields) -> Result<Self, Vec<String>> {
        let mut filter = Self::default();
        let fields = pairs(query);
        let problems: Vec<String> =
            fields.filter_map(|(name, value)| filter.set(&name, &value, unknown).err()).collect();
        if problems.is_empty() { Ok(filter) } else { Err(problems) }
    }
}

/// How to treat unknown fields of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// For pages: chats and dashboards add fields to links.
    Ignored,
    /// For programs, which want to find their mistakes.
    Rejected,
}

impl QueryFilter for Filter {
    /// Fields can hold several values separated by commas.
    fn set(&mut self, name: &str, value: &str, unknown: UnknownFields) -> Result<(), String> {
        match name {
            "namespace" => add(&mut self.namespaces, name, value, text),
            "kind" => add(&mut self.kinds, name, value, text),
            "severity" => add(&mut self.severities, name, value, severity),
            "result" => add(&mut self.outcomes, name, value, |value| {
                let results: Vec<Outcome> =
                    Outcome::ALL.into_iter().filter(|&outcome| outcome != Outcome::Pass).collect();
                one_of(name, value, &results, |outcome| outcome.as_str())
            }),
            "rule" => add(&mut self.rules, name, value, rule),
            "image" => add_whole(&mut self.images, name, value),
            "name" => add_whole(&mut self.names, name, value),
            "container" => add_whole(&mut self.containers, name, value),
            "registry" => add(&mut self.registries, name, value, text),
            "class" => add(&mut self.classes, name, value, |value| {
                one_of(name, value, &TagClass::ALL, |class| class.as_str())
            }),
            "team" => add(&mut self.teams, name, value, text),
            "q" => {
                self.text = search_text(value)?;
                Ok(())
            }
            "exempt" | "since" | "sort" | "page" | "per_page" if value.is_empty() => Ok(()),
            "since" => {
                self.since = Some(Since::parse(value)?);
                Ok(())
            }
            "exempt" => {
                self.exempt = Some(one_of(name, value, &Exempt::ALL, |exempt| exempt.as_str())?);
                Ok(())
            }
            "sort" => {
                self.sort = Sort::parse(value)?;
                Ok(())
            }
            "page" => {
                self.page = number(name, value)?;
                Ok(())
            }
            "per_page" => {
                self.per_page = PerPage::parse(value)?;
                Ok(())
            }
            _ if unknown == UnknownFields::Ignored => Ok(()),
            _ => Err(format!(
                "{} is no field: expected namespace, kind, severity, result, rule, image, registry, class, name, container, \
                 team, q, exempt, since, sort, page or per_page",
                quoted(name)
            )),
        }
    }
}

/// A text to search for.
pub(super) fn search_text(value: &str) -> Result<String, String> {
    if value.len() > MAX_TEXT {
        return Err(format!("q: {} bytes, expected at most {MAX_TEXT}", value.len()));
    }
    Ok(value.trim().to_owned())
}

/// The number of a page, from 1.
pub(super) fn number(name: &str, value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{name}: {} is no number from 1", quoted(value)))
}

/// Adds one value, in which a comma is a comma.
fn add_whole(values: &mut Vec<UntrustedText>, name: &str, value: &str) -> Result<(), String> {
    if ANY.contains(&value) || values.iter().any(|known| known.raw() == value) {
        return Ok(());
    }
    values.push(value.into());
    ensure_few(values, name)
}

/// Adds values that are separated by commas.
pub(super) fn add<T: PartialEq>(
    values: &mut Vec<T>,
    name: &str,
    written: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<(), String> {
    for value in written.split(',').filter(|value| !ANY.contains(value)) {
        let value = parse(value)?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    ensure_few(values, name)
}

fn ensure_few<T>(values: &[T], name: &str) -> Result<(), String> {
    if values.len() > MAX_VALUES {
        return Err(format!("{name}: {} values, expected at most {MAX_VALUES}", values.len()));
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "a parser, as `add` takes one")]
pub(super) fn text(value: &str) -> Result<UntrustedText, String> {
    Ok(value.into())
}

pub(super) fn severity(value: &str) -> Result<Severity, String> {
    one_of("severity", value, &Severity::ALL, |severity| severity.as_str())
}

pub(super) fn rule(value: &str) -> Result<&'static str, String> {
    rules::find(value)
        .map(|rule| rule.id)
        .ok_or_else(|| format!("rule: {} is none; /rules lists them", quoted(value)))
}

pub(super) fn one_of<T: Copy>(
    name: &str,
    value: &str,
    known: &[T],
    as_str: impl Fn(&T) -> &'static str,
) -> Result<T, String> {
    let found = known.iter().find(|known| as_str(known) == value).copied();
    found.ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(as_str).collect();
        format!("{name}: {} is none of {}", quoted(value), names.join(", "))
    })
}

/// The start of an untrusted value, in backticks.
pub(super) fn quoted(value: &str) -> String {
    let head = &value[..value.floor_char_boundary(80)];
    format!("`{}`", UntrustedText::from(head).terminal())
}
