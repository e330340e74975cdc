//! Ids of the rules. No other code spells one out.

#![expect(missing_docs, reason = "each is the id that it spells")]

pub const MISSING_TAG: &str = "missing-tag";
pub const LATEST_TAG: &str = "latest-tag";
pub const FLOATING_TAG: &str = "floating-tag";
pub const UNCLASSIFIED_TAG: &str = "unclassified-tag";
pub const UNPINNED_IMAGE: &str = "unpinned-image";
pub const INVALID_IMAGE_REFERENCE: &str = "invalid-image-reference";
pub const STALE_PULL_POLICY: &str = "stale-pull-policy";
pub const PULL_POLICY_NEVER: &str = "pull-policy-never";
pub const PULL_POLICY_NOT_ALWAYS: &str = "pull-policy-not-always";
pub const PULL_POLICY_NOT_ALLOWED: &str = "pull-policy-not-allowed";
pub const NEEDLESS_PULL: &str = "needless-pull";
pub const CACHED_PRIVATE_IMAGE: &str = "cached-private-image";
pub const DATADOG: &str = "kubernetes-image-pull-policy-of-container-is-not-always";
pub const MOVED_TAG: &str = "moved-tag";
pub const MIXED_DIGESTS: &str = "mixed-digests";
pub const IMAGE_PULL_FAILING: &str = "image-pull-failing";
pub const OUTDATED_IMAGE: &str = "outdated-image";

/// The rules that report a tag that moves. At most one of them reports a container.
pub const OF_MOVING_TAGS: [&str; 3] = [MISSING_TAG, LATEST_TAG, FLOATING_TAG];
