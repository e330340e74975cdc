//! Findings by container, and their words for people.

use std::collections::BTreeMap;

use tagwatch_core::rules;
use tagwatch_core::text::UntrustedText;

use crate::report::{FindingEntry, ImageEntry, ScanReport, SourceLocation};

/// Longest name, in characters.
const MAX_NAME: usize = 253;

/// The findings of one container, by place.
pub(super) struct Block<'r> {
    /// The judged image.
    pub(super) image: &'r ImageEntry,
    pub(super) findings: Vec<&'r FindingEntry>,
}

impl<'r> Block<'r> {
    /// The containers that have findings, each where its first one is.
    pub(super) fn all(report: &'r ScanReport) -> Vec<Self> {
        let images: BTreeMap<u64, &ImageEntry> =
            report.images.iter().map(|image| (image.place.subject, image)).collect();
        let mut places = BTreeMap::new();
        let mut blocks: Vec<Self> = Vec::new();
        for finding in &report.findings {
            let subject = finding.place.subject;
            let Some(&image) = images.get(&subject) else { continue };
            let at = *places.entry(subject).or_insert_with(|| {
                blocks.push(Self { image, findings: Vec::new() });
                blocks.len() - 1
            });
            blocks[at].findings.push(finding);
        }
        blocks
    }

    /// How to fix them, each way once: a way that is the beginning of another one is part of that.
    pub(super) fn fixes(&self) -> Vec<&'r str> {
        let open = self.findings.iter().filter(|finding| finding.result.is_open());
        let ways: Vec<&str> = open.map(|finding| finding.resolution.as_str()).collect();
        let mut fixes = Vec::new();
        for &way in ways.iter().filter(|way| !way.is_empty()) {
            let is_part = ways.iter().any(|other| other.len() > way.len() && other.starts_with(way));
            if !is_part && !fixes.contains(&way) {
                fixes.push(way);
            }
        }
        fixes
    }
}

/// `deployment.yaml:11:18`, or `shop/Deployment/web` in a cluster; safe for a terminal. It is never cut: people copy it.
pub(super) fn place(place: &SourceLocation) -> String {
    if !place.is_in_file {
        return place.file.terminal();
    }
    format!("{}:{}:{}", place.file.terminal(), place.line, place.column)
}

/// The path of a file from the root of the repository, as GitHub and GitLab compare it: without a leading `./`. Safe for
/// a terminal.
pub(super) fn relative(file: &UntrustedText) -> String {
    let file = file.terminal();
    file.strip_prefix("./").map_or(file.clone(), str::to_owned)
}

/// `Deployment shop/web`, safe for a terminal.
pub(super) fn object(place: &SourceLocation) -> String {
    match &place.namespace {
        Some(namespace) => format!("{} {}/{}", name(&place.kind), name(namespace), name(&place.name)),
        None => format!("{} {}", name(&place.kind), name(&place.name)),
    }
}

/// A name, cut to the length that Kubernetes permits: a manifest can hold longer ones.
pub(super) fn name(text: &UntrustedText) -> String {
    let text = text.terminal();
    match text.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The message without the container and the image.
pub(super) fn reason(finding: &FindingEntry) -> &str {
    let FindingEntry { message, place, image, .. } = finding;
    rules::reason(message, place.container_type, &place.container, image)
}

/// Why a finding does not fail the scan, if an exemption or the baseline says so.
pub(super) fn excuse(finding: &FindingEntry) -> Option<String> {
    if let Some(exemption) = &finding.exemption {
        return Some(match &exemption.expires {
            Some(last) => format!("exempt until {last}: {}", exemption.reason),
            None => format!("exempt: {}", exemption.reason),
        });
    }
    (finding.known == Some(true)).then(|| "known to the baseline".to_owned())
}
