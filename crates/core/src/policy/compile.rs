//! Compiles a spec to a policy, or reports everything that is wrong with it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::date::parse_date;
use super::exemption::{AnnotationRules, Exemption};
use super::exemption_index::ExemptionIndex;
use super::layer::{Layer, RuleChange};
use super::matcher::Matcher;
use super::path::{FieldPath, PolicyError};
use super::problems::Problems;
use super::selector::{Scope, check_selector};
use super::spec::{AnnotationsSpec, ExemptionSpec, OverrideSpec, RuleSpec, TagPolicySpec};
use super::validate::SpecValidator;
use super::{Policy, Profile};
use crate::drift::parse_grace;
use crate::kinds::{CustomWorkload, Kinds, TemplatePath, is_built_in};
use crate::rules::{self, Parameter, ids};
use crate::tag::{Classifier, DeclaredFloating};
use crate::text::UntrustedText;

impl Policy {
    /// Compiles a spec. The error lists everything that is wrong with it, in the order of the fields.
    pub fn compile(spec: &TagPolicySpec) -> Result<Self, Vec<PolicyError>> {
        match serde_json::to_value(spec) {
            Ok(written) => Self::read(&written).map(|(_, policy)| policy),
            Err(error) => Err(vec![PolicyError::at(FieldPath::default(), error.to_string())]),
        }
    }

    /// Reads a spec as written, and compiles it. The error lists everything that is wrong with it, in the order of the
    /// fields: a value that would hide other mistakes is left out of the compilation.
    pub fn read(written: &Value) -> Result<(TagPolicySpec, Self), Vec<PolicyError>> {
        let (validator, left) = SpecValidator::check(written);
        let mut problems = Problems::default();
        let read = match TagPolicySpec::deserialize(&left) {
            Ok(spec) => {
                let policy = compile(&spec, &mut problems);
                Some((spec, policy))
            }
            // The schema is generated from the type, so a value that fits one and not the other is a bug of ours.
            Err(error) => {
                problems.add(&FieldPath::default(), UntrustedText::from(error.to_string()).terminal());
                None
            }
        };
        let errors = validator.join(problems.errors);
        read.filter(|_| errors.is_empty()).ok_or(errors)
    }
}

fn compile(spec: &TagPolicySpec, problems: &mut Problems) -> Policy {
    let TagPolicySpec {
        profile,
        rules,
        immutable,
        immutable_presets: _,
        scope,
        overrides,
        exemptions,
        annotations,
        admission,
        metric_labels,
        workloads,
    } = spec;
    let root = FieldPath::default();
    let profile = compile_profile(profile.as_deref(), &root.field("profile"), problems);
    let base = compile_rules(rules, Some(true), &root.field("rules"), problems);
    let compiled = compile_exemptions(exemptions, &root.field("exemptions"), problems);
    let mut policy = Policy {
        profile,
        rules: profile.rules(),
        // Below, once the globs are compiled.
        classifier: Classifier::default(),
        scope: Scope::compile(scope, &root.field("scope"), problems),
        overrides: compile_overrides(overrides, &root.field("overrides"), problems),
        exemption_index: ExemptionIndex::of(&compiled),
        exemptions: compiled,
        annotations: compile_annotations(annotations, &root.field("annotations"), problems),
        always_pull_images: admission.always_pull_images,
        metric_labels: metric_labels.clone(),
        workloads: workloads.clone(),
        kinds: Kinds::new(workloads),
        changes: base,
    };
    for change in &policy.changes {
        change.apply(&mut policy.rules);
    }
    let globs = problems.reference_globs(immutable, &root.field("immutable"));
    let floating = compile_floating(rules, &root.field("rules"), problems);
    policy.classifier =
        Classifier::new(globs).with_presets(spec.immutable_presets()).with_declared_floating(floating);
    check_labels(metric_labels, &root.field("metricLabels"), problems);
    check_workloads(workloads, &root.field("workloads"), problems);
    policy
}

fn compile_profile(name: Option<&str>, path: &FieldPath, problems: &mut Problems) -> Profile {
    match name.map(str::parse) {
        None => Profile::default(),
        Some(Ok(profile)) => profile,
        Some(Err(error)) => {
            let error: super::profile::UnknownProfile = error;
            problems.add(path, error.to_string());
            Profile::default()
        }
    }
}

/// The changes of known rules; the validator reports the others.
fn compile_rules(
    rules: &BTreeMap<String, RuleSpec>,
    default_enabled: Option<bool>,
    path: &FieldPath,
    problems: &mut Problems,
) -> Vec<RuleChange> {
    let mut changes = Vec::new();
    for (id, spec) in rules {
        let Some(meta) = rules::find(id) else { continue };
        if let Some(Err(error)) = spec.grace.as_deref().map(parse_grace) {
            problems.add(&path.field(id).field(Parameter::Grace.as_str()), error.to_string());
        }
        changes.push(RuleChange::new(meta.id, default_enabled, spec));
    }
    changes
}

