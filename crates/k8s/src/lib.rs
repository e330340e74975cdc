//! tagwatch-k8s: what the API server speaks, without a client. It holds slim types for the objects that
//! tagwatch watches, which keep an image's place and drop the rest while decoding; the `PolicyReport` types
//! of the Policy Working Group, and the `TagPolicy` of our own; the pure steps from verdicts to a report and from two
//! reports to a write; and the custom resource definitions that tagwatch ships.

pub mod crd;
pub mod discovery;
pub mod key;
pub mod rbac;
pub mod report;
mod schema;
pub mod served;
pub mod slim;
pub mod tag_policy;

pub use kube_core::discovery::ApiResource;
