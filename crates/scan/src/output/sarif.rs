//! `-o sarif`: SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), as code scanning of GitHub reads it
//! (docs.github.com, "SARIF support for code scanning"). All rules are described, also where nothing was found.

use std::io::{self, Write};
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::rules::{self, RuleMeta};
use tagwatch_core::structured;
use tagwatch_core::text::UntrustedText;

use super::blocks;
use crate::report::{FindingEntry, Note, ScanReport, SourceLocation};

/// What a path of a URI may hold as it is (RFC 3986, section 3.3, "unreserved", and the slash).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The key that GitHub compares results of two analyses by.
const GITHUB_FINGERPRINT: &str = "primaryLocationLineHash";
/// Our own, with the version of the way in which it is made.
const FINGERPRINT: &str = "tagwatch/v1";

pub(super) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    // Rules about what really runs find nothing in manifests.
    let rules: Vec<&RuleMeta> = rules::all().filter(|rule| rule.group.gives_passes()).collect();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, &rules)).collect();
    let notifications: Vec<Value> = report.notes.iter().map(notification).collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tagwatch",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": report.is_complete(),
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    out.write_all(structured::json(&log)?.as_bytes())
}

fn descriptor(rule: &RuleMeta) -> Value {
    let RuleMeta { id, category, severity, outcome, summary, why, fix, .. } = rule;
    let help = format!("{summary}.\n\n{why}\n\nHow to fix it:\n\n{fix}");
    json!({
        "id": id,
        "name": pascal_case(id),
        "shortDescription": { "text": format!("{summary}.") },
        "fullDescription": { "text": format!("{summary}.") },
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": level(*outcome) },
        "properties": {
            "tags": ["security", "kubernetes", category],
            "precision": "high",
            "problem.severity": if *outcome == Outcome::Warn { "warning" } else { "error" },
            "security-severity": security_severity(*severity),
        },
    })
}

/// `latest-tag` as `LatestTag`: a name for people, as SARIF wants it (section 3.49.7).
fn pascal_case(id: &str) -> String {
    let word = |word: &str| word.get(..1).map_or(String::new(), |first| first.to_uppercase() + &word[1..]);
    id.split('-').map(word).collect()
}

/// GitHub makes critical of 9.0 and more, high of 7.0, medium of 4.0, and low of the rest.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.0",
        Severity::High => "7.0",
        Severity::Medium => "4.0",
        Severity::Low => "2.0",
        Severity::Info => "0.1",
    }
}

fn level(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fail | Outcome::Error => "error",
        Outcome::Warn | Outcome::Skip => "warning",
        Outcome::Pass => "none",
    }
}

fn result(finding: &FindingEntry, rules: &[&RuleMeta]) -> Value {
    let FindingEntry { place, rule, severity, message, resolution, fingerprint, exemption, known, .. } =
        finding;
    let text = if resolution.is_empty() { message.clone() } else { format!("{message}\nFix: {resolution}") };
    let mut result = json!({
        "ruleId": rule,
        "kind": if finding.result == Outcome::Pass { "pass" } else { "fail" },
        "level": level(finding.result),
        "message": { "text": plain(&text) },
        "locations": [location(place)],
        "partialFingerprints": { GITHUB_FINGERPRINT: fingerprint, FINGERPRINT: fingerprint },
        "properties": { "severity": severity.as_str(), "result": finding.result.as_str() },
    });
    if let Some(index) = rules.iter().position(|described| described.id == *rule) {
        result["ruleIndex"] = json!(index);
    }
    if exemption.is_some() {
        let reason = blocks::excuse(finding).map(|reason| plain(&reason));
        result["suppressions"] =
            json!([{ "kind": "external", "status": "accepted", "justification": reason }]);
    }
    if let Some(known) = known {
        result["baselineState"] = json!(if *known { "unchanged" } else { "new" });
    }
    result
}

fn location(place: &SourceLocation) -> Value {
    let SourceLocation { file, line, column, field_path, .. } = place;
    let object = blocks::object(place);
    json!({
        "physicalLocation": {
            "artifactLocation": artifact(file),
            "region": { "startLine": line, "startColumn": column },
        },
        "logicalLocations": [{
            "name": blocks::name(&place.container),
            "fullyQualifiedName": format!("{object} {}", UntrustedText::from(field_path.as_str()).terminal()),
            "kind": "member",
        }],
    })
}

fn notification(note: &Note) -> Value {
    json!({
        "descriptor": { "id": note.code.as_str() },
        "level": if note.code.is_error() { "error" } else { "note" },
        "message": { "text": plain(&note.message) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact(&note.file),
            "region": { "startLine": note.line, "startColumn": note.column },
        } }],
    })
}

/// A file by its URI, which is relative to the root of the repository unless the scan was given an absolute path.
fn artifact(file: &UntrustedText) -> Value {
    let path = file.raw();
    let encoded = utf8_percent_encode(path.strip_prefix("./").unwrap_or(path), PATH).to_string();
    if Path::new(path).is_absolute() {
        json!({ "uri": format!("file://{encoded}") })
    } else {
        json!({ "uri": encoded })
    }
}

/// Text without links: `[text](target)` is one in a message (section 3.11.6), and a manifest can hold it.
fn plain(text: &str) -> String {
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text.to_owned() }
}
