//! The spec of a `TagPolicy`, as it is written: in the cluster, in a file, in a Helm value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;
use crate::kinds::CustomWorkload;
use crate::rules;
use crate::tag::ImmutablePreset;

/// API group and version of a `TagPolicy`.
pub const API_VERSION: &str = "tagwatch.dev/v1alpha1";
/// Kind of the object that holds a spec.
pub const KIND: &str = "TagPolicy";

/// What counts, for whom, and what is exempt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagPolicySpec {
    /// The set of rules to start from; `recommended` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::profile")]
    pub profile: Option<String>,
    /// What is different from the profile, by rule. A rule that stands here is on, unless it says `enabled: false`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::rules")]
    pub rules: BTreeMap<String, RuleSpec>,
    /// Images whose tags never move, by your word: globs of registry/repository[:tag].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(min = 1, max = 512)))]
    pub immutable: Vec<String>,
    /// Publishers who never push a version again: their full and partial versions are declared immutable.
    /// `kubernetes-registry` by default; an empty list switches it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub immutable_presets: Option<Vec<ImmutablePreset>>,
    /// Which namespaces are checked; all by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scope: ScopeSpec,
    /// Other rules for some workloads, containers or images. Each that matches is applied, in this order: the last
    /// match wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub overrides: Vec<OverrideSpec>,
    /// Findings that do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10_000))]
    pub exemptions: Vec<ExemptionSpec>,
    /// Whether annotations on workloads, pod templates and namespaces can exempt.
    #[serde(default, skip_serializing_if = "is_default")]
    pub annotations: AnnotationsSpec,
    /// What admission does to pods in the cluster.
    #[serde(default, skip_serializing_if = "is_default")]
    pub admission: AdmissionSpec,
    /// Labels of namespaces, such as team, that metrics and reports carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_names")]
    pub metric_labels: Vec<String>,
    /// Custom kinds that hold pod templates, beside those that tagwatch knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub workloads: Vec<CustomWorkload>,
}

/// The presets of a policy that names none.
const DEFAULT_IMMUTABLE_PRESETS: &[ImmutablePreset] = &[ImmutablePreset::KubernetesRegistry];

impl TagPolicySpec {
    /// The publishers whose versions are declared immutable.
    pub fn immutable_presets(&self) -> &[ImmutablePreset] {
        self.immutable_presets.as_deref().unwrap_or(DEFAULT_IMMUTABLE_PRESETS)
    }

    /// Switches these rules on, and all others off, in overrides too. An override may still switch a selected one off.
    pub fn select_rules(&mut self, selected: &[String]) {
        let is_selected = |id: &str| selected.iter().any(|rule| rule == id);
        for rule in rules::all() {
            self.rules.entry(rule.id.to_owned()).or_default().enabled = Some(is_selected(rule.id));
        }
        for layer in &mut self.overrides {
            layer.rules.retain(|id, _| is_selected(id));
        }
        self.overrides.retain(|layer| !layer.rules.is_empty());
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a policy sets of a rule. What is not given stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleSpec {
    /// Whether the rule is on; true by default, since the rule is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What the rule gives, in place of its own result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultSpec>,
    /// How bad it is, in place of the rule's own severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SeveritySpec>,
    /// Further tags that the rule is about, compared with case (`latest-tag`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 128)))]
    pub tags: Option<Vec<String>>,
    /// Further words that make a tag float, as a whole part at its head or end (`floating-tag`, not in overrides).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 128)))]
    pub words: Option<Vec<String>>,
    /// Regular expressions; a tag that one matches in full floats (`floating-tag`, not in overrides).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(max = 512)))]
    pub patterns: Option<Vec<String>>,
    /// Which pull policy is checked, the effective one by default (`stale-pull-policy`, `pull-policy-not-always`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueSpec>,
    /// Whether images by digest are checked too (`pull-policy-not-always`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_pinned: Option<bool>,
    /// Pull policies that may be written (`pull-policy-not-allowed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub allowed: Option<Vec<PullPolicySpec>>,
    /// How long the state may last before the rule speaks, such as `15m` (`mixed-digests`, `image-pull-failing`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub grace: Option<String>,
}

/// A result that a policy can give to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResultSpec {
    /// The finding is a violation and lowers the score.
    Fail,
    /// The finding is advice and is not scored.
    Warn,
}

/// A severity of the PolicyReport API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words of the report API say it")]
pub enum SeveritySpec {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

/// Which pull policy is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValueSpec {
    /// The one that counts, the API server's default filled in.
    Effective,
    /// The one that is written; an unset one is unset.
    Written,
}

/// An `imagePullPolicy` of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the words of Kubernetes say it")]
pub enum PullPolicySpec {
    Always,
    IfNotPresent,
    Never,
}

/// Which namespaces are checked. A namespace has to satisfy everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScopeSpec {
    /// Globs of names; all namespaces by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(min = 1, max = 512)))]
    pub namespaces: Vec<String>,
    /// Globs of names that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(min = 1, max = 512)))]
    pub exclude_namespaces: Vec<String>,
    /// Labels that a namespace must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Lists of namespaces that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub exclude_presets: Vec<Preset>,
}

