//! `TagPolicy` of `tagwatch.dev/v1alpha1`: the policy of a cluster, and what tagwatch says of it.

mod object;
mod status;

pub use object::TagPolicy;
pub use status::{
    AcceptedSpec, ExemptionCounts, ExemptionRemark, IneffectivePart, IneffectiveParts, InstanceStatus,
    ResultCounts, RuleCounts, TagPolicyStatus, WorkloadCounts,
};
