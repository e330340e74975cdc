//! Which issues a command shows.

use tagwatch_core::outcome::Severity;
use tagwatch_core::rules::RuleGroup;

use super::StoredIssue;

/// Which issues to show; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueFilter {
    /// Only findings about the digests that really run.
    pub drift: bool,
    /// Only these severities; empty for all. A severity that this version does not know is none of them.
    pub severities: Vec<Severity>,
    /// Only these rules; empty for all.
    pub rules: Vec<String>,
}

impl IssueFilter {
    /// Whether an issue is shown.
    pub fn admits(&self, issue: &StoredIssue) -> bool {
        let Self { drift, severities, rules } = self;
        let severity = Severity::parse(issue.severity.raw());
        (!drift || issue.policy.raw() == RuleGroup::ImageDrift.as_str())
            && (severities.is_empty() || severity.is_some_and(|severity| severities.contains(&severity)))
            && (rules.is_empty() || rules.iter().any(|rule| rule == issue.rule.raw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_filter_leaves_out_what_it_does_not_name() {
        let issue = |policy: &str, rule: &str, severity: &str| StoredIssue {
            policy: policy.into(),
            rule: rule.into(),
            severity: severity.into(),
            ..StoredIssue::default()
        };
        let all = [
            issue("image-tag", "latest-tag", "high"),
            issue("image-drift", "moved-tag", "high"),
            issue("image-tag", "floating-tag", "medium"),
            issue("image-tag", "latest-tag", "unheard of"),
        ];
        let admitted = |filter: &IssueFilter| all.clone().map(|issue| filter.admits(&issue));
        let filter = IssueFilter::default();
        assert_eq!(admitted(&filter), [true; 4]);
        assert_eq!(admitted(&IssueFilter { drift: true, ..filter.clone() }), [false, true, false, false]);
        let severities = vec![Severity::Critical, Severity::High];
        assert_eq!(admitted(&IssueFilter { severities, ..filter.clone() }), [true, true, false, false]);
        let rules = vec!["latest-tag".to_owned()];
        assert_eq!(admitted(&IssueFilter { rules, ..filter }), [true, false, false, true]);
    }
}