fn compile_overrides(overrides: &[OverrideSpec], path: &FieldPath, problems: &mut Problems) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (index, spec) in overrides.iter().enumerate() {
        let path = path.index(index);
        let matcher = Matcher::compile(&spec.matches, &path.field("match"), problems);
        // Field by field: what an override leaves out stays as it was, on or off.
        let changes = compile_rules(&spec.rules, None, &path.field("rules"), problems);
        layers.push(Layer { matcher, changes });
    }
    layers
}

fn compile_exemptions(
    exemptions: &[ExemptionSpec],
    path: &FieldPath,
    problems: &mut Problems,
) -> Vec<Exemption> {
    let mut compiled = Vec::new();
    for (index, spec) in exemptions.iter().enumerate() {
        let path = path.index(index);
        let ExemptionSpec { matches, rules, reason, expires } = spec;
        problems.non_empty(reason, &path.field("reason"), "why this is exempt; reports show it");
        let expires_path = path.field("expires");
        let expires = expires.as_deref().and_then(|text| match parse_date(text) {
            Ok(date) => Some(date),
            Err(message) => {
                problems.add(&expires_path, message);
                None
            }
        });
        compiled.push(Exemption {
            matcher: Matcher::compile(matches, &path.field("match"), problems),
            rules: exempt_rules(rules, &path.field("rules"), problems),
            reason: reason.as_str().into(),
            expires,
        });
    }
    compiled
}

/// `None` for all rules.
fn exempt_rules(rules: &[String], path: &FieldPath, problems: &mut Problems) -> Option<Vec<&'static str>> {
    if rules.is_empty() {
        problems.add(path, "no rule is named; expected names of rules, or * for all");
    }
    if rules.iter().any(|id| id == "*") {
        return None;
    }
    // The validator reports unknown ones.
    Some(rules.iter().filter_map(|id| rules::find(id)).map(|meta| meta.id).collect())
}

fn compile_annotations(spec: &AnnotationsSpec, path: &FieldPath, problems: &mut Problems) -> AnnotationRules {
    let AnnotationsSpec { enabled, namespace_selector, max_days } = spec;
    check_selector(namespace_selector.as_ref(), &path.field("namespaceSelector"), problems);
    AnnotationRules { enabled: *enabled, namespace_selector: namespace_selector.clone(), max_days: *max_days }
}

fn compile_floating(
    rules: &BTreeMap<String, RuleSpec>,
    path: &FieldPath,
    problems: &mut Problems,
) -> DeclaredFloating {
    let mut declared = DeclaredFloating::default();
    let Some(spec) = rules.get(ids::FLOATING_TAG) else { return declared };
    let path = path.field(ids::FLOATING_TAG);
    for (index, word) in spec.words.iter().flatten().enumerate() {
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = "expected a word of letters and digits: tags are cut at `-`, `_` and `.`";
            problems.add(&path.field("words").index(index), message);
        }
        declared.add_word(word.as_str());
    }
    for (index, pattern) in spec.patterns.iter().flatten().enumerate() {
        if let Err(error) = declared.add_pattern(pattern) {
            problems.add(&path.field("patterns").index(index), error.to_string());
        }
    }
    declared
}

/// Two labels must not become one label of a metric.
fn check_labels(labels: &[String], path: &FieldPath, problems: &mut Problems) {
    for (index, label) in labels.iter().enumerate() {
        let is_taken = |other: &&String| metric_label(other) == metric_label(label);
        if let Some(other) = labels[..index].iter().find(is_taken) {
            let message = format!("{} stands for {other} in metrics already", metric_label(label));
            problems.add(&path.index(index), UntrustedText::from(message).terminal());
        }
    }
}

/// The metric label for a label of a namespace, as kube-state-metrics names them: `label_team`. No other label of a
/// series or its target starts with `label_`.
pub fn metric_label(label: &str) -> String {
    let name = label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    "label_".chars().chain(name).collect()
}

fn check_workloads(workloads: &[CustomWorkload], path: &FieldPath, problems: &mut Problems) {
    for (index, workload) in workloads.iter().enumerate() {
        let path = path.index(index);
        let CustomWorkload { group, version, kind, template_path } = workload;
        problems.non_empty(group, &path.field("group"), "an API group such as argoproj.io");
        problems.non_empty(version, &path.field("version"), "a version such as v1alpha1");
        problems.non_empty(kind, &path.field("kind"), "a kind such as Rollout");
        if !group.is_empty() && is_built_in(group, kind) {
            problems
                .add(&path.field("kind"), "this kind is built in and always read; expected a custom kind");
        }
        if let Err(error) = template_path.parse::<TemplatePath>() {
            problems.add(&path.field("templatePath"), error.to_string());
        }
        if workloads[..index].contains(workload) {
            problems.add(&path, "this stands there twice");
        }
    }
}
