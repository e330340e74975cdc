//! The status of a policy, from what is known at the moment.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use tagwatch_core::issue::{IssueClass, Status, Tally};
use tagwatch_core::outcome::Outcome;
use tagwatch_core::text::truncate_bytes;
use tagwatch_k8s::tag_policy::{
    ExemptionCounts, IneffectiveParts, InstanceStatus, ResultCounts, RuleCounts, WorkloadCounts,
};

use crate::state::{ActivePolicy, Rejection};

/// Longest message of a condition in bytes; the API allows 32 KiB.
const MAX_MESSAGE: usize = 4096;

/// Something that is missing or not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The word for programs, in `CamelCase`.
    pub(crate) reason: &'static str,
    /// The words for people.
    pub(crate) message: String,
}

/// What the policy finds in the cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) tally: Tally,
    pub(crate) exemptions: ExemptionCounts,
    pub(crate) ineffective: IneffectiveParts,
}

/// What a status is made of.
#[derive(Debug, Clone)]
pub(crate) struct StatusInput<'a> {
    /// The installation that says it.
    pub(crate) instance: &'a str,
    pub(crate) active: &'a ActivePolicy,
    /// `None` until every workload is evaluated by the policy that applies.
    pub(crate) found: Option<Found>,
    pub(crate) not_covered: Vec<String>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) now: Timestamp,
}

/// Makes the status. Conditions that stay as they are keep the time of their last transition.
pub(crate) fn status(input: StatusInput<'_>, previous: &InstanceStatus) -> InstanceStatus {
    let StatusInput { instance, active, found, not_covered, problems, now } = input;
    let generation = active.object.as_ref().and_then(|object| object.metadata.generation).unwrap_or_default();
    let condition = |type_: &str, status: bool, reason: &str, message: String| {
        let known = previous.conditions.iter().find(|known| known.type_ == type_);
        let status = if status { "True" } else { "False" };
        let since =
            known.filter(|known| known.status == status).map(|known| known.last_transition_time.clone());
        Condition {
            last_transition_time: since.unwrap_or(Time(now)),
            message: truncate_bytes(message, MAX_MESSAGE),
            observed_generation: Some(generation),
            reason: reason.to_owned(),
            status: status.to_owned(),
            type_: type_.to_owned(),
        }
    };
    let rejected = active.rejection.is_some().then(|| invalid(active));
    let problems: Vec<Problem> = rejected.into_iter().chain(problems).collect();
    let ready = match &active.rejection {
        None => condition("Ready", true, "Judging", "the cluster is judged by this policy".to_owned()),
        Some(Rejection(mistakes)) => condition("Ready", false, "InvalidSpec", mistakes.clone()),
    };
    let degraded = match problems.as_slice() {
        [] => condition("Degraded", false, "AsExpected", "nothing is missing".to_owned()),
        [first, ..] => {
            let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
            condition("Degraded", true, first.reason, messages.join("; "))
        }
    };
    InstanceStatus {
        name: instance.to_owned(),
        observed_generation: generation,
        conditions: vec![ready, degraded],
        accepted: active.accepted.as_deref().cloned(),
        workloads: found.as_ref().map(|found| workload_counts(&found.tally)),
        results: found.as_ref().map(|found| result_counts(&found.tally)),
        rules: found.as_ref().map(|found| rule_counts(&found.tally)),
        exemptions: found.as_ref().map(|found| found.exemptions.clone()),
        ineffective: found.map(|found| found.ineffective),
        not_covered,
    }
}

fn invalid(active: &ActivePolicy) -> Problem {
    match &active.accepted {
        Some(accepted) => Problem {
            reason: "LastGoodInUse",
            message: format!(
                "the spec is invalid; the cluster is judged by the last valid one, of generation {}",
                accepted.generation
            ),
        },
        None => Problem {
            reason: "RecommendedProfileInUse",
            message:
                "the spec is invalid, and none before it was valid; the cluster is judged by the recommended \
                      profile"
                    .to_owned(),
        },
    }
}

