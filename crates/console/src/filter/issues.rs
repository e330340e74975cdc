//! The filter of issues.

use jiff::Timestamp;
use tagwatch_core::issue::Issue;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::reference::Reference;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;

use super::teams::admits_team;
use super::{PerPage, Since, Sort};
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
    /// Images as written.
    pub(crate) images: Vec<UntrustedText>,
    /// Registries as references are normalised: `docker.io` where an image names none.
    pub(crate) registries: Vec<UntrustedText>,
    pub(crate) classes: Vec<TagClass>,
    /// Names of workloads.
    pub(crate) names: Vec<UntrustedText>,
    pub(crate) containers: Vec<UntrustedText>,
    /// When an issue was first seen, at the earliest.
    pub(crate) since: Option<Since>,
    /// Teams, with [`NO_TEAM`](super::NO_TEAM) for workloads without one.
    pub(crate) teams: Vec<UntrustedText>,
    /// Part of a name, an image or a message. The case of ASCII letters does not matter.
    pub(crate) text: String,
    pub(crate) exempt: Option<Exempt>,
    pub(crate) sort: Sort,
    /// From 1; 0 means 1.
    pub(crate) page: usize,
    pub(crate) per_page: PerPage,
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

    /// Fails and errors.
    pub(crate) fn of_violations() -> Self {
        Self { outcomes: vec![Outcome::Fail, Outcome::Error], ..Self::default() }
    }

    /// All issues of one workload, with exempt ones.
    pub(crate) fn of_workload(workload: &Workload) -> Self {
        let (kinds, names) = (vec![key(&workload.kind)], vec![key(&workload.name)]);
        Self { kinds, names, exempt: Some(Exempt::All), ..Self::default() }.within(&workload.namespace)
    }

    pub(crate) fn of_image(image: &UntrustedText) -> Self {
        Self { images: vec![key(image)], ..Self::default() }
    }

    pub(crate) fn of_registry(registry: &UntrustedText) -> Self {
        Self { registries: vec![key(registry)], ..Self::default() }
    }

    pub(crate) fn of_class(class: TagClass) -> Self {
        Self { classes: vec![class], ..Self::default() }
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
        let Self {
            namespaces,
            kinds,
            severities,
            outcomes,
            rules,
            images,
            registries,
            classes,
            names,
            containers,
            since,
            teams,
            text,
            exempt,
            sort: _,
            page: _,
            per_page: _,
        } = self;
        let is_wide = namespaces.is_empty() && kinds.is_empty() && severities.is_empty();
        let is_wide =
            is_wide && outcomes.is_empty() && rules.is_empty() && teams.is_empty() && text.is_empty();
        let is_wide = is_wide && images.is_empty() && registries.is_empty() && classes.is_empty();
        let is_wide = is_wide && names.is_empty() && containers.is_empty() && since.is_none();
        let is_wide = is_wide && *exempt != Some(Exempt::Yes);
        !is_wide
    }

    /// The issues that the filter admits, in its order. `issues` must be in the order of the snapshot.
    pub(crate) fn select<'a>(
        &self,
        issues: impl Iterator<Item = WorkloadIssue<'a>>,
        now: Timestamp,
    ) -> Vec<WorkloadIssue<'a>> {
        let start = self.since.map(|since| since.start(now));
        let is_new = |issue: &Issue| start.is_none_or(|start| issue.first_seen >= start);
        let mut selected: Vec<_> =
            issues.filter(|&found| is_new(found.issue) && self.admits(found)).collect();
        self.sort.apply(&mut selected);
        selected
    }

    /// Whether an issue is admitted, whenever it was first seen.
    pub(crate) fn admits(&self, of_workload: WorkloadIssue<'_>) -> bool {
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
            && admits(&self.classes, &issue.tag_class)
            && admits_key(&self.names, &workload.name)
            && admits_key(&self.containers, &issue.container)
            && admits_key(&self.images, &issue.image)
            && self.admits_registry(&issue.image)
            && admits_team(&self.teams, workload.team.as_ref())
            && self.admits_text(of_workload)
    }

    fn admits_registry(&self, image: &UntrustedText) -> bool {
        self.registries.is_empty()
            || Reference::parse(image.raw())
                .is_ok_and(|reference| self.registries.contains(&key(&reference.registry().into())))
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

fn admits_key(values: &[UntrustedText], name: &UntrustedText) -> bool {
    values.is_empty() || values.contains(&key(name))
}

/// Whether a text contains another one, which is not empty. The case of ASCII letters does not matter.
pub(super) fn contains(text: &str, part: &str) -> bool {
    let part = part.as_bytes();
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}
