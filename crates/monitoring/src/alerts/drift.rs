//! Alerts on what the cluster proves about its images.

use tagwatch_core::rules::ids;

use super::{Alert, Urgency, WORKLOAD, WORKLOAD_PAGE};
use crate::promql::for_alert;

const GROUP: &str = "tagwatch-drift";

fn rule(rule: &str) -> String {
    let violations = format!("tagwatch_workload_violations{{rule=\"{rule}\", result=\"fail\"}}");
    format!("{} > 0", for_alert("max", &violations))
}

pub(super) fn alerts() -> Vec<Alert> {
    vec![moved(), mixed(), pull_failing()]
}

fn moved() -> Alert {
    Alert {
        name: "TagwatchTagMoved",
        group: GROUP,
        expression: rule(ids::MOVED_TAG),
        hold: "5m",
        urgency: Urgency::Warning,
        summary: "A tag that {{ $labels.namespace }}/{{ $labels.workload }} runs has moved",
        description: "The cluster saw one reference of {{ $labels.kind }} {{ $labels.workload }} in namespace \
                      {{ $labels.namespace }} resolve to several digests: what runs depends on when a node pulled.",
        dashboard: WORKLOAD,
        console: WORKLOAD_PAGE,
    }
}

fn mixed() -> Alert {
    Alert {
        name: "TagwatchMixedDigests",
        group: GROUP,
        expression: rule(ids::MIXED_DIGESTS),
        hold: "5m",
        urgency: Urgency::Critical,
        summary: "Replicas of {{ $labels.namespace }}/{{ $labels.workload }} run different images",
        description: "Pods of {{ $labels.kind }} {{ $labels.workload }} in namespace {{ $labels.namespace }} run \
                      different digests of one reference, and no rollout is in progress.",
        dashboard: WORKLOAD,
        console: WORKLOAD_PAGE,
    }
}

fn pull_failing() -> Alert {
    Alert {
        name: "TagwatchImagePullFailing",
        group: GROUP,
        expression: rule(ids::IMAGE_PULL_FAILING),
        hold: "5m",
        urgency: Urgency::Warning,
        summary: "{{ $labels.namespace }}/{{ $labels.workload }} cannot pull an image",
        description: "Nodes cannot pull an image of {{ $labels.kind }} {{ $labels.workload }} in namespace \
                      {{ $labels.namespace }}: its pods do not start.",
        dashboard: WORKLOAD,
        console: WORKLOAD_PAGE,
    }
}
