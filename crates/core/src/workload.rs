//! The workload model: the controller and the scan command fill it in, and the engine judges it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::drift::DriftEvidence;
use crate::named;
use crate::pull_policy::PullPolicy;
use crate::reference::Reference;
use crate::text::UntrustedText;

/// A workload: what a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Which object it is.
    pub id: WorkloadId,
    /// Where its containers were read, which decides what an unset pull policy means.
    pub origin: Origin,
    /// Every container and image volume, in the order of the pod spec.
    pub containers: Vec<Container>,
    /// Whether the pod spec names `imagePullSecrets`.
    pub image_pull_secrets: bool,
    /// The workload's own annotations.
    pub ignore: IgnoreAnnotations,
    /// Those of its pod template.
    pub template_ignore: IgnoreAnnotations,
    /// Its namespace, where it is known.
    pub namespace: Option<Arc<Namespace>>,
    /// When its object was created. `None` in a manifest, of a pod, and of an object that is not read.
    pub created: Option<Timestamp>,
    /// Limits that it exceeds: what is beyond them is not checked.
    pub limits: BTreeSet<Limit>,
    /// The controller that it names and under which it is not reported, where that is unusual.
    pub unfollowed: Option<UnfollowedController>,
}

impl Workload {
    /// A workload with nothing known but its containers.
    pub fn new(id: WorkloadId, origin: Origin, containers: Vec<Container>) -> Self {
        Self {
            id,
            origin,
            containers,
            image_pull_secrets: false,
            ignore: IgnoreAnnotations::default(),
            template_ignore: IgnoreAnnotations::default(),
            namespace: None,
            created: None,
            limits: BTreeSet::new(),
            unfollowed: None,
        }
    }
}

/// A limit of what is checked of one workload. Without limits, a user of one namespace could keep tagwatch from all others
/// by the size of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// An object names more images than are kept of it.
    ObjectSize,
    /// There are more containers than are checked of one workload.
    Containers,
    /// Its pods have more containers than are compared with the template.
    PodContainers,
    /// It owns more objects than are followed to their pods.
    Dependents,
}

named!(Limit {
    ObjectSize => "objectSize",
    Containers => "containers",
    PodContainers => "podContainers",
    Dependents => "dependents",
});

impl Limit {
    /// What is not checked, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::ObjectSize => "an object names more images than are read of one object",
            Self::Containers => "there are more containers than are checked of one workload",
            Self::PodContainers => "its pods have more containers than are compared with the template",
            Self::Dependents => "it owns more objects than are followed to their pods",
        }
    }
}

/// A controller that an owner reference names, and that the object is not reported under: any user who may create an
/// object can write any owner into it (docs/design/verdicts.md, "Where images are found").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfollowedController {
    /// What the reference names.
    pub id: WorkloadId,
    /// Why it is not followed.
    pub why: Unfollowed,
}

/// Why an owner reference is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfollowed {
    /// There is no such object: never created, deleted, or another one under the name.
    Missing,
    /// Objects of its kind control nothing of this kind.
    NeverControls,
    /// The chain of controllers is a ring, or longer than any that a cluster needs.
    Endless,
    /// The object is a pod that is being deleted, for longer than its controller needs it: its template may be another one.
    Terminating,
}

impl UnfollowedController {
    /// The reason in words, safe for a terminal: `names ReplicaSet web-1 (apps/v1) as its controller, which does not exist`.
    pub fn words(&self) -> String {
        let WorkloadId { api_version, kind, namespace: _, name } = &self.id;
        let why = match self.why {
            Unfollowed::Missing => "which does not exist",
            Unfollowed::NeverControls => "which never controls objects of this kind",
            Unfollowed::Endless => "and its chain of controllers has no end",
            Unfollowed::Terminating => "and is being deleted, but still runs",
        };
        let (kind, name) = (kind.terminal(), name.terminal());
        format!("names {kind} {name} ({}) as its controller, {why}", api_version.terminal())
    }
}

/// An object as `kubectl get -o name` prints it: `deployment.apps/web`. Safe for a terminal.
pub fn resource_name(api_version: &UntrustedText, kind: &UntrustedText, name: &UntrustedText) -> String {
    let group = api_version.raw().split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
    UntrustedText::from(format!("{}{group}/{}", kind.raw().to_lowercase(), name.raw())).terminal()
}

/// What the engine reads of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespace {
    /// Labels of the namespace.
    pub labels: BTreeMap<String, String>,
    /// Exempting annotations of the namespace.
    pub ignore: IgnoreAnnotations,
    /// Who looks after it. Only the console shows it.
    pub contacts: Contacts,
}

/// Who looks after a namespace, as its annotations say: the key and the value of each, in the order of [`Contacts::KEYS`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contacts(Box<[(&'static str, UntrustedText)]>);

