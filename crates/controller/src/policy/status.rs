//! The status of a policy, from what is known at the moment.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use tagwatch_k8s::tag_policy::TagPolicyStatus;

use super::choice::{Choice, Rejection};
use super::tally::Tally;

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

/// What a status is made of.
#[derive(Debug, Clone)]
pub(crate) struct StatusInput<'a> {
    pub(crate) choice: &'a Choice,
    pub(crate) tally: Tally,
    pub(crate) not_covered: Vec<String>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) now: Timestamp,
}

/// Makes the status. Conditions that stay as they are keep the time of their last transition.
pub(crate) fn status(input: StatusInput<'_>, previous: &TagPolicyStatus) -> TagPolicyStatus {
    let StatusInput { choice, tally, not_covered, problems, now } = input;
    let generation = choice.object.as_ref().and_then(|object| object.metadata.generation).unwrap_or_default();
    let condition = |type_: &str, status: bool, reason: &str, message: String| {
        let known = previous.conditions.iter().find(|known| known.type_ == type_);
        let status = if status { "True" } else { "False" };
        let since =
            known.filter(|known| known.status == status).map(|known| known.last_transition_time.clone());
        Condition {
            last_transition_time: since.unwrap_or(Time(now)),
            message: cut(message),
            observed_generation: Some(generation),
            reason: reason.to_owned(),
            status: status.to_owned(),
            type_: type_.to_owned(),
        }
    };
    let rejected = choice.rejection.is_some().then(|| invalid(choice));
    let problems: Vec<Problem> = rejected.into_iter().chain(problems).collect();
    let ready = match &choice.rejection {
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
    let Tally { workloads, results, rules, exemptions } = tally;
    TagPolicyStatus {
        observed_generation: generation,
        conditions: vec![ready, degraded],
        accepted: choice.accepted.as_deref().cloned(),
        workloads,
        results,
        rules,
        exemptions,
        not_covered,
    }
}

fn invalid(choice: &Choice) -> Problem {
    match &choice.accepted {
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

fn cut(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(MAX_MESSAGE));
    message
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn choice(spec: &serde_json::Value) -> Choice {
        let object = json!({ "metadata": { "name": "default", "generation": 4 }, "spec": spec });
        let mut choice = Choice::recommended();
        choice.see(Some(serde_json::from_value(object).unwrap()));
        choice
    }

    fn at(choice: &Choice, problems: Vec<Problem>, now: i64, previous: &TagPolicyStatus) -> TagPolicyStatus {
        let now = Timestamp::from_second(now).unwrap();
        let input = StatusInput { choice, tally: Tally::default(), not_covered: Vec::new(), problems, now };
        status(input, previous)
    }

    fn conditions(status: &TagPolicyStatus) -> Vec<String> {
        let line = |condition: &Condition| {
            let since = condition.last_transition_time.0.as_second();
            format!("{} {} {} since {since}", condition.type_, condition.status, condition.reason)
        };
        status.conditions.iter().map(line).collect()
    }

    #[test]
    fn a_condition_that_stays_keeps_its_time() {
        let valid = choice(&json!({}));
        let first = at(&valid, Vec::new(), 100, &TagPolicyStatus::default());
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
        let status = at(&choice(&json!({ "profile": "x" })), Vec::new(), 1, &TagPolicyStatus::default());
        assert_eq!(
            conditions(&status),
            ["Ready False InvalidSpec since 1", "Degraded True RecommendedProfileInUse since 1"]
        );
        assert!(status.conditions[0].message.starts_with("spec.profile: "), "{:?}", status.conditions[0]);
    }
}
