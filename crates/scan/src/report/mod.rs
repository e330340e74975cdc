//! The result of a scan: the stable contract behind `scan -o json`, from which every other format is made.

mod builder;
mod coverage;
mod exempting;
mod fingerprint;
mod judge;
mod unchecked;

pub use crate::note::{Note, NoteCode};
pub(crate) use builder::{ReadFile, ReportBuilder};
pub(crate) use judge::{Judge, KnownImages};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use tagwatch_core::outcome::{Outcome, Severity};
use tagwatch_core::rules::RuleGroup;
use tagwatch_core::tag::{Confidence, TagClass};
use tagwatch_core::text::UntrustedText;
use tagwatch_core::workload::ContainerType;

use crate::serialize;

/// Everything that a scan says. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ScanReport {
    /// Name and version of this contract.
    #[schemars(extend("const" = ScanReport::SCHEMA))]
    pub schema: &'static str,
    /// Counts over the whole scan.
    pub summary: Summary,
    /// Every judged image, clean ones too: files in the order of the command line, then by place.
    pub images: Vec<ImageEntry>,
    /// What the rules found, in the same order; passes only where they were asked for.
    pub findings: Vec<FindingEntry>,
    /// What was not read, or read with a doubt.
    pub notes: Vec<Note>,
    /// Whether it is on objects of a cluster, which have no lines.
    #[serde(skip)]
    pub is_of_cluster: bool,
}

impl ScanReport {
    /// The value that [`Self::schema`] has in this version of the format.
    pub const SCHEMA: &'static str = "tagwatch.dev/scan/v1";

    /// Leaves out the findings below a severity. A pass is no finding.
    pub fn leave_out_below(&mut self, least: Severity) {
        let Self { summary, findings, .. } = self;
        findings.retain(|finding| {
            // The most severe comes first.
            let stays = finding.severity <= least || finding.result == Outcome::Pass;
            if !stays {
                summary.results.discount(finding.result);
                summary.left_out += 1;
            }
            stays
        });
    }

    /// Why nothing was judged, if nothing was. Safe for a terminal.
    pub fn nothing_judged(&self) -> Option<String> {
        let Summary { files, documents, workloads, images, templates, uncovered_images, .. } = &self.summary;
        if *images > 0 {
            return None;
        }
        let reason = if self.is_of_cluster && *workloads == 0 {
            "no workload was found in the cluster, or in its namespace"
        } else if *workloads > 0 {
            "no workload that was read names an image in the policy's scope"
        } else if *templates > 0 {
            "raw templates are skipped; pipe what `helm template` prints into `tagwatch scan - --require-workloads`, or use --render"
        } else if *uncovered_images > 0 {
            "the notes say which images are not covered"
        } else if *files > 0 && *documents == 0 {
            "the input is empty; did the command that writes it fail?"
        } else if *documents > 0 {
            "no workload is among the documents"
        } else {
            "no manifest was read"
        };
        Some(format!("nothing was judged: {reason}"))
    }
}

/// JSON Schema (draft 2020-12) of `scan -o json`. It allows fields that it does not know, since later versions
/// may add some.
pub fn json_schema() -> schemars::Schema {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<ScanReport>();
    schema.insert(
        "title".to_owned(),
        format!("Output of `tagwatch scan -o json` ({})", ScanReport::SCHEMA).into(),
    );
    schema
}

/// Counts over the whole scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Inputs that were read completely as manifests, standard input being one; raw Helm templates are none.
    pub files: u64,
    /// YAML or JSON documents that were read whole and hold more than null; objects that were read of a cluster.
    pub documents: u64,
    /// Objects of a covered kind that have a pod spec.
    pub workloads: u64,
    /// Judged images: containers and image volumes.
    pub images: u64,
    /// Documents, and files of charts, that were skipped as raw templates.
    pub templates: u64,
    /// Kinds that name images at places which are not read.
    pub uncovered_kinds: u64,
    /// Images that are not judged, such as those of these kinds and of patches: the notes say which and why.
    pub uncovered_images: u64,
    /// Findings that `--min-severity` leaves out: they are neither counted nor listed.
    pub left_out: u64,
    /// Findings that the baseline has: they are counted and listed, and do not fail the scan.
    pub known: u64,
    /// Numbers of findings, by result.
    pub results: Results,
}

impl Summary {
    /// Adds the counts of a part of the scan.
    fn add(&mut self, part: &Self) {
        let Self {
            files,
            documents,
            workloads,
            images,
            templates,
            uncovered_kinds,
            uncovered_images,
            left_out,
            known,
            results,
        } = part;
        self.files += files;
        self.documents += documents;
        self.workloads += workloads;
        self.images += images;
        self.templates += templates;
        self.uncovered_kinds += uncovered_kinds;
        self.uncovered_images += uncovered_images;
        self.left_out += left_out;
        self.known += known;
        let Results { pass, fail, warn, error, skip } = results;
        self.results.pass += pass;
        self.results.fail += fail;
        self.results.warn += warn;
        self.results.error += error;
        self.results.skip += skip;
    }
}

/// Findings by result. Passes are counted whether they are listed or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Results {
    /// Groups of rules that found nothing in an image.
    pub pass: u64,
    /// Findings that are violations.
    pub fail: u64,
    /// Findings that are advice, which is not scored.
    pub warn: u64,
    /// Rules that could not judge.
    pub error: u64,
    /// Findings that an exemption covers.
    pub skip: u64,
}

impl Results {
    fn count(&mut self, outcome: Outcome) {
        *self.of(outcome) += 1;
    }

    fn discount(&mut self, outcome: Outcome) {
        let counter = self.of(outcome);
        *counter = counter.saturating_sub(1);
    }

    fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Pass => &mut self.pass,
            Outcome::Fail => &mut self.fail,
            Outcome::Warn => &mut self.warn,
            Outcome::Error => &mut self.error,
            Outcome::Skip => &mut self.skip,
        }
    }
}

/// Where something stands: in which file, and in which field of which object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceLocation {
    /// Path as reached from the command line; `<stdin>` for standard input, and `NAMESPACE/KIND/NAME` for an object of a
    /// cluster.
    #[serde(serialize_with = "serialize::text")]
    #[schemars(with = "String")]
    pub file: UntrustedText,
    /// Line of the value judged, from 1; 1 for an object of a cluster.
    #[schemars(range(min = 1))]
    pub line: u32,
    /// Column of the value judged, from 1, in Unicode characters.
    #[schemars(range(min = 1))]
    pub column: u32,
    /// `apiVersion` of the object.
    #[serde(serialize_with = "serialize::text")]
    #[schemars(with = "String")]
    pub api_version: UntrustedText,
    /// `kind` of the object.
    #[serde(serialize_with = "serialize::text")]
    #[schemars(with = "String")]
    pub kind: UntrustedText,
    /// Namespace of the object; null when the manifest names none.
    #[serde(serialize_with = "serialize::optional_text")]
    #[schemars(with = "Option<String>")]
    pub namespace: Option<UntrustedText>,
    /// Name of the object; its `generateName` when it has no name.
    #[serde(serialize_with = "serialize::text")]
    #[schemars(with = "String")]
    pub name: UntrustedText,
    /// Name of the container, or of the volume.
    #[serde(serialize_with = "serialize::text")]
    #[schemars(with = "String")]
    pub container: UntrustedText,
    /// What kind of place names the image.
    #[schemars(with = "String", extend("enum" = ContainerType::ALL.map(ContainerType::as_str)))]
    pub container_type: ContainerType,
    /// Path of the image field from the object's root. Images and findings of one container have the same.
    pub field_path: String,
    /// Number of the judged container: its findings and its entry of the images have the same.
    #[serde(skip)]
    pub subject: u64,
    /// Whether it is in a file, so that line and column say where.
    #[serde(skip)]
    pub is_in_file: bool,
}

/// An image that was checked, with its findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageEntry {
    /// Where the image is written.
    #[serde(flatten)]
    pub place: SourceLocation,
    /// The image as written, or as a kustomization replaces it; empty when there is none.
    #[serde(serialize_with = "serialize::text")]
    #[schemars(with = "String")]
    pub image: UntrustedText,
    /// The image's normalised parts; null when it does not parse.
    pub reference: Option<ReferenceParts>,
    /// Why the image does not parse; null when it does.
    pub reference_error: Option<String>,
    /// How mutable the reference is.
    #[schemars(with = "String", extend("enum" = TagClass::ALL.map(TagClass::as_str)))]
    pub tag_class: TagClass,
    /// What the class rests on.
    #[schemars(with = "String", extend("enum" = Confidence::ALL.map(Confidence::as_str)))]
    pub confidence: Confidence,
    /// The pattern that decided on the class, in words; null when none did.
    pub matched: Option<String>,
    /// The pull policy as written; null when it is unset.
    #[serde(serialize_with = "serialize::optional_text")]
    #[schemars(with = "Option<String>")]
    pub image_pull_policy: Option<UntrustedText>,
    /// The pull policy that counts: as written, else the API server's default; for Compose its word: `refresh(48h)`.
    pub effective_pull_policy: String,
}

/// Parts of an image reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReferenceParts {
    /// Registry host with its port, such as `docker.io`.
    pub registry: String,
    /// Repository path, such as `library/nginx`.
    pub repository: String,
    /// Tag as written; null when there is none.
    pub tag: Option<String>,
    /// Digest `algorithm:hex`; null when there is none.
    pub digest: Option<String>,
}

/// What a rule says of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingEntry {
    /// Where the value that is wrong is written: the image, or the pull policy where the finding is about one
    /// that is written.
    #[serde(flatten)]
    pub place: SourceLocation,
    /// The image as written, or as a kustomization replaces it; empty when there is none.
    #[serde(serialize_with = "serialize::text")]
    #[schemars(with = "String")]
    pub image: UntrustedText,
    /// The rule; for a pass, the leading rule of the policy.
    pub rule: &'static str,
    /// The group of rules.
    #[schemars(with = "String", extend("enum" = RuleGroup::ALL.map(RuleGroup::as_str)))]
    pub policy: RuleGroup,
    /// Category as dashboards show it.
    pub category: &'static str,
    /// How bad it is.
    #[schemars(with = "String", extend("enum" = Severity::ALL.map(Severity::as_str)))]
    pub severity: Severity,
    /// What the rule says.
    #[schemars(with = "String", extend("enum" = Outcome::ALL.map(Outcome::as_str)))]
    pub result: Outcome,
    /// What is wrong, naming the container and the image; safe for a terminal.
    pub message: String,
    /// How to fix it, best way first; empty for a pass.
    pub resolution: String,
    /// The container's own lines, as a snippet of YAML.
    pub evidence: String,
    /// Name of the finding: the same after the manifest was reformatted or moved, and after the image changed.
    pub fingerprint: String,
    /// The exemption that made a `skip` of the finding; null when none did.
    pub exemption: Option<Exemption>,
    /// Whether the baseline has the finding, so that it does not fail the scan; null without a baseline.
    pub known: Option<bool>,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exemption {
    /// The reason that was given for it; safe for a terminal.
    pub reason: String,
    /// The last day on which it counts, YYYY-MM-DD in UTC; null when it counts for ever.
    pub expires: Option<String>,
}