/// A list of namespaces whose workloads come from a distribution or a provider, not from your teams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Kubernetes' own: `kube-system`, `kube-public`, `kube-node-lease`.
    SystemNamespaces,
    /// Those that managed clusters bring.
    ManagedAddOns,
}

/// A label selector, as in Kubernetes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct LabelSelector {
    /// Labels with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements on single labels; all of them must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub match_expressions: Vec<LabelRequirement>,
}

/// A requirement on one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = schema::label_requirement()))]
pub struct LabelRequirement {
    /// The key of the label, such as `app.kubernetes.io/name`.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How it is compared.
    pub operator: LabelOperator,
    /// Values, for `In` and `NotIn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the words of Kubernetes say it")]
pub enum LabelOperator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// What an override or an exemption is for. Everything that is given has to match; of a list, one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct MatchSpec {
    /// Globs of namespace names; one of them must match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 512)))]
    pub namespaces: Vec<String>,
    /// Globs of kinds. `Deployment` is the kind that tagwatch knows by that name, and not one of another group;
    /// `Kind.group`, such as `Rollout.argoproj.io`, is any kind; `*` is every kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 512)))]
    pub kinds: Vec<String>,
    /// Globs of the workloads' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 512)))]
    pub names: Vec<String>,
    /// Globs of the containers' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 512)))]
    pub containers: Vec<String>,
    /// Globs of images, as in `immutable`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 512)))]
    pub images: Vec<String>,
}

/// Other rules for what matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverrideSpec {
    /// The workloads and containers that the override applies to.
    #[serde(rename = "match")]
    pub matches: MatchSpec,
    /// What is different, by rule. What is not given stays as it was, on or off.
    #[schemars(schema_with = "schema::override_rules")]
    pub rules: BTreeMap<String, RuleSpec>,
}

/// Findings that do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExemptionSpec {
    /// The workloads and containers that are exempt.
    #[serde(rename = "match")]
    pub matches: MatchSpec,
    /// The rules; `*` for all.
    #[schemars(schema_with = "schema::exempt_rules")]
    pub rules: Vec<String>,
    /// Why; reports show it.
    #[schemars(regex(pattern = r"\S"), length(max = 4096))]
    pub reason: String,
    /// The last day on which it counts, in UTC: YYYY-MM-DD. Without one it counts for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::date")]
    pub expires: Option<String>,
}

/// Whether annotations can exempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnnotationsSpec {
    /// Whether they count at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Labels that a namespace must have for them to count in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// The most days that `tagwatch.dev/ignore-until` may lie ahead; without it in the annotations, they do not
    /// count then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3650))]
    pub max_days: Option<u16>,
}

fn yes() -> bool {
    true
}

impl Default for AnnotationsSpec {
    fn default() -> Self {
        Self { enabled: true, namespace_selector: None, max_days: None }
    }
}

/// What admission does to pods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmissionSpec {
    /// The AlwaysPullImages admission plugin is on, so each pod carries `Always`.
    #[serde(default)]
    pub always_pull_images: bool,
}
