//! The result of a policy in which no rule fires: a pass that says what speaks for the container.

use super::{Policy, Subject, message};
use crate::finding::{Finding, Outcome, Severity};
use crate::pull_policy::PullPolicy;
use crate::tag::TagClass;

/// A pass under the policy's leading rule.
pub(crate) fn pass(policy: Policy, subject: &Subject<'_>) -> Finding {
    let tail = match policy {
        Policy::ImageTag => tag_tail(subject),
        Policy::ImagePullPolicy => pull_policy_tail(subject),
    };
    Finding {
        rule: policy.leading_rule(),
        outcome: Outcome::Pass,
        severity: Severity::Info,
        message: message::runs(subject, &tail),
        resolution: String::new(),
    }
}

fn tag_tail(subject: &Subject<'_>) -> String {
    let reason = match subject.classification.class {
        TagClass::Digest => "a digest pins it",
        TagClass::DeclaredImmutable => "the policy declares the tag immutable",
        TagClass::Unique => "a tag of its kind is pushed once",
        TagClass::Version => "a tag of its kind stays as it is by convention",
        _ => "no rule that is on speaks against the tag",
    };
    format!(": {reason}{}{}", message::matched(subject), message::placeholder_note(subject))
}

fn pull_policy_tail(subject: &Subject<'_>) -> String {
    let reason = match subject.effective_pull_policy {
        PullPolicy::Always if subject.is_mutable() => {
            "the kubelet asks the registry at every start, though a mirror can answer with an old digest"
                .to_owned()
        }
        PullPolicy::Always => "the kubelet asks the registry at every start".to_owned(),
        // The template asks for a stale copy, and admission prevents it.
        _ if subject.is_mutable() => format!("{}{}", message::moves(subject), message::always_note(subject)),
        _ if subject.classification.class == TagClass::Unclassified => {
            "nothing says whether the tag moves, so nothing speaks against a copy on the node".to_owned()
        }
        _ => "the reference is not one that moves, so a copy on the node is the right one".to_owned(),
    };
    format!(" with {}: {reason}", message::pull_policy_facts(subject))
}
