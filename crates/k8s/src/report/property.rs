//! Names of the properties of a result: what a report says beyond the fields of the type
//! (docs/design/reports.md, "Shape").

/// Name of the container or image volume.
pub const CONTAINER: &str = "container";
/// What kind of place the container has in the pod spec.
pub const CONTAINER_TYPE: &str = "containerType";
/// The image as written.
pub const IMAGE: &str = "image";
/// The pull policy as written; `unset` where it is not.
pub const IMAGE_PULL_POLICY: &str = "imagePullPolicy";
/// The pull policy that the kubelet follows.
pub const EFFECTIVE_PULL_POLICY: &str = "effectivePullPolicy";
/// How mutable the image reference is.
pub const TAG_CLASS: &str = "tagClass";
/// Path of the image field from the object's root.
pub const FIELD_PATH: &str = "fieldPath";
/// The lines that show the finding, as YAML.
pub const EVIDENCE: &str = "evidence";
/// When the result was first seen, in words.
pub const FIRST_SEEN: &str = "firstSeen";
/// Key of the result.
pub const RESULT_ID: &str = "resultID";
/// Confidence of findings about digests.
pub const CONFIDENCE: &str = "confidence";
/// How to fix it.
pub const RESOLUTION: &str = "resolution";
/// Why the finding is exempt.
pub const EXEMPTION: &str = "exemption";
/// Where the exemption is written.
pub const EXEMPTION_SOURCE: &str = "exemptionSource";
/// The last day of the exemption.
pub const EXEMPTION_EXPIRES: &str = "exemptionExpires";
/// On the last result of a report: how many more results it has no room for.
pub const OMITTED_RESULTS: &str = "omittedResults";
/// On the last result of a report: the limits that the workload exceeds.
pub const LIMITS: &str = "limits";
/// On every result: why the workload is reported on its own though it names a controller.
pub const UNFOLLOWED_CONTROLLER: &str = "unfollowedController";
