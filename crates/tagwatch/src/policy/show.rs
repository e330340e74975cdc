//! `tagwatch policy show`.

use std::io::{self, Write};
use std::process::ExitCode;

use tagwatch_core::drift::render_grace;
use tagwatch_core::policy::{Decision, EffectiveRule, Policy};
use tagwatch_core::rules::{Parameters, PullPolicyValue};
use tagwatch_core::workload::WorkloadId;

use super::{choose, today};
use crate::args::{PolicyShowArgs, WorkloadName};
use crate::status::Failure;

const HEADER: [&str; 6] = ["RULE", "STATE", "RESULT", "SEVERITY", "PARAMETERS", "FROM"];

pub(crate) fn show(args: &PolicyShowArgs) -> Result<ExitCode, Failure> {
    let chosen = choose(&args.policy)?;
    let policy = chosen.engine.policy();
    let id = args.workload.as_ref().map(workload_id);
    let mut text = table(&policy.effective(id.as_ref()));
    if let Some(id) = &id {
        text.push('\n');
        text.push_str(&scope(policy, id));
        text.push_str(&exemptions(policy, id));
    }
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Overrides and exemptions do not ask for the API version.
fn workload_id(name: &WorkloadName) -> WorkloadId {
    WorkloadId {
        api_version: "".into(),
        kind: name.kind.as_str().into(),
        namespace: Some(name.namespace.as_str().into()),
        name: name.name.as_str().into(),
    }
}

fn table(rules: &[EffectiveRule]) -> String {
    let rows: Vec<[String; 6]> = rules.iter().map(row).collect();
    let mut widths = HEADER.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&HEADER.map(str::to_owned)).chain(&rows) {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(effective: &EffectiveRule) -> [String; 6] {
    let EffectiveRule { rule, setting, origins, for_some_containers } = effective;
    let mut from = origins.join(", ");
    if !for_some_containers.is_empty() {
        from.push_str("; for some containers or images: ");
        from.push_str(&for_some_containers.join(", "));
    }
    [
        rule.id.to_owned(),
        if setting.enabled { "on" } else { "off" }.to_owned(),
        setting.outcome.unwrap_or(rule.outcome).as_str().to_owned(),
        setting.severity.unwrap_or(rule.severity).as_str().to_owned(),
        parameters(&setting.parameters),
        from,
    ]
}

/// Those that are not at their defaults.
fn parameters(parameters: &Parameters) -> String {
    let Parameters { tags, value, include_pinned, allowed, grace } = parameters;
    let mut shown = Vec::new();
    if !tags.is_empty() {
        shown.push(format!("tags={}", tags.join(",")));
    }
    if *value == PullPolicyValue::Written {
        shown.push("value=written".to_owned());
    }
    if *include_pinned {
        shown.push("includePinned".to_owned());
    }
    if !allowed.is_empty() {
        let allowed: Vec<&str> = allowed.iter().map(|policy| policy.as_str()).collect();
        shown.push(format!("allowed={}", allowed.join(",")));
    }
    shown.extend(grace.map(|grace| format!("grace={}", render_grace(grace))));
    if shown.is_empty() { "-".to_owned() } else { shown.join(" ") }
}

fn scope(policy: &Policy, id: &WorkloadId) -> String {
    match policy.includes(id.namespace.as_ref(), None) {
        Decision::Yes => "In scope: yes\n",
        Decision::No => "In scope: no; it is not judged\n",
        Decision::Undecided => "In scope: by the labels of its namespace\n",
    }
    .to_owned()
}

fn exemptions(policy: &Policy, id: &WorkloadId) -> String {
    let today = today();
    let lines: Vec<String> = policy
        .exemptions_for(id)
        .map(|(index, exemption)| {
            let state = match exemption.expires {
                None => "for ever".to_owned(),
                Some(last) if exemption.is_active(today) => format!("until {last}"),
                Some(last) => format!("expired on {last}"),
            };
            format!("  spec.exemptions[{index}], {state}: {}\n", exemption.reason.terminal())
        })
        .collect();
    if lines.is_empty() {
        "Exemptions: none\n".to_owned()
    } else {
        format!("Exemptions:\n{}", lines.concat())
    }
}
