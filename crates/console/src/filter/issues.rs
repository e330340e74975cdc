//! The filter of issues.

use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::text::UntrustedText;

use super::Sort;
use crate::snapshot::{Workload, WorkloadIssue};
use crate::url::key;

/// A selection of issues. An empty list admits all values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) namespaces: Vec<UntrustedText>,
    pub(crate) kinds: Vec<UntrustedText>,
    pub(crate) severities: Vec<Severity>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) rules: Vec<&'static str>,
    /// Part of a name, an image or a message. The case of ASCII letters does not matter.
    pub(crate) text: String,
    pub(crate) exempt: Option<Exempt>,
    pub(crate) sort: Sort,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exempt {
    No,
    Yes,
    All,
}

impl Exempt {
    pub(crate) const ALL: [Self; 3] = [Self::No, Self::Yes, Self::All];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::All => "all",
        }
    }
}

impl Filter {
    pub(crate) fn of_rules(rules: Vec<&'static str>) -> Self {
        Self { rules, ..Self::default() }
    }

    pub(crate) fn of_severity(severity: Severity) -> Self {
        Self { severities: vec![severity], ..Self::default() }
    }

    /// All issues of one workload, with exempt ones. Its name is matched as text, so workloads of the same namespace and
    /// kind whose names contain it are included.
    pub(crate) fn of_workload(workload: &Workload) -> Self {
        let kinds = vec![key(&workload.kind)];
        let text = workload.name.raw().to_owned();
        Self { kinds, text, exempt: Some(Exempt::All), ..Self::default() }.within(&workload.namespace)
    }

    /// The same within one namespace.
    #[must_use]
    pub(crate) fn within(mut self, namespace: &UntrustedText) -> Self {
        self.namespaces = vec![key(namespace)];
        self
    }

    /// The same without one value of a field.
    pub(crate) fn without<T: PartialEq>(&self, field: fn(&mut Self) -> &mut Vec<T>, value: &T) -> Self {
        let mut rest = self.clone();
        field(&mut rest).retain(|one| one != value);
        rest
    }

    /// Whether exempt issues are included: also when the filter names the result that they have.
    pub(crate) fn exempt(&self) -> Exempt {
        let by_result = if self.outcomes.contains(&Outcome::Skip) { Exempt::All } else { Exempt::No };
        self.exempt.unwrap_or(by_result)
    }

    /// Whether the filter excludes anything other than exempt issues.
    pub(crate) fn is_narrow(&self) -> bool {
        let Self { namespaces, kinds, severities, outcomes, rules, text, exempt, sort: _, page: _ } = self;
        let is_wide = namespaces.is_empty() && kinds.is_empty() && severities.is_empty();
        let is_wide = is_wide && outcomes.is_empty() && rules.is_empty() && text.is_empty();
        let is_wide = is_wide && *exempt != Some(Exempt::Yes);
        !is_wide
    }

    /// The issues that the filter admits, in its order. `issues` must be in the order of the snapshot.
    pub(crate) fn select<'a>(
        &self,
        issues: impl Iterator<Item = WorkloadIssue<'a>>,
    ) -> Vec<WorkloadIssue<'a>> {
        let mut selected: Vec<_> = issues.filter(|&issue| self.admits(issue)).collect();
        self.sort.apply(&mut selected);
        selected
    }

    fn admits(&self, of_workload: WorkloadIssue<'_>) -> bool {
        let WorkloadIssue { workload, issue } = of_workload;
        let exempt = match self.exempt() {
            Exempt::No => !issue.is_exempt(),
            Exempt::Yes => issue.is_exempt(),
            Exempt::All => true,
        };
        exempt
            && admits(&self.severities, &issue.severity)
            && admits(&self.outcomes, &issue.outcome)
            && admits(&self.rules, &issue.rule.id)
            && admits(&self.namespaces, &key(&workload.namespace))
            && admits(&self.kinds, &key(&workload.kind))
            && self.admits_text(of_workload)
    }

    fn admits_text(&self, WorkloadIssue { workload, issue }: WorkloadIssue<'_>) -> bool {
        let texts = [
            workload.namespace.raw(),
            workload.kind.raw(),
            workload.name.raw(),
            issue.container.raw(),
            issue.image.raw(),
            issue.rule.id,
            issue.message.raw(),
        ];
        self.text.is_empty() || texts.iter().any(|text| contains(text, &self.text))
    }
}

fn admits<T: PartialEq>(values: &[T], value: &T) -> bool {
    values.is_empty() || values.contains(value)
}

fn contains(text: &str, part: &str) -> bool {
    let part = part.as_bytes();
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}
