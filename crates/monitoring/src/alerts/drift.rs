//! Alerts on what the cluster proves about its images.

use tagwatch_core::rules::ids;

use super::findings::violations;
use super::{Alert, Urgency, WORKLOAD, WORKLOAD_PAGE};

const GROUP: &str = "tagwatch-drift";

/// One alert for each workload, at whichever severities the rule reports its containers.
fn rule(rule: &str) -> String {
    format!("max without (severity, result) {} > 0", violations(&format!("rule=\"{rule}\"")))
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
        // Without nodes nothing is proven, and while one finding of the cluster is likely, this may be it.
        summary: "A tag that {{ $labels.namespace }}/{{ $labels.workload }} runs \
                  {{ if query (printf \"tagwatch_moved_tags{confidence='likely', cluster=%q} > 0\" $labels.cluster) }}\
                  has likely moved{{ else }}has moved{{ end }}",
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
