//! Remarks on inputs, beside the findings.

use crate::yaml::Position;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tagwatch_core::text::UntrustedText;

/// A remark on an input: something that was not read, or read with a doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// Path as reached from the command line; `<stdin>` for standard input.
    #[serde(serialize_with = "crate::serialize::text")]
    #[schemars(with = "String")]
    pub file: UntrustedText,
    /// Line of the place, from 1; 1 where the file as a whole is meant.
    pub line: u32,
    /// Column of the place, from 1, in Unicode characters.
    #[serde(skip)]
    pub column: u32,
    /// What kind of remark it is.
    #[schemars(with = "String", extend("enum" = NoteCode::ALL.map(NoteCode::as_str)))]
    pub code: NoteCode,
    /// What is the matter; safe for a terminal.
    pub message: String,
}

impl Note {
    /// On a file as a whole.
    pub(crate) fn new(file: &str, code: NoteCode, message: &str) -> Self {
        Self::at(file, Position::START, code, message)
    }

    /// On a place in a file.
    pub(crate) fn at(file: &str, at: Position, code: NoteCode, message: &str) -> Self {
        let message = UntrustedText::from(message).terminal();
        Self { file: UntrustedText::from(file), line: at.line, column: at.column, code, message }
    }
}

/// What a note is about; a stable name in `scan -o json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteCode {
    /// The input, or a part of a folder, cannot be read.
    UnreadableInput,
    /// The input is not UTF-8.
    InvalidEncoding,
    /// A document is no valid YAML or JSON.
    InvalidYaml,
    /// A mapping has a key twice.
    DuplicateKey,
    /// The input is larger than its budget, in bytes, documents, nodes or depth.
    OverBudget,
    /// A field that tagwatch reads has a type that the API server refuses.
    InvalidField,
    /// A pull policy is none that Kubernetes knows.
    InvalidPullPolicy,
    /// A raw Helm template.
    HelmTemplate,
    /// A kind that holds a pod template and is not read.
    KindNotCovered,
    /// A document that has no `apiVersion` and `kind`.
    NotKubernetesObject,
    /// A symbolic link in a folder.
    SymlinkNotFollowed,
    /// A file that says what to ignore holds a pattern that is not understood, and ignores nothing.
    InvalidIgnoreFile,
    /// A folder without manifests.
    NoManifests,
    /// A workload that the policy's scope leaves out.
    OutOfScope,
    /// A scope that depends on labels of a namespace which is not among the inputs.
    UndecidedScope,
    /// An exemption whose last day is over.
    ExpiredExemption,
    /// An exemption that exempts nothing.
    UnusedExemption,
    /// An annotation that exempts nothing, since it lacks something or the policy forbids it.
    ExemptionNotHonoured,
    /// An annotation that counts, though whether the policy allows it depends on labels of a namespace which is not
    /// among the inputs.
    UndecidedExemption,
    /// An annotation that looks like one of ours by its key, and is none.
    UnknownAnnotation,
    /// Workloads without a namespace, where the policy has parts that are for namespaces.
    NamespaceUnknown,
    /// The policy that was found, where none was named.
    PolicyFound,
}

impl NoteCode {
    /// Every kind of note, errors first.
    pub const ALL: [Self; 22] = [
        Self::UnreadableInput,
        Self::InvalidEncoding,
        Self::InvalidYaml,
        Self::DuplicateKey,
        Self::OverBudget,
        Self::InvalidField,
        Self::InvalidPullPolicy,
        Self::HelmTemplate,
        Self::KindNotCovered,
        Self::NotKubernetesObject,
        Self::SymlinkNotFollowed,
        Self::InvalidIgnoreFile,
        Self::NoManifests,
        Self::OutOfScope,
        Self::UndecidedScope,
        Self::ExpiredExemption,
        Self::UnusedExemption,
        Self::ExemptionNotHonoured,
        Self::UndecidedExemption,
        Self::UnknownAnnotation,
        Self::NamespaceUnknown,
        Self::PolicyFound,
    ];

    /// The name in `scan -o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableInput => "unreadable-input",
            Self::InvalidEncoding => "invalid-encoding",
            Self::InvalidYaml => "invalid-yaml",
            Self::DuplicateKey => "duplicate-key",
            Self::OverBudget => "over-budget",
            Self::InvalidField => "invalid-field",
            Self::InvalidPullPolicy => "invalid-pull-policy",
            Self::HelmTemplate => "helm-template",
            Self::KindNotCovered => "kind-not-covered",
            Self::NotKubernetesObject => "not-kubernetes-object",
            Self::SymlinkNotFollowed => "symlink-not-followed",
            Self::InvalidIgnoreFile => "invalid-ignore-file",
            Self::NoManifests => "no-manifests",
            Self::OutOfScope => "out-of-scope",
            Self::UndecidedScope => "undecided-scope",
            Self::ExpiredExemption => "expired-exemption",
            Self::UnusedExemption => "unused-exemption",
            Self::ExemptionNotHonoured => "exemption-not-honoured",
            Self::UndecidedExemption => "undecided-exemption",
            Self::UnknownAnnotation => "unknown-annotation",
            Self::NamespaceUnknown => "namespace-unknown",
            Self::PolicyFound => "policy-found",
        }
    }

    /// Whether the input is broken, so that the scan is incomplete: exit status 3.
    pub fn is_error(self) -> bool {
        match self {
            Self::UnreadableInput
            | Self::InvalidEncoding
            | Self::InvalidYaml
            | Self::DuplicateKey
            | Self::OverBudget
            | Self::InvalidField => true,
            Self::InvalidPullPolicy
            | Self::HelmTemplate
            | Self::KindNotCovered
            | Self::NotKubernetesObject
            | Self::SymlinkNotFollowed
            | Self::InvalidIgnoreFile
            | Self::NoManifests
            | Self::OutOfScope
            | Self::UndecidedScope
            | Self::ExpiredExemption
            | Self::UnusedExemption
            | Self::ExemptionNotHonoured
            | Self::UndecidedExemption
            | Self::UnknownAnnotation
            | Self::NamespaceUnknown
            | Self::PolicyFound => false,
        }
    }
}

impl Serialize for NoteCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
