//! Alerts on the policy.

use super::{Alert, CONTROLLER, Urgency};
use crate::promql::{METRIC_LABELS, bridged, bridged_by};

const GROUP: &str = "tagwatch-policy";

pub(super) fn alerts() -> Vec<Alert> {
    vec![invalid(), expiring()]
}

fn invalid() -> Alert {
    Alert {
        name: "TagwatchPolicyInvalid",
        group: GROUP,
        expression: format!("{} == 0", bridged_by("min", "cluster", "tagwatch_policy_valid")),
        hold: "5m",
        urgency: Urgency::Warning,
        about_tagwatch: true,
        summary: "The policy of tagwatch is invalid",
        description: "A TagPolicy is not valid, so tagwatch uses the last valid one, or the recommended profile. The \
                      object's condition Ready says what is wrong.",
        dashboard: CONTROLLER,
        console: Some("/rules"),
    }
}

/// One alert for all exemptions of the policy: a baseline has one for each kind of finding, with one last day. And one for
/// the annotations of a namespace.
fn expiring() -> Alert {
    let left = |by: &str, source: &str| {
        let series = format!("tagwatch_exemption_expiry_timestamp_seconds{{source=\"{source}\"}}");
        format!("min by (cluster, source{by}) (({}) - time() > 0)", bridged(&series))
    };
    // An exemption of the policy belongs to no namespace, but the label of the target may say one.
    let of_policy =
        format!("label_replace({}, \"namespace\", \"<<namespace>>\", \"\", \"\")", left("", "policy"));
    let of_annotations = left(&format!(", namespace{METRIC_LABELS}"), "annotation");
    Alert {
        name: "TagwatchExemptionExpiring",
        group: GROUP,
        expression: format!("({of_policy} or {of_annotations}) < <<exemptionSeconds>>"),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ if eq $labels.source \"policy\" }}An exemption of the policy{{ else }}An exemption by annotation in \
                  namespace {{ $labels.namespace }}{{ end }} ends in {{ $value | humanizeDuration }}",
        description: "It is the first to end of those that end within <<exemptionDays>> days. Then what it exempts is reported \
                      again.",
        dashboard: CONTROLLER,
        console: Some("/exemptions"),
    }
}
