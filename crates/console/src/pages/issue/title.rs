//! The titles of an issue, in the browser's window and on its page, with what differs from other issues first.

use tagwatch_core::issue::Interval;
use tagwatch_core::reference::Reference;
use tagwatch_core::rules::{self, RuleGroup};

use crate::snapshot::{Workload, WorkloadIssue};
use crate::text::HtmlText;

/// Most characters of a name.
const MAX_NAME: usize = 64;

/// Such as `shop/cart · api · latest with IfNotPresent · stale-pull-policy`. The rule is in it: several issues of one container
/// may be of one image and pull policy.
pub(super) fn open(of_workload: WorkloadIssue<'_>) -> HtmlText {
    let WorkloadIssue { workload, issue } = of_workload;
    title(workload, issue.container.raw(), &[&what(of_workload), issue.rule.id])
}

/// Such as `latest with IfNotPresent`.
fn what(WorkloadIssue { issue, .. }: WorkloadIssue<'_>) -> String {
    let with = match issue.rule.group {
        RuleGroup::ImagePullPolicy => format!(" with {}", issue.effective_pull_policy.as_str()),
        RuleGroup::ImageTag | RuleGroup::ImageDrift => String::new(),
    };
    format!("{}{with}", version(issue.image.raw()))
}

/// The heading of the page of a resolved issue, such as `shop/cart · api · stable · floating-tag`.
pub(super) fn resolved_heading(workload: &Workload, closed: &Interval) -> HtmlText {
    let is_about_pull_policies =
        rules::find(closed.rule.raw()).is_some_and(|rule| rule.group == RuleGroup::ImagePullPolicy);
    let policy = closed.written_pull_policy().filter(|_| is_about_pull_policies);
    let with = policy.map(|policy| format!(" with {}", head(policy.raw()))).unwrap_or_default();
    let what = format!("{}{with}", version(closed.image.raw()));
    title(workload, closed.container.raw(), &[&what, closed.rule.raw()])
}

/// Such as `Resolved: shop/cart · api · stable · floating-tag`.
pub(super) fn resolved(workload: &Workload, closed: &Interval) -> HtmlText {
    resolved_heading(workload, closed).behind("Resolved: ")
}

fn title(workload: &Workload, container: &str, rest: &[&str]) -> HtmlText {
    let Workload { namespace, name, .. } = workload;
    let mut title = format!("{}/{} · {}", head(namespace.raw()), head(name.raw()), head(container));
    for part in rest {
        title.push_str(" · ");
        title.push_str(&head(part));
    }
    HtmlText::line(&title)
}

/// What an image says of its version.
fn version(image: &str) -> String {
    match Reference::parse(image) {
        Ok(reference) => match (reference.tag(), reference.digest()) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(_)) => "a digest".to_owned(),
            (None, None) => "no tag".to_owned(),
        },
        Err(_) => "an invalid image".to_owned(),
    }
}

fn head(text: &str) -> String {
    match text.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
