//! What an organisation decides: which rules apply to which workloads, and what is exempt from them. A [`TagPolicySpec`]
//! is a policy as written; a [`Policy`] is compiled, and the engine judges by it.

mod baseline;
mod compile;
mod date;
mod effect;
mod effective;
mod exemption;
mod exemption_index;
mod layer;
mod matcher;
mod part;
mod path;
mod problems;
mod profile;
mod schema;
mod selector;
mod spec;
mod subject;
mod uses;
mod validate;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::kinds::{CustomWorkload, Kinds};
use crate::pull_policy::PullPolicy;
use crate::reference::Reference;
use crate::rules::{RuleMeta, RuleSet, ids};
use crate::tag::Classifier;
use crate::text::UntrustedText;
use crate::workload::{Container, Workload, WorkloadId};
pub use baseline::{ExactMatch, exact_exemption};
pub use compile::metric_label;
pub use date::parse_date;
pub use effect::{NamedNamespace, SpecRemark};
pub use effective::EffectiveRule;
pub(crate) use exemption::WorkloadAnnotations;
pub use exemption::{AnnotationRemark, Exemption, ExemptionProblem};
use exemption_index::ExemptionIndex;
pub use part::PolicyPart;
pub use path::{FieldPath, PathStep, PolicyError};
pub use profile::{Profile, ProfileMeta, UnknownProfile};
pub use selector::Decision;
pub use spec::{
    API_VERSION, AdmissionSpec, AnnotationsSpec, ExemptionSpec, KIND, LabelOperator, LabelRequirement,
    LabelSelector, MatchSpec, OverrideSpec, Preset, PullPolicySpec, ResultSpec, RuleSpec, ScopeSpec,
    SeveritySpec, TagPolicySpec, ValueSpec,
};
use subject::Subject;

/// A policy compiled from a [`TagPolicySpec`], or from a profile alone.
#[derive(Debug, Clone)]
pub struct Policy {
    profile: Profile,
    /// Those of the profile with `changes` applied.
    rules: RuleSet,
    changes: Vec<layer::RuleChange>,
    classifier: Classifier,
    scope: selector::Scope,
    overrides: Vec<layer::Layer>,
    exemptions: Vec<Exemption>,
    exemption_index: ExemptionIndex,
    annotations: exemption::AnnotationRules,
    always_pull_images: bool,
    metric_labels: Vec<String>,
    workloads: Vec<CustomWorkload>,
    kinds: Kinds,
}

impl Policy {
    /// A profile and nothing else.
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            rules: profile.rules(),
            changes: Vec::new(),
            classifier: Classifier::default().with_presets(TagPolicySpec::default().immutable_presets()),
            scope: selector::Scope::default(),
            overrides: Vec::new(),
            exemptions: Vec::new(),
            exemption_index: ExemptionIndex::default(),
            annotations: exemption::AnnotationRules {
                enabled: true,
                namespace_selector: None,
                max_days: None,
            },
            always_pull_images: false,
            metric_labels: Vec::new(),
            workloads: Vec::new(),
            kinds: Kinds::default(),
        }
    }

    /// The profile that it starts from.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The rules where no override matches.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Classifies images with the words, patterns and globs that the policy declares.
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// Its exemptions, in the order in which they are written.
    pub fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }

    /// Whether it declares the AlwaysPullImages admission plugin.
    pub fn always_pull_images(&self) -> bool {
        self.always_pull_images
    }

    /// Labels of namespaces that metrics and reports carry.
    pub fn metric_labels(&self) -> &[String] {
        &self.metric_labels
    }

    /// Custom kinds that it declares.
    pub fn workloads(&self) -> &[CustomWorkload] {
        &self.workloads
    }

    /// Every custom kind that is read: those that the policy declares, and those of the table.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Whether workloads of a namespace are in scope; `labels` are `None` where they are unknown.
    pub fn includes(
        &self,
        namespace: Option<&UntrustedText>,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Decision {
        self.scope.includes(namespace, labels)
    }

    /// The rules for a container: every override that matches, in their order. `applied` is called with each.
    pub(crate) fn rules_for(
        &self,
        id: &WorkloadId,
        container: &Container,
        reference: Option<&Reference>,
        mut applied: impl FnMut(PolicyPart),
    ) -> Cow<'_, RuleSet> {
        let mut rules = Cow::Borrowed(&self.rules);
        let subject = Subject::new(id, &self.kinds);
        for (index, layer) in self.overrides.iter().enumerate() {
            if layer.matcher.admits_workload(&subject) && layer.matcher.admits_container(container, reference)
            {
                layer.changes.iter().for_each(|change| change.apply(rules.to_mut()));
                applied(PolicyPart::at(PolicyPart::Override, index));
            }
        }
        rules
    }

    /// The pull policies that may be written for a container: those of the rule `pull-policy-not-allowed` where it is
    /// on, else every one.
    pub fn allowed_pull_policies(
        &self,
        id: &WorkloadId,
        container: &Container,
        reference: Option<&Reference>,
    ) -> Vec<PullPolicy> {
        let rules = self.rules_for(id, container, reference, |_| ());
        match rules
            .get_enabled(ids::PULL_POLICY_NOT_ALLOWED)
            .map(|setting| setting.parameters.allowed.as_slice())
        {
            None | Some([]) => PullPolicy::ALL.to_vec(),
            Some(allowed) => allowed.to_vec(),
        }
    }

    /// The exemptions that cover a finding on a day, by their index.
    pub(crate) fn exempting<'a>(
        &'a self,
        id: &'a WorkloadId,
        container: &'a Container,
        reference: Option<&'a Reference>,
        rule: &'a RuleMeta,
        today: Date,
    ) -> impl Iterator<Item = (usize, &'a Exemption)> {
        let subject = Subject::new(id, &self.kinds);
        let candidates = self.exemption_index.candidates(id).into_iter();
        let candidates = candidates.filter_map(|index| Some((index, self.exemptions.get(index)?)));
        candidates.filter(move |(_, exemption)| {
            exemption.is_active(today)
                && exemption.covers(rule)
                && exemption.matcher.admits_workload(&subject)
                && exemption.matcher.admits_container(container, reference)
        })
    }

    pub(crate) fn annotations(
        &self,
        workload: &Workload,
        today: Date,
        in_cluster: bool,
    ) -> WorkloadAnnotations {
        WorkloadAnnotations::read(workload, &self.annotations, today, in_cluster)
    }
}
