//! What the cluster showed of an image, as YAML: the evidence of a drift finding.

use jiff::Timestamp;

use super::{Lines, MAX_SHOWN, pods_differ, value};
use crate::drift::{DriftEvidence, PodSighting, PullFailure, RegistryAnswer, Resolution, Resolutions};
use crate::workload::Container;

/// Everything that the cluster showed of a container's image, in at most [`MAX_BYTES`](super::MAX_BYTES).
pub fn drift_snippet(container: &Container, drift: &DriftEvidence) -> String {
    let mut out = Lines::default();
    out.line(0, &format!("container: {}", value(&container.name, MAX_SHOWN)));
    if let Some(mixed) = &drift.mixed {
        resolutions(&mut out, "podsRun", &mixed.resolutions);
    }
    let shown = drift.mixed.as_ref().map(|mixed| &mixed.resolutions.reference);
    if let Some(moved) = drift.moved.as_ref().filter(|moved| shown != Some(&moved.reference)) {
        resolutions(&mut out, "ranAs", moved);
    }
    if let Some(RegistryAnswer::Differs { digest, some_run_it: _, runs }) = &drift.registry {
        out.line(0, &format!("registryHas: {digest}"));
        // `mixed` lists them already, with pods and nodes.
        if drift.mixed.is_none() {
            out.line(0, "podsRun:");
            for digest in runs {
                out.line(0, &format!("- digest: {digest}"));
            }
        }
    }
    if let Some(failure) = &drift.pull_failure {
        pull_failure(&mut out, failure);
    }
    pods_differ(&mut out, container, Some(drift));
    out.finish()
}

fn resolutions(out: &mut Lines, key: &str, resolutions: &Resolutions) {
    if let Some(reference) = &resolutions.reference {
        out.line(0, &format!("{key}Image: {}", value(reference, MAX_SHOWN)));
    }
    out.line(0, &format!("{key}:"));
    for resolution in &resolutions.digests {
        let Resolution { digest, same, pods, since, until, here, elsewhere } = resolution;
        out.line(0, &format!("- digest: {digest}"));
        if !same.is_empty() {
            out.line(1, &format!("sameImage: [{}]", same.join(", ")));
        }
        out.line(1, &format!("since: {}", time(*since)));
        if let Some(until) = until {
            out.line(1, &format!("until: {}", time(*until)));
        }
        out.line(1, &format!("pods: {pods}"));
        sightings(out, here);
        if *elsewhere > 0 {
            out.line(1, &format!("otherPods: {elsewhere}"));
        }
    }
}

fn sightings(out: &mut Lines, here: &[PodSighting]) {
    if !here.is_empty() {
        out.line(1, "seenOn:");
    }
    for PodSighting { pod, node } in here {
        out.line(1, &format!("- pod: {}", value(pod, MAX_SHOWN)));
        out.line(2, &format!("node: {}", value(node, MAX_SHOWN)));
    }
}

fn pull_failure(out: &mut Lines, failure: &PullFailure) {
    let PullFailure { reason, image, since, lasted: _, here } = failure;
    out.line(0, "podsWait:");
    out.line(0, &format!("- reason: {}", reason.as_str()));
    if let Some(image) = image {
        out.line(1, &format!("image: {}", value(image, MAX_SHOWN)));
    }
    out.line(1, &format!("since: {}", time(*since)));
    sightings(out, here);
}

/// To the second: times of pods are no finer.
fn time(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
