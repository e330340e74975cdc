//! A workload as the console shows it: its verdict, its containers and its issues.

use std::sync::Arc;

use jiff::Timestamp;
use tagwatch_core::issue::{EditMode, ExemptionOutcome, ImageChange, Interval, Issue, ResultId, Status};
use tagwatch_core::pull_policy::PullPolicy;
use tagwatch_core::tag::TagClass;
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::{ContainerType, Namespace};

use super::fix::ClosingChanges;
use super::{ContainerFix, WorkloadName};
use crate::url::key;

/// A workload with all that is known of it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Workload {
    pub namespace: UntrustedText,
    /// Its kind as metrics label it: see [`tagwatch_core::kinds::kind_label`].
    pub kind: UntrustedText,
    pub name: UntrustedText,
    pub status: Status,
    /// Why the status is an error, where no issue says it.
    pub reason: Option<String>,
    /// Every container and image volume, in the order of the pod spec.
    pub containers: Vec<ContainerFacts>,
    /// What was found, passes apart, in the order of the containers.
    pub issues: Vec<Issue>,
    /// The keys that each issue had or will have with another outcome, or with its image in its key or not: a link to it may
    /// be older than that.
    pub other_ids: Vec<Box<[ResultId]>>,
    pub closed: Vec<Interval>,
    /// Whether the report may have dropped older intervals.
    pub is_history_full: bool,
    /// When the first of its results of now was first seen, passes too; `None` where it has none.
    pub known_since: Option<Timestamp>,
    /// When its object was created, where that is known.
    pub created: Option<Timestamp>,
    /// Images that changed, as far back as the report holds them.
    pub image_changes: Vec<ImageChange>,
    /// Labels and contacts of its namespace, where namespaces can be read.
    pub namespace_facts: Option<Arc<Namespace>>,
    /// The value of the first of the policy's metric labels, such as the team.
    pub team: Option<UntrustedText>,
    /// What became of exemptions here; `None` for most workloads.
    pub exemptions: Option<Box<ExemptionOutcome>>,
}

/// What pages show of a container or image volume, beside its issues.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ContainerFacts {
    /// Name of the container or image volume.
    pub name: UntrustedText,
    /// What kind of place it is.
    pub container_type: ContainerType,
    pub image: UntrustedText,
    pub tag_class: TagClass,
    /// What the class rests on, in words.
    pub matched: Option<UntrustedText>,
    pub pull_policy: Option<UntrustedText>,
    pub effective_pull_policy: PullPolicy,
    pub edit_mode: EditMode,
    /// Pull policies that the policy allows; none where no issue is about pull policies.
    pub allowed_pull_policies: Box<[PullPolicy]>,
    /// The change that closes the most of its issues; `None` where none closes any.
    pub fix: Option<ContainerFix>,
    pub(crate) closing: ClosingChanges,
}

impl Workload {
    /// As addresses name it.
    pub(crate) fn full_name(&self) -> WorkloadName {
        (key(&self.namespace), key(&self.kind), key(&self.name))
    }

    pub(super) fn order(&self) -> impl Ord + use<'_> {
        (self.namespace.raw(), self.kind.raw(), self.name.raw())
    }

    /// Issues that are not exempt.
    pub fn open(&self) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(|issue| issue.is_open())
    }

    /// The facts of a container that an issue names.
    pub(crate) fn container(&self, issue: &Issue) -> Option<&ContainerFacts> {
        self.containers.iter().find(|container| {
            container.name == issue.container
                && container.container_type == issue.container_type
                && container.image == issue.image
        })
    }

    /// How the container of an issue can be changed.
    pub(crate) fn edit_mode(&self, issue: &Issue) -> EditMode {
        self.container(issue).map_or(EditMode::Elsewhere, |container| container.edit_mode)
    }
}
