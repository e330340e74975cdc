//! Names of objects, which end up in URLs and selectors, and of what tagwatch itself names.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tagwatch_core::outcome::Severity;
use tagwatch_core::rules::{self, RuleMeta};

/// The name of a namespace is a DNS label (RFC 1123).
pub(super) fn namespace(name: &str) -> Result<String, String> {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inside = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if inside && name.len() <= 63 && ends(name.chars().next()) && ends(name.chars().last()) {
        return Ok(name.to_owned());
    }
    Err("expected the name of a namespace: at most 63 lower-case letters, digits and `-`".to_owned())
}

/// The name of a custom resource is a DNS subdomain (RFC 1123).
pub(super) fn object_name(name: &str) -> Result<String, String> {
    if name.len() <= 253 && name.split('.').all(|label| namespace(label).is_ok()) {
        return Ok(name.to_owned());
    }
    Err("expected the name of an object: lower-case letters, digits, `-` and `.`".to_owned())
}

/// The name of an installation is a label's value, and part of the names of its objects.
pub(super) fn instance(name: &str) -> Result<String, String> {
    match object_name(name) {
        Ok(name) if name.len() <= 63 => Ok(name),
        _ => Err("expected a name of at most 63 lower-case letters, digits, `-` and `.`".to_owned()),
    }
}

/// An audience is any text that a token can name.
pub(super) fn audience(name: &str) -> Result<String, String> {
    if name.is_empty() || name.chars().any(|c| !c.is_ascii_graphic()) {
        return Err("expected a name or an address without blanks".to_owned());
    }
    Ok(name.to_owned())
}

pub(super) fn severity() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::ALL.map(Severity::as_str))
        .map(|name| Severity::parse(&name).unwrap_or(Severity::Info))
}

/// A rule that this version knows: the name of another one is a slip far more often than a rule of a later version.
pub(super) fn rule(is_meant: impl Fn(&RuleMeta) -> bool) -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(rules::all().filter(|rule| is_meant(rule)).map(|rule| rule.id))
}

/// A severity and those above it.
pub(crate) fn from_severity(least: Severity) -> Vec<Severity> {
    // The most severe comes first.
    Severity::ALL.into_iter().filter(|severity| *severity <= least).collect()
}