/// Longest value of an annotation that names a contact, in bytes. An annotation may have 256 KiB.
const MAX_CONTACT: usize = 512;

impl Contacts {
    /// The annotations that are read: our own, and those of the convention "Kubernetes for Humans" (`a8r.io/`,
    /// ambassadorlabs.github.io/k8s-for-humans) that lead to people and their tools.
    pub const KEYS: [&'static str; 6] = [
        "tagwatch.dev/owner",
        "a8r.io/owner",
        "a8r.io/chat",
        "a8r.io/support",
        "a8r.io/runbook",
        "a8r.io/repository",
    ];

    /// Those of an object, without empty ones. Longer values are cut.
    pub fn from_annotations<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let contact = |key| {
            let value = get(key)?.trim();
            let value = &value[..value.floor_char_boundary(MAX_CONTACT)];
            (!value.is_empty()).then(|| (key, value.into()))
        };
        Self(Self::KEYS.into_iter().filter_map(contact).collect())
    }

    /// The key of each annotation with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &UntrustedText)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }
}

/// The annotations that exempt findings (docs/design/verdicts.md, "Exemptions").
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct IgnoreAnnotations {
    /// Rules, or container/rule, separated by commas.
    pub ignore: Option<UntrustedText>,
    /// The reason, the value of the annotation [`Self::REASON`].
    pub reason: Option<UntrustedText>,
    /// The last day, in UTC, as written.
    pub until: Option<UntrustedText>,
}

impl IgnoreAnnotations {
    /// The annotation that [`Self::ignore`] is read from.
    pub const IGNORE: &'static str = "tagwatch.dev/ignore";
    /// The annotation that [`Self::reason`] is read from.
    pub const REASON: &'static str = "tagwatch.dev/ignore-reason";
    /// The annotation that [`Self::until`] is read from.
    pub const UNTIL: &'static str = "tagwatch.dev/ignore-until";

    /// Most bytes of each of them; a longer one exempts nothing. An object can hold 256 KiB of annotations.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// The remark for an object for which [`Self::common`] finds none.
    pub const DIFFER: &'static str = "the pod templates of this object differ in their exempting annotations, so none of \
                                      them counts; annotate the object itself";

    /// Those of several pod templates, where all agree: one template cannot exempt the containers of another.
    pub fn common(templates: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut templates = templates.into_iter();
        let first = templates.next().unwrap_or_default();
        templates.all(|other| other == first).then_some(first)
    }

    /// The key of one that is longer than [`Self::MAX_BYTES`].
    pub(crate) fn too_long(&self) -> Option<&'static str> {
        let all = [(Self::IGNORE, &self.ignore), (Self::REASON, &self.reason), (Self::UNTIL, &self.until)];
        let is_too_long = |text: &Option<UntrustedText>| {
            text.as_ref().is_some_and(|text| text.raw().len() > Self::MAX_BYTES)
        };
        all.into_iter().find(|(_, text)| is_too_long(text)).map(|(key, _)| key)
    }

    /// Reads them by their keys. Of a longer one than [`Self::MAX_BYTES`] no more is kept than shows that.
    pub fn from_annotations<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let head = |text: &'a str| text.get(..text.ceil_char_boundary(Self::MAX_BYTES + 1)).unwrap_or(text);
        let text = |key| get(key).map(|text| UntrustedText::from(head(text)));
        Self { ignore: text(Self::IGNORE), reason: text(Self::REASON), until: text(Self::UNTIL) }
    }
}

/// Identifies an object of a cluster or a manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId {
    /// `group/version`, or `version` alone for the core group.
    pub api_version: UntrustedText,
    /// The kind in `CamelCase`, such as `CronJob`.
    pub kind: UntrustedText,
    /// `None` when a manifest names none.
    pub namespace: Option<UntrustedText>,
    /// Name of the object.
    pub name: UntrustedText,
}

/// Where a workload was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A built-in object from the API server, which has filled in the pull policy: it is never recomputed.
    Cluster,
    /// A manifest, or a pod template inside a custom resource: tagwatch fills in an unset pull policy.
    Manifest,
    /// A service of a Compose file, which has pull policies of its own.
    Compose(ComposeService),
    /// Values of a Helm chart: the chart decides what becomes of them, so findings are advice. An unset pull policy is the
    /// chart's, and is not judged.
    HelmValues,
    /// An entry of `images:` in a kustomization, which names no pull policy.
    Kustomization,
}

/// What a Compose service says beside its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComposeService {
    /// It has a `build` section.
    pub builds: bool,
    /// A variable that is not known decides on its pull policy.
    pub is_pull_policy_open: bool,
}

