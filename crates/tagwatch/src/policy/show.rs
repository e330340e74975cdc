//! The command `tagwatch policy show`: prints the settings that apply to a workload.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use tagwatch_core::drift::render_grace;
use tagwatch_core::kinds::{CustomWorkload, KindName, Kinds, full_kind, watched};
use tagwatch_core::policy::{
    AnnotationsSpec, Decision, EffectiveRule, ExemptionSpec, LabelOperator, LabelRequirement, LabelSelector,
    Policy, RuleSpec, TagPolicySpec,
};
use tagwatch_core::rules::{Parameters, PullPolicyValue};
use tagwatch_core::suggest;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::WorkloadId;
use tagwatch_scan::PolicyFile;
use tagwatch_scan::output::Style;
use tagwatch_scan::output::columns::{Cell, Columns, wrap};

use super::{choose, today};
use crate::args::{PolicyShowArgs, WorkloadName};
use crate::status::Failure;
use crate::style::style;

const HEADER: [&str; 6] = ["RULE", "STATE", "RESULT", "SEVERITY", "PARAMETERS", "FROM"];

pub(crate) fn show(args: &PolicyShowArgs) -> Result<ExitCode, Failure> {
    let chosen = choose(&args.policy)?;
    let policy = chosen.engine.policy();
    let spec = chosen.file.as_ref().map(|file| file.spec.clone()).unwrap_or_default();
    if let Some(workload) = &args.workload {
        check_kind(&workload.kind, policy, &spec)?;
    }
    let id = args.workload.as_ref().map(|workload| workload_id(workload, policy.kinds()));
    let file = chosen.file.as_ref().map_or_else(|| "none".to_owned(), PolicyFile::shown_name);
    let width = style(&io::stdout()).width;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut text = format!("Policy: {file}, profile {}\n\n", policy.profile());
    text.push_str(&table(&policy.effective(id.as_ref()), &spec, width));
    text.push('\n');
    text.push_str(&settings(&spec));
    match &id {
        Some(id) => {
            text.push_str(&scope(policy, id));
            text.push_str(&exemptions(policy, &spec, id));
        }
        None => text.push_str(&all_exemptions(policy)),
    }
    for line in text.lines().flat_map(|line| wrap(line, width)) {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Kinds are case-sensitive, so `deployment` would silently match nothing.
fn check_kind(kind: &str, policy: &Policy, spec: &TagPolicySpec) -> Result<(), Failure> {
    let built_in = watched().map(|kind| kind.kind());
    let custom = policy.kinds().custom().map(|kind| kind.kind());
    let full_built_in = watched().map(|kind| full_name(&kind.name));
    let full_custom = policy.kinds().custom().map(|kind| full_name(&kind.name));
    let full: Vec<String> = full_built_in.chain(full_custom).collect();
    let exemptions = spec.exemptions.iter().map(|exemption| &exemption.matches);
    let matches = spec.overrides.iter().map(|spec| &spec.matches).chain(exemptions);
    let known: Vec<&str> = built_in
        .chain(custom)
        .chain(full.iter().map(String::as_str))
        .chain(matches.flat_map(|spec| spec.kinds.iter().map(String::as_str)))
        .collect();
    if known.contains(&kind) {
        return Ok(());
    }
    let singular = kind.strip_suffix('s').unwrap_or(kind);
    let meant =
        known.iter().find(|known| [kind, singular].iter().any(|name| name.eq_ignore_ascii_case(known)));
    match meant {
        Some(meant) => Err(Failure::Usage(anyhow!("--for: {}", suggest::unknown("kind", kind, &[*meant])))),
        None => Ok(()),
    }
}

fn full_name(kind: &KindName) -> String {
    full_kind(&api_version(&kind.group), &kind.kind)
}

/// Overrides and exemptions do not match on the version.
fn api_version(group: &str) -> String {
    if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") }
}

/// A kind is named as in a policy: by its plain name or with its group.
fn workload_id(name: &WorkloadName, kinds: &Kinds) -> WorkloadId {
    let (kind, group) = match name.kind.split_once('.') {
        Some((kind, "core")) => (kind, Some("")),
        Some((kind, group)) => (kind, Some(group)),
        None => (name.kind.as_str(), kinds.groups_of(&name.kind).first().copied()),
    };
    WorkloadId {
        api_version: group.map(api_version).unwrap_or_default().into(),
        kind: kind.into(),
        namespace: Some(name.namespace.as_str().into()),
        name: name.name.as_str().into(),
    }
}

/// A row for each rule; on a terminal that is too narrow, a block.
fn table(rules: &[EffectiveRule], spec: &TagPolicySpec, width: Option<usize>) -> String {
    let rows: Vec<[String; 6]> = rules.iter().map(|rule| row(rule, spec)).collect();
    let cells = |row: &[String; 6]| row.clone().map(Cell::from).to_vec();
    let table: Vec<Vec<Cell>> =
        std::iter::once(HEADER.map(Cell::from).to_vec()).chain(rows.iter().map(cells)).collect();
    let columns = Columns::of("  ", &table);
    let lines: Vec<String> = table.iter().map(|row| columns.line(row, Style::default()) + "\n").collect();
    if lines.iter().all(|line| wrap(line.trim_end(), width).len() <= 1) {
        return lines.concat();
    }
    rows.iter().map(block).collect()
}

/// `latest-tag: on, fail, high`, and below it what is not the default.
fn block([rule, state, result, severity, parameters, from]: &[String; 6]) -> String {
    let parameters = if parameters == "-" { String::new() } else { format!("  {parameters}\n") };
    format!("{rule}: {state}, {result}, {severity}\n{parameters}  from {from}\n")
}

fn row(effective: &EffectiveRule, spec: &TagPolicySpec) -> [String; 6] {
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
        parameters(&setting.parameters, spec.rules.get(rule.id)),
        from,
    ]
}

/// Parameters that differ from their defaults. `words` and `patterns` are no parameters of the rule: they change the tag
/// classes.
fn parameters(parameters: &Parameters, written: Option<&RuleSpec>) -> String {
    let Parameters { tags, value, include_pinned, allowed, grace } = parameters;
    let mut shown = Vec::new();
    if !tags.is_empty() {
        shown.push(format!("tags={}", list(tags, ",")));
    }
    let classes = [
        ("words", written.and_then(|rule| rule.words.as_deref())),
        ("patterns", written.and_then(|rule| rule.patterns.as_deref())),
    ];
    for (name, values) in classes {
        shown.extend(
            values.filter(|values| !values.is_empty()).map(|values| format!("{name}={}", list(values, ","))),
        );
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

/// The parts of a policy beyond rules. Each has a line, so that unset parts show too.
fn settings(spec: &TagPolicySpec) -> String {
    let TagPolicySpec {
        profile: _,
        rules: _,
        immutable,
        immutable_presets: _,
        scope: _,
        overrides: _,
        exemptions: _,
        annotations,
        admission,
        metric_labels,
        workloads,
    } = spec;
    let workloads: Vec<String> = workloads
        .iter()
        .map(|workload| {
            let CustomWorkload { group, version, kind, template_path } = workload;
            format!("{group}/{version} {kind} at {template_path}")
        })
        .collect();
    let plugin = if admission.always_pull_images {
        "AlwaysPullImages is on"
    } else {
        "AlwaysPullImages is not declared"
    };
    let lines = [
        ("Immutable", listed(immutable)),
        ("Immutable presets", presets_in_words(spec)),
        ("Admission", plugin.to_owned()),
        ("Annotations", annotations_in_words(annotations)),
        ("Custom kinds", listed(&workloads)),
        ("Metric labels", listed(metric_labels)),
    ];
    lines.map(|(name, content)| format!("{name}: {content}\n")).concat()
}

/// The presets with their origin: a policy that names none has one.
fn presets_in_words(spec: &TagPolicySpec) -> String {
    let names: Vec<String> =
        spec.immutable_presets().iter().map(|preset| preset.as_str().to_owned()).collect();
    let origin = if spec.immutable_presets.is_some() { "" } else { " (by default)" };
    listed(&names) + origin
}

fn annotations_in_words(spec: &AnnotationsSpec) -> String {
    let AnnotationsSpec { enabled, namespace_selector, max_days } = spec;
    if !enabled {
        return "exempt nothing".to_owned();
    }
    let mut words = "exempt".to_owned();
    if let Some(selector) = namespace_selector {
        words = words + " in namespaces with " + &selector_in_words(selector);
    }
    if let Some(days) = max_days {
        words = format!("{words}, with an ignore-until at most {days} days ahead");
    }
    words
}

fn selector_in_words(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().map(|requirement| {
        let LabelRequirement { key, operator, values } = requirement;
        match operator {
            LabelOperator::Exists | LabelOperator::DoesNotExist => format!("{key} {operator:?}"),
            LabelOperator::In | LabelOperator::NotIn => format!("{key} {operator:?} ({})", values.join(", ")),
        }
    });
    list(&labels.chain(expressions).collect::<Vec<_>>(), " and ")
}

/// Joins values of the policy, safe for a terminal.
fn list(values: &[String], separator: &str) -> String {
    UntrustedText::from(values.join(separator)).terminal()
}

fn listed(values: &[String]) -> String {
    if values.is_empty() { "none".to_owned() } else { list(values, ", ") }
}

fn all_exemptions(policy: &Policy) -> String {
    let exemptions = policy.exemptions();
    if exemptions.is_empty() {
        return "Exemptions: none\n".to_owned();
    }
    let expired = exemptions.iter().filter(|exemption| !exemption.is_active(today())).count();
    format!(
        "Exemptions: {}, {expired} of them expired; --for says which are for a workload\n",
        exemptions.len()
    )
}

fn exemptions(policy: &Policy, spec: &TagPolicySpec, id: &WorkloadId) -> String {
    let today = today();
    let lines: Vec<String> = policy
        .exemptions_for(id)
        .map(|(index, exemption)| {
            let state = match exemption.expires {
                None => "for ever".to_owned(),
                Some(last) if exemption.is_active(today) => format!("until {last}"),
                Some(last) => format!("expired on {last}"),
            };
            let what = spec.exemptions.get(index).map(exempts).unwrap_or_default();
            format!("  spec.exemptions[{index}], {state}, {what}: {}\n", exemption.reason.terminal())
        })
        .collect();
    if lines.is_empty() {
        "Exemptions: none\n".to_owned()
    } else {
        format!("Exemptions:\n{}", lines.concat())
    }
}

/// The rules of an exemption, and its containers and images.
fn exempts(exemption: &ExemptionSpec) -> String {
    let ExemptionSpec { matches, rules, .. } = exemption;
    let mut what =
        if rules.iter().any(|rule| rule == "*") { "all rules".to_owned() } else { list(rules, " and ") };
    for (name, values) in [("containers", &matches.containers), ("images", &matches.images)] {
        if !values.is_empty() {
            what = format!("{what}, {name} {}", list(values, " and "));
        }
    }
    what
}
