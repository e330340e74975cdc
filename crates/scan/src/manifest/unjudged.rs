//! Images that are not judged, and why.

use tagwatch_core::text::UntrustedText;

use super::MAX_PATHS;
use crate::note::NoteCode;
use crate::yaml::Position;

/// Images of one object, or of several of one kind, that are not judged for one reason.
#[derive(Debug, Clone)]
pub(crate) struct Unjudged {
    /// `apiVersion` and `kind` of the objects; empty for patches, which have none.
    pub(crate) api_version: UntrustedText,
    pub(crate) kind: UntrustedText,
    pub(crate) reason: Reason,
    pub(crate) count: u64,
    /// The first paths, [`MAX_PATHS`] at most; safe for a terminal.
    pub(crate) paths: Vec<String>,
    pub(crate) has_more: bool,
    /// Position of the first one.
    pub(crate) at: Position,
}

#[derive(Debug, Clone)]
pub(crate) enum Reason {
    /// The kind is not read, or not at this place.
    NotCovered {
        /// How a note goes on after the paths; safe for a terminal.
        hint: Option<String>,
    },
    /// A parameter decides what runs.
    Parameter,
    /// Values of a Helm chart leave the tag to the chart.
    LeftToChart,
    /// They are in texts of a `ConfigMap` or a Secret.
    Embedded,
    /// They are in values or parameters of an Argo CD application.
    ApplicationValues,
    /// A variable that is not set decides what runs.
    Variable,
    /// A patch sets it: an operation of a JSON patch, a text inside a kustomization, or a document without a kind.
    Patch,
    /// A replacement of a kustomization sets it.
    Replacement,
    /// The document is no Kubernetes object.
    NoObject {
        /// What it is instead; untrusted.
        what: String,
    },
}

impl Reason {
    pub(crate) fn code(&self) -> NoteCode {
        match self {
            Self::NotCovered { .. } => NoteCode::KindNotCovered,
            Self::Parameter => NoteCode::ImageParameter,
            Self::LeftToChart => NoteCode::TagLeftToChart,
            Self::Embedded => NoteCode::EmbeddedManifest,
            Self::ApplicationValues => NoteCode::ApplicationValues,
            Self::Variable => NoteCode::UnsetVariable,
            Self::Patch | Self::Replacement => NoteCode::PatchNotJudged,
            Self::NoObject { .. } => NoteCode::NotKubernetesObject,
        }
    }
}

impl Unjudged {
    /// What one note is for.
    pub(crate) fn key(&self) -> (NoteCode, bool, UntrustedText, UntrustedText) {
        let is_replacement = matches!(self.reason, Reason::Replacement);
        (self.reason.code(), is_replacement, self.api_version.clone(), self.kind.clone())
    }

    /// Adds images that are alike. The first ones decide on position and hint.
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.has_more |= other.has_more;
        for path in other.paths {
            if !self.paths.contains(&path) {
                if self.paths.len() < MAX_PATHS {
                    self.paths.push(path);
                } else {
                    self.has_more = true;
                }
            }
        }
    }

    /// What a note says. Untrusted: it holds the kind as written.
    pub(crate) fn message(&self) -> String {
        let Self { api_version, kind, reason, count, paths, has_more, at: _ } = self;
        let (images, are) = if *count == 1 { ("image", "is") } else { ("images", "are") };
        let more = if *has_more { ", …" } else { "" };
        let paths = paths.join(", ");
        let (kind, api_version) = (kind.raw(), api_version.raw());
        // Files with values have no version.
        let version = if api_version.is_empty() { String::new() } else { format!(" ({api_version})") };
        match reason {
            Reason::NotCovered { hint } => {
                let hint = hint.as_deref().unwrap_or_default();
                format!("{count} {images} of kind {kind}{version} {are} not judged: {paths}{more}{hint}")
            }
            Reason::Parameter => {
                format!(
                    "{count} {images} of kind {kind}{version} {are} not judged, since parameters decide what runs: \
                     {paths}{more}"
                )
            }
            Reason::LeftToChart => format!(
                "{count} {images} in values of Helm charts {are} not judged, since the chart decides on the tag: \
                 {paths}{more}"
            ),
            Reason::Embedded => {
                format!("{count} {images} in texts of ConfigMaps and Secrets {are} not judged: {paths}{more}")
            }
            Reason::ApplicationValues => format!(
                "{count} {images} in Helm values and parameters of kind {kind} ({api_version}) {are} not judged: \
                 {paths}{more}"
            ),
            Reason::Variable => format!(
                "{count} {images} of services {are} not judged, since variables that decide on them are not set: \
                 {paths}{more}"
            ),
            Reason::Patch => format!("{count} {images} in patches {are} not judged: {paths}{more}"),
            Reason::Replacement => {
                format!("{count} {images} that replacements set {are} not judged: {paths}{more}")
            }
            Reason::NoObject { what } => format!("{what}; {count} {images} {are} not judged: {paths}{more}"),
        }
    }
}
