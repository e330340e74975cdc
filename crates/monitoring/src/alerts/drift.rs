//! Alerts on what the cluster proves about its images.

use tagwatch_core::rules::ids;

use super::findings::new_violations;
use super::{Alert, Urgency, WORKLOAD, WORKLOAD_PAGE};
use crate::promql::METRIC_LABELS;

const GROUP: &str = "tagwatch-drift";

/// One alert for each workload, at whichever severities the rule reports its containers.
fn rule(rule: &str) -> String {
    format!(
        "max by (cluster, namespace, kind, workload, rule{METRIC_LABELS}) ({}) > 0",
        new_violations(&format!("rule=\"{rule}\""))
    )
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
        about_tagwatch: false,
        // What was seen, and no more: no series says of one workload whether the move is proven or likely.
        summary: "{{ $labels.namespace }}/{{ $labels.workload }} ran several digests of one image reference",
        description: "Pods with one image reference of {{ $labels.kind }} {{ $labels.workload }} in namespace \
                      {{ $labels.namespace }} ran several digests: what runs depends on when a node pulled. The \
                      finding says whether this is proven, or likely because not all nodes are known.",
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
        about_tagwatch: false,
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
        about_tagwatch: false,
        summary: "{{ $labels.namespace }}/{{ $labels.workload }} cannot pull an image",
        description: "Nodes cannot pull an image of {{ $labels.kind }} {{ $labels.workload }} in namespace \
                      {{ $labels.namespace }}: its pods do not start.",
        dashboard: WORKLOAD,
        console: WORKLOAD_PAGE,
    }
}
