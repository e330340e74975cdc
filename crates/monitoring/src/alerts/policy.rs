//! Alerts on the policy.

use super::{Alert, CONTROLLER, Urgency};

const GROUP: &str = "tagwatch-policy";

pub(super) fn alerts() -> Vec<Alert> {
    vec![invalid(), expiring()]
}

fn invalid() -> Alert {
    Alert {
        name: "TagwatchPolicyInvalid",
        group: GROUP,
        expression: "min by (cluster) (tagwatch_policy_valid) == 0".to_owned(),
        hold: "5m",
        urgency: Urgency::Warning,
        summary: "tagwatch's policy is invalid",
        description: "A TagPolicy is not valid, so tagwatch goes on by the last valid one, or by the recommended \
                      profile. The object's condition Ready says what is wrong.",
        dashboard: CONTROLLER,
        console: Some("/rules"),
    }
}

fn expiring() -> Alert {
    let left =
        "min by (cluster, source, index, namespace) (tagwatch_exemption_expiry_timestamp_seconds) - time()";
    Alert {
        name: "TagwatchExemptionExpiring",
        group: GROUP,
        expression: format!("{left} < 604800 and {left} > 0"),
        hold: "15m",
        urgency: Urgency::Info,
        summary: "{{ if eq $labels.source \"policy\" }}Exemption {{ $labels.index }} of the policy{{ else }}An exemption \
                  by annotation in namespace {{ $labels.namespace }}{{ end }} ends in {{ $value | humanizeDuration }}",
        description: "It ends within a week. What it exempts will \
                      be found again from then on.",
        dashboard: CONTROLLER,
        console: Some(
            "/issues?exempt=yes{{ if eq $labels.source \"annotation\" }}&namespace={{ $labels.namespace | urlquery }}\
             {{ end }}",
        ),
    }
}
