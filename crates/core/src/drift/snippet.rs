//! What was seen, as YAML: the evidence of a drift finding in a report.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{DriftEvidence, PodSighting, PullFailure, RegistryAnswer, Resolution, Resolutions};
use crate::evidence::{MAX_BYTES, value};
use crate::workload::Container;

/// Longest name of a pod or node that is shown; Kubernetes allows 253 characters.
const MAX_NAME: usize = 260;
/// Says that the rest found no room.
const CUT: &str = "# cut: there is more\n";

/// Everything that the cluster showed of a container's image, in at most [`MAX_BYTES`].
pub fn snippet(container: &Container, drift: &DriftEvidence) -> String {
    let mut out = Lines::default();
    out.line(0, &format!("container: {}", value(&container.name, MAX_NAME)));
    if let Some(mixed) = &drift.mixed {
        out.line(0, "podsRun:");
        resolutions(&mut out, &mixed.resolutions);
    } else if let Some(moved) = &drift.moved {
        out.line(0, "ranAs:");
        resolutions(&mut out, moved);
    }
    if let Some(RegistryAnswer::Differs { digest, some_run_it: _, runs }) = &drift.registry {
        out.line(0, &format!("registryHas: {digest}"));
        // With pods and nodes it stands there already.
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
    if !drift.former_images.is_empty() {
        out.line(0, "formerImages:");
        for image in &drift.former_images {
            out.line(0, &format!("- {}", value(image, MAX_NAME)));
        }
    }
    out.finish()
}

fn resolutions(out: &mut Lines, resolutions: &Resolutions) {
    for resolution in &resolutions.digests {
        let Resolution { digest, pods, since, until, here, elsewhere } = resolution;
        out.line(0, &format!("- digest: {digest}"));
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
        out.line(1, &format!("- pod: {}", value(pod, MAX_NAME)));
        out.line(2, &format!("node: {}", value(node, MAX_NAME)));
    }
}

fn pull_failure(out: &mut Lines, failure: &PullFailure) {
    let PullFailure { reason, since, lasted: _, here } = failure;
    out.line(0, "podsWait:");
    out.line(0, &format!("- reason: {}", reason.as_str()));
    out.line(1, &format!("since: {}", time(*since)));
    sightings(out, here);
}

/// To the second: times of pods are no finer.
fn time(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Lines, as many as there is room for.
#[derive(Default)]
struct Lines {
    text: String,
    is_cut: bool,
}

impl Lines {
    fn line(&mut self, indent: usize, line: &str) {
        let length = 2 * indent + line.len() + 1;
        self.is_cut = self.is_cut || self.text.len() + length + CUT.len() > MAX_BYTES;
        if !self.is_cut {
            // Writing to a string cannot fail.
            let _ = writeln!(self.text, "{:1$}{line}", "", 2 * indent);
        }
    }

    fn finish(self) -> String {
        let mark = if self.is_cut { CUT } else { "" };
        self.text + mark
    }
}
