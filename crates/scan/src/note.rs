//! Remarks on inputs, beside the findings.

use schemars::JsonSchema;
use serde::Serialize;
use tagwatch_core::named;
use tagwatch_core::text::UntrustedText;

use crate::yaml::{Located, Position, YamlError};

/// A remark on an input: something that was not read, or read with a doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// Path as reached from the command line; `<stdin>` for standard input, `NAMESPACE/KIND/NAME` for an object of a cluster,
    /// and `<cluster>` for the cluster as a whole.
    #[serde(serialize_with = "crate::serialize::text")]
    #[schemars(with = "String")]
    pub file: UntrustedText,
    /// Line of the place, from 1; 1 where the file as a whole is meant.
    pub line: u32,
    /// Column of the place, from 1, in Unicode characters.
    #[serde(skip)]
    pub column: u32,
    /// What kind of remark it is.
    #[schemars(with = "String", extend("enum" = NoteCode::ALL.map(NoteCode::as_str).to_vec()))]
    pub code: NoteCode,
    /// What is the matter; safe for a terminal.
    pub message: String,
}

impl Note {
    /// On a file as a whole.
    pub(crate) fn new(file: &str, code: NoteCode, message: &str) -> Self {
        Self::at(file, Position::START, code, message)
    }

    /// On a document that was not read.
    pub(crate) fn of_document(file: &str, located: &Located<YamlError>) -> Self {
        let code = match located.error {
            YamlError::TemplateAction => {
                let message = "a template that is no YAML before it is rendered: this document is skipped; render it \
                               first, for Helm by `helm template`";
                return Self::at(file, located.at, NoteCode::HelmTemplate, message);
            }
            YamlError::TextIgnored => NoteCode::TextIgnored,
            YamlError::OverBudget { .. } | YamlError::TooDeep(_) => NoteCode::OverBudget,
            _ => NoteCode::InvalidYaml,
        };
        Self::at(file, located.at, code, &located.error.to_string())
    }

    /// On a place in a file.
    pub(crate) fn at(file: &str, at: Position, code: NoteCode, message: &str) -> Self {
        let message = UntrustedText::from(message).terminal();
        // Objects of a cluster have no lines.
        let (line, column) = (at.line.max(1), at.column.max(1));
        Self { file: UntrustedText::from(file), line, column, code, message }
    }
}

/// What a note is about; a stable name in `scan -o json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteCode {
    /// The input, or a part of a folder, cannot be read.
    UnreadableInput,
    /// The input is neither UTF-8 nor UTF-16 with a byte order mark.
    InvalidEncoding,
    /// Bytes that are not UTF-8 are read as U+FFFD.
    ReplacedByte,
    /// A document is no valid YAML or JSON.
    InvalidYaml,
    /// A value that does not apply, since the same key follows in its mapping.
    DuplicateKey,
    /// Text after the end of a document that kubectl does not read.
    TextIgnored,
    /// The input is larger than its budget, in bytes, documents, nodes or depth.
    OverBudget,
    /// A field that tagwatch reads has a type that the API server refuses.
    InvalidField,
    /// A pull policy is none that Kubernetes knows.
    InvalidPullPolicy,
    /// A raw Helm template.
    HelmTemplate,
    /// Images of a kind, or at a place of a kind, that is not read.
    KindNotCovered,
    /// Images that are not judged, since parameters of the object decide what runs.
    ImageParameter,
    /// A chart or a kustomization that is not rendered, since a part of it is not on this machine.
    NotRendered,
    /// A chart or a kustomization that could not be rendered.
    RenderFailed,
    /// Images in values of a Helm chart whose tag the chart decides on.
    TagLeftToChart,
    /// Images of manifests that are texts of a `ConfigMap`; not judged.
    EmbeddedManifest,
    /// Images in Helm values and parameters of an Argo CD application; not judged.
    ApplicationValues,
    /// Images of Compose services that are not judged, since a variable is not set.
    UnsetVariable,
    /// A file that a Compose file refers to, and that is not read.
    ComposeReference,
    /// Images in patches that are not judged.
    PatchNotJudged,
    /// Kustomizations that change what will run.
    Kustomize,
    /// Images that are judged as a kustomization replaces them.
    KustomizeImage,
    /// A document that has no `apiVersion` and `kind`.
    NotKubernetesObject,
    /// A file of a folder that cannot be read, and that nobody would give to kubectl.
    NotManifest,
    /// Hidden files and folders, which are not read.
    HiddenNotRead,
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
    /// Objects of a cluster that could not be listed, since the right is missing.
    NotPermitted,
    /// Nodes that could not be listed: that a tag moved is likely at most.
    NodesNotRead,
    /// A workload of a cluster that exceeds a limit: what is beyond it is not checked.
    WorkloadTooLarge,
    /// A workload of a cluster that is reported on its own, though it names a controller.
    UnfollowedController,
    /// Nothing was judged, though the command line requires workloads.
    NothingJudged,
}

named!(NoteCode {
    UnreadableInput => "unreadable-input",
    InvalidEncoding => "invalid-encoding",
    ReplacedByte => "replaced-byte",
    InvalidYaml => "invalid-yaml",
    DuplicateKey => "duplicate-key",
    TextIgnored => "text-ignored",
    OverBudget => "over-budget",
    InvalidField => "invalid-field",
    InvalidPullPolicy => "invalid-pull-policy",
    HelmTemplate => "helm-template",
    KindNotCovered => "kind-not-covered",
    ImageParameter => "image-parameter",
    NotRendered => "not-rendered",
    RenderFailed => "render-failed",
    TagLeftToChart => "tag-left-to-chart",
    EmbeddedManifest => "embedded-manifest",
    ApplicationValues => "application-values",
    UnsetVariable => "unset-variable",
    ComposeReference => "compose-reference",
    PatchNotJudged => "patch-not-judged",
    Kustomize => "kustomize",
    KustomizeImage => "kustomize-image",
    NotKubernetesObject => "not-kubernetes-object",
    NotManifest => "not-a-manifest",
    HiddenNotRead => "hidden-not-read",
    SymlinkNotFollowed => "symlink-not-followed",
    InvalidIgnoreFile => "invalid-ignore-file",
    NoManifests => "no-manifests",
    OutOfScope => "out-of-scope",
    UndecidedScope => "undecided-scope",
    ExpiredExemption => "expired-exemption",
    UnusedExemption => "unused-exemption",
    ExemptionNotHonoured => "exemption-not-honoured",
    UndecidedExemption => "undecided-exemption",
    UnknownAnnotation => "unknown-annotation",
    NamespaceUnknown => "namespace-unknown",
    PolicyFound => "policy-found",
    NotPermitted => "not-permitted",
    NodesNotRead => "nodes-not-read",
    WorkloadTooLarge => "workload-too-large",
    UnfollowedController => "unfollowed-controller",
    NothingJudged => "nothing-judged",
});

impl NoteCode {
    /// Whether the input is broken, so that the scan is incomplete: exit status 3.
    pub fn is_error(self) -> bool {
        matches!(
            self,
            Self::UnreadableInput
                | Self::InvalidEncoding
                | Self::InvalidYaml
                | Self::TextIgnored
                | Self::OverBudget
                | Self::InvalidField
                | Self::RenderFailed
                | Self::NotPermitted
                | Self::WorkloadTooLarge
                | Self::NothingJudged
        )
    }
}
