//! The result of a group in which no rule fires: a pass with its reason.

use super::findings::can_check;
use crate::finding::Finding;
use crate::outcome::{Outcome, Severity};
use crate::pull_policy::{ComposePullPolicy, PullPolicy};
use crate::rules::{self, RuleGroup, RuleMeta, Subject, message};
use crate::tag::TagClass;

/// The pass of a group, under its leading rule; where that one is off, under the first one that is on. `None` where no
/// rule could check the container, and for a group that gives no passes. The message is empty unless `is_described`.
pub(super) fn pass(group: RuleGroup, subject: &Subject<'_>, is_described: bool) -> Option<Finding> {
    let rule = passed(group, subject)?;
    let tail = match group {
        RuleGroup::ImageDrift => return None,
        _ if !is_described => None,
        RuleGroup::ImageTag => Some(tag_tail(subject)),
        RuleGroup::ImagePullPolicy => Some(pull_policy_tail(rule, subject)),
    };
    Some(Finding {
        rule,
        outcome: Outcome::Pass,
        severity: Severity::Info,
        message: tail.map(|tail| message::runs(subject, &tail)).unwrap_or_default(),
        resolution: String::new(),
        exemption: None,
    })
}

fn passed(group: RuleGroup, subject: &Subject<'_>) -> Option<&'static RuleMeta> {
    if !group.gives_passes() {
        return None;
    }
    let mut passed = None;
    let enabled = rules::enabled(subject.rules).map(|(rule, _)| rule);
    for rule in enabled.filter(|rule| rule.meta.group == group && can_check(rule, subject)) {
        let leads = rule.meta.id == group.leading_rule();
        passed = if leads { Some(rule.meta) } else { passed.or(Some(rule.meta)) };
    }
    passed
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

fn pull_policy_tail(rule: &RuleMeta, subject: &Subject<'_>) -> String {
    if rule.id != RuleGroup::ImagePullPolicy.leading_rule() {
        return format!(
            " with {}: no rule that is on speaks against it{}",
            message::pull_policy_facts(subject),
            message::pods_policy_note(subject)
        );
    }
    let copy_is_right = if subject.classification.class == TagClass::Unclassified {
        "nothing says whether the tag moves, so nothing speaks against a copy on the node"
    } else {
        "the reference is not one that moves, so a copy on the node is the right one"
    };
    if let Some((policy, _)) = subject.compose() {
        let reason = match policy {
            ComposePullPolicy::Build => "Compose builds the image and does not pull it".to_owned(),
            ComposePullPolicy::Always if subject.is_mutable() => {
                "Compose asks the registry at every start, though a mirror can answer with an old digest"
                    .to_owned()
            }
            ComposePullPolicy::Always => "Compose asks the registry at every start".to_owned(),
            ComposePullPolicy::Refresh(_) => {
                "Compose asks the registry again where the last pull is older than that".to_owned()
            }
            ComposePullPolicy::Missing | ComposePullPolicy::Never => {
                copy_is_right.replace("on the node", "on the machine")
            }
        };
        return format!(" with {}: {reason}", message::pull_policy_facts(subject));
    }
    let mut note = message::pods_policy_note(subject);
    let reason = match subject.effective_pull_policy {
        // The written policy does not reach the pods.
        PullPolicy::Always if subject.pods_without_always() && subject.is_mutable() => {
            format!("{}{}", message::moves(subject), message::without_always_note(subject))
        }
        PullPolicy::Always if subject.pods_without_always() => copy_is_right.to_owned(),
        PullPolicy::Always if subject.is_mutable() => {
            "the kubelet asks the registry at every start, though a mirror can answer with an old digest"
                .to_owned()
        }
        PullPolicy::Always => "the kubelet asks the registry at every start".to_owned(),
        // The template allows a stale copy, and admission prevents it.
        _ if subject.is_mutable() => {
            note = "";
            format!("{}{}", message::moves(subject), message::always_note(subject))
        }
        _ => copy_is_right.to_owned(),
    };
    format!(" with {}: {reason}{note}", message::pull_policy_facts(subject))
}
