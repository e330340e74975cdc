//! Alerts on the policy.

use super::{Alert, CONTROLLER, Urgency};
use crate::promql::{bridged, bridged_by};

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

fn expiring() -> Alert {
    let expiry = |by: &str, source: &str| {
        let series = format!("tagwatch_exemption_expiry_timestamp_seconds{{source=\"{source}\"}}");
        format!("min by (cluster, source, {by}) ({})", bridged(&series, ""))
    };
    // An exemption of the policy belongs to no namespace, but the label of the target may say one.
    let of_policy =
        format!("label_replace({}, \"namespace\", \"<<namespace>>\", \"\", \"\")", expiry("index", "policy"));
    let left = format!("({of_policy} or {}) - time()", expiry("namespace", "annotation"));
    Alert {
        name: "TagwatchExemptionExpiring",
        group: GROUP,
        expression: format!("{left} < <<exemptionSeconds>> and {left} > 0"),
        hold: "15m",
        urgency: Urgency::Warning,
        about_tagwatch: false,
        summary: "{{ if eq $labels.source \"policy\" }}Exemption {{ $labels.index }} of the policy{{ else }}An exemption \
                  by annotation in namespace {{ $labels.namespace }}{{ end }} ends in {{ $value | humanizeDuration }}",
        description: "It ends within <<exemptionDays>> days. Then what it exempts is reported again.",
        dashboard: CONTROLLER,
        console: Some(
            "/issues?exempt=yes{{ if eq $labels.source \"annotation\" }}&namespace={{ $labels.namespace | urlquery }}\
             {{ end }}",
        ),
    }
}
