//! One colour for each severity and status, in every panel.

use serde_json::{Value, json};
use tagwatch_core::outcome::Severity;

/// An override: the field or series of this name has this colour.
fn color(name: &str, color: &str) -> Value {
    let value = json!({ "mode": "fixed", "fixedColor": color });
    json!({
        "matcher": { "id": "byName", "options": name },
        "properties": [{ "id": "color", "value": value }],
    })
}

/// The colours of series that are named by their severity.
pub(crate) fn severity_colors() -> Vec<Value> {
    let of = |severity: Severity| match severity {
        Severity::Critical => "dark-red",
        Severity::High => "red",
        Severity::Medium => "orange",
        Severity::Low => "yellow",
        Severity::Info => "blue",
    };
    Severity::ALL.into_iter().map(|severity| color(severity.as_str(), of(severity))).collect()
}

/// The colours of series that are named by the status of a workload or of a rule.
pub(crate) fn status_colors() -> Vec<Value> {
    [
        ("violating", "red"),
        ("in violation", "red"),
        ("error", "purple"),
        ("warnings only", "orange"),
        ("exempt", "blue"),
        ("compliant", "green"),
        ("clean", "green"),
    ]
    .map(|(name, value)| color(name, value))
    .into()
}