fn workload_counts(tally: &Tally) -> WorkloadCounts {
    let of = |status| number(tally.of_status(status));
    WorkloadCounts {
        total: number(tally.workloads()),
        violating: of(Status::Violating),
        error: of(Status::Error),
        exempt: of(Status::Exempt),
        compliant: of(Status::Compliant),
    }
}

fn result_counts(tally: &Tally) -> ResultCounts {
    let of = |outcome| number(tally.of_outcome(outcome));
    ResultCounts {
        fail: of(Outcome::Fail),
        error: of(Outcome::Error),
        warn: of(Outcome::Warn),
        skip: of(Outcome::Skip),
        pass: of(Outcome::Pass),
    }
}

/// By rule and severity.
fn rule_counts(tally: &Tally) -> Vec<RuleCounts> {
    let mut rules: BTreeMap<(&str, &str), RuleCounts> = BTreeMap::new();
    for (&IssueClass { rule, severity, outcome }, count) in tally.classes() {
        let counts = rules.entry((rule.id, severity.as_str())).or_insert_with(|| RuleCounts {
            rule: rule.id.to_owned(),
            severity: severity.as_str().to_owned(),
            ..RuleCounts::default()
        });
        let counter = match outcome {
            Outcome::Fail => &mut counts.fail,
            Outcome::Error => &mut counts.error,
            Outcome::Warn => &mut counts.warn,
            Outcome::Skip => &mut counts.skip,
            Outcome::Pass => continue,
        };
        *counter += number(count);
    }
    rules.into_values().collect()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn active(spec: &serde_json::Value) -> ActivePolicy {
        let object = json!({ "metadata": { "name": "default", "generation": 4 }, "spec": spec });
        let mut active = ActivePolicy::recommended("tagwatch");
        active.update(Some(serde_json::from_value(object).unwrap()));
        active
    }

    fn at(
        active: &ActivePolicy,
        problems: Vec<Problem>,
        now: i64,
        previous: &InstanceStatus,
    ) -> InstanceStatus {
        let now = Timestamp::from_second(now).unwrap();
        let (found, not_covered) = (Some(Found::default()), Vec::new());
        status(StatusInput { instance: "tagwatch", active, found, not_covered, problems, now }, previous)
    }

    fn conditions(status: &InstanceStatus) -> Vec<String> {
        let line = |condition: &Condition| {
            let since = condition.last_transition_time.0.as_second();
            format!("{} {} {} since {since}", condition.type_, condition.status, condition.reason)
        };
        status.conditions.iter().map(line).collect()
    }

    #[test]
    fn a_condition_that_stays_keeps_its_time() {
        let valid = active(&json!({}));
        let first = at(&valid, Vec::new(), 100, &InstanceStatus::default());
        assert_eq!(
            conditions(&first),
            ["Ready True Judging since 100", "Degraded False AsExpected since 100"]
        );
        let lacking = vec![Problem { reason: "NamespacesForbidden", message: "no right".to_owned() }];
        let second = at(&valid, lacking, 200, &first);
        assert_eq!(
            conditions(&second),
            ["Ready True Judging since 100", "Degraded True NamespacesForbidden since 200"]
        );
        assert_eq!(second.observed_generation, 4);
        assert_eq!(second.conditions[1].message, "no right");
    }

    #[test]
    fn an_invalid_policy_says_what_is_wrong_and_what_counts_instead() {
        let status = at(&active(&json!({ "profile": "x" })), Vec::new(), 1, &InstanceStatus::default());
        assert_eq!(
            conditions(&status),
            ["Ready False InvalidSpec since 1", "Degraded True RecommendedProfileInUse since 1"]
        );
        assert!(status.conditions[0].message.starts_with("spec.profile: "), "{:?}", status.conditions[0]);
    }
}