impl Origin {
    /// The field that holds the pull policy of a container.
    pub fn pull_policy_field(self, container_type: ContainerType) -> &'static str {
        match self {
            Self::Cluster | Self::Manifest | Self::Kustomization => container_type.pull_policy_field(),
            Self::Compose(_) => "pull_policy",
            Self::HelmValues => "pullPolicy",
        }
    }
}

/// One place that names an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Name of the container, or of the volume for [`ContainerType::ImageVolume`].
    pub name: UntrustedText,
    /// What kind of place it is.
    pub container_type: ContainerType,
    /// The image as written; empty when the field is missing.
    pub image: UntrustedText,
    /// The pull policy as written; `None` when unset.
    pub pull_policy: Option<UntrustedText>,
    /// Path of the image field from the object's root, such as `spec.template.spec.containers[0].image`.
    pub field_path: String,
    /// What the workload's live pods show for this container; `None` without live pods, and in a scan.
    pub observed: Option<ObservedPods>,
    /// What the cluster showed of its image; `None` in a manifest, and without any evidence.
    pub drift: Option<Arc<DriftEvidence>>,
}

impl Container {
    /// Whether only pods name this image: the template names another one in the same container.
    pub fn is_of_pods(&self) -> bool {
        self.drift.as_ref().is_some_and(|drift| drift.template_image.is_some())
    }

    /// The pull policy that the kubelet applies: the written one, where it is one of the three values, else the default
    /// that the API server fills in for this image (docs/design/verdicts.md, "Effective pull policy"). Parses the image
    /// where the default is needed.
    pub fn effective_pull_policy(&self) -> PullPolicy {
        let default = || PullPolicy::default_for(Reference::parse(self.image.raw()).ok().as_ref());
        self.written_pull_policy().unwrap_or_else(default)
    }

    /// The same with the image as parsed before.
    pub(crate) fn effective_pull_policy_of(&self, reference: Option<&Reference>) -> PullPolicy {
        self.written_pull_policy().unwrap_or_else(|| PullPolicy::default_for(reference))
    }

    /// The pull policy as written, where it is one that Kubernetes knows.
    pub fn written_pull_policy(&self) -> Option<PullPolicy> {
        self.pull_policy.as_ref().and_then(|written| PullPolicy::parse(written.raw()))
    }
}

/// The places of a pod spec that name an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerType {
    /// An entry of `containers`.
    Container,
    /// An entry of `initContainers` that ends before the containers start.
    Init,
    /// `initContainers` with `restartPolicy: Always` (KEP-753).
    Sidecar,
    /// An entry of `ephemeralContainers`, added to a running pod (KEP-277).
    Ephemeral,
    /// A volume that mounts an image, `volumes[].image` (KEP-4639).
    ImageVolume,
}

named!(ContainerType {
    Container => "container",
    Init => "init",
    Sidecar => "sidecar",
    Ephemeral => "ephemeral",
    ImageVolume => "imageVolume",
});

impl ContainerType {
    /// The words that messages use.
    pub fn words(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Init => "init container",
            Self::Sidecar => "sidecar",
            Self::Ephemeral => "ephemeral container",
            Self::ImageVolume => "image volume",
        }
    }

    /// The list of the pod spec that holds it.
    pub fn list_field(self) -> &'static str {
        match self {
            Self::Container => "containers",
            Self::Init | Self::Sidecar => "initContainers",
            Self::Ephemeral => "ephemeralContainers",
            Self::ImageVolume => "volumes",
        }
    }

    /// The field that names the image.
    pub fn image_field(self) -> &'static str {
        if self == Self::ImageVolume { "reference" } else { "image" }
    }

    /// The field that holds the pull policy.
    pub fn pull_policy_field(self) -> &'static str {
        if self == Self::ImageVolume { "pullPolicy" } else { "imagePullPolicy" }
    }
}

/// What the live pods of a workload show for one of its containers. Admission changes pods, never templates, so the
/// template shows the intent and this shows what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObservedPods {
    /// Pods that have this container and are neither finished nor being deleted.
    pub pods: u32,
    /// Those of them whose pull policy is `Always`.
    pub always: u32,
    /// Those of them whose image is given by digest.
    pub by_digest: u32,
}

impl ObservedPods {
    /// Every pod pulls at each start, whatever the template says.
    pub fn all_always(self) -> bool {
        self.pods > 0 && self.always == self.pods
    }

    /// Some pods pull at each start, and some do not.
    pub fn is_divided(self) -> bool {
        self.always > 0 && self.always < self.pods
    }

    /// Every pod runs by digest, whatever the template says.
    pub fn all_by_digest(self) -> bool {
        self.pods > 0 && self.by_digest == self.pods
    }
}
