//! `-o junit`: `JUnit` XML as Jenkins, GitLab and others read it (jenkinsci/xunit-plugin, `junit-10.xsd`). A suite is a file.
//! A test case is a finding, an image without one, or an input that was not read.

use std::collections::BTreeMap;
use std::io::{self, Write};

use tagwatch_core::outcome::Outcome;
use tagwatch_core::text::UntrustedText;

use super::blocks::{self, Block};
use crate::exit::FailOn;
use crate::report::{FindingEntry, ImageEntry, Note, ScanReport};

/// What came of a test case: an element, its type, its message and its text.
struct Trouble {
    element: &'static str,
    kind: String,
    message: String,
    text: String,
}

struct Case {
    name: String,
    class: String,
    trouble: Option<Trouble>,
    /// A warning that is no failure.
    remark: Option<String>,
}

pub(super) fn write(report: &ScanReport, fail_on: FailOn, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<&UntrustedText, Vec<Case>> = BTreeMap::new();
    for note in report.notes.iter().filter(|note| note.code.is_error()) {
        suites.entry(&note.file).or_default().push(of_note(note));
    }
    let mut findings: BTreeMap<u64, Vec<&FindingEntry>> = BTreeMap::new();
    for block in Block::all(report) {
        findings.insert(block.image.place.subject, block.findings);
    }
    for image in &report.images {
        let cases = suites.entry(&image.place.file).or_default();
        match findings.get(&image.place.subject) {
            Some(found) => cases.extend(found.iter().map(|finding| of_finding(finding, fail_on))),
            None => cases.push(of_image(image)),
        }
    }
    let all = || suites.values().flatten();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="tagwatch" tests="{}" failures="{}" errors="{}">"#,
        all().count(),
        count(all(), "failure"),
        count(all(), "error")
    )?;
    for (file, cases) in &suites {
        write_suite(file, cases, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn count<'c>(cases: impl Iterator<Item = &'c Case>, element: &str) -> usize {
    cases.filter(|case| case.trouble.as_ref().is_some_and(|trouble| trouble.element == element)).count()
}

fn write_suite(file: &UntrustedText, cases: &[Case], out: &mut dyn Write) -> io::Result<()> {
    let [failures, errors, skipped] =
        ["failure", "error", "skipped"].map(|element| count(cases.iter(), element));
    writeln!(
        out,
        r#"  <testsuite name="{}" tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}">"#,
        escape(&file.terminal()),
        cases.len(),
    )?;
    cases.iter().try_for_each(|case| write_case(case, out))?;
    writeln!(out, "  </testsuite>")
}

fn write_case(case: &Case, out: &mut dyn Write) -> io::Result<()> {
    let Case { name, class, trouble, remark } = case;
    let head = format!(r#"    <testcase name="{}" classname="{}""#, escape(name), escape(class));
    if trouble.is_none() && remark.is_none() {
        return writeln!(out, "{head}/>");
    }
    writeln!(out, "{head}>")?;
    if let Some(Trouble { element, kind, message, text }) = trouble {
        let (kind, message, text) = (escape(kind), escape(message), escape(text));
        writeln!(out, r#"      <{element} type="{kind}" message="{message}">{text}</{element}>"#)?;
    }
    if let Some(remark) = remark {
        writeln!(out, "      <system-out>{}</system-out>", escape(remark))?;
    }
    writeln!(out, "    </testcase>")
}

fn of_note(note: &Note) -> Case {
    let place = format!("{}:{}:{}", note.file.terminal(), note.line, note.column);
    let trouble = Trouble {
        element: "error",
        kind: note.code.as_str().to_owned(),
        message: note.message.clone(),
        text: place.clone(),
    };
    Case {
        name: format!("{} {place}", note.code.as_str()),
        class: note.file.terminal(),
        trouble: Some(trouble),
        remark: None,
    }
}

fn of_image(image: &ImageEntry) -> Case {
    let place = &image.place;
    let name = format!("{}, {}", blocks::object(place), blocks::name(&place.container));
    Case { name, class: place.file.terminal(), trouble: None, remark: None }
}

fn of_finding(finding: &FindingEntry, fail_on: FailOn) -> Case {
    let FindingEntry { place, rule, message, resolution, severity, .. } = finding;
    let name = format!("{rule}: {}, {}", blocks::object(place), blocks::name(&place.container));
    let text = format!("{}\n{message}\nFix: {resolution}", blocks::place(place));
    let element = match finding.result {
        Outcome::Pass => None,
        _ if blocks::excuse(finding).is_some() => Some("skipped"),
        Outcome::Error => Some("error"),
        Outcome::Fail => Some("failure"),
        Outcome::Warn if fail_on.is_reached_by(Outcome::Warn) => Some("failure"),
        Outcome::Warn | Outcome::Skip => None,
    };
    let trouble = element.map(|element| Trouble {
        element,
        kind: format!("{rule} ({})", severity.as_str()),
        message: blocks::excuse(finding).unwrap_or_else(|| message.clone()),
        text: text.clone(),
    });
    let remark = (trouble.is_none() && finding.result.is_open()).then(|| format!("warning: {text}"));
    Case { name, class: place.file.terminal(), trouble, remark }
}

/// Text for an element or an attribute. The two characters at the end are none of XML (section 2.2); control characters
/// are escaped before.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}
