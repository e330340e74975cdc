//! tagwatch-index: what is known of a cluster. It holds who controls whom, which images pods run on which nodes and
//! what registries answered, and assembles the workload that is judged from that and from the objects in a store.
//! Plain structs: `apply`, `delete` and `retain` take a change in and return the workloads that it can matter to. No
//! client, no runtime, no clock: the time is a parameter.

mod answers;
mod assemble;
mod evidence;
mod index;
mod misread;
mod names;
mod namespaces;
mod orphans;
mod owners;
mod pods;
mod proofs;
mod small_map;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use assemble::{Absence, Assembled, Collected, MAX_CONTAINERS, MAX_POD_CONTAINERS, Prepared};
pub use index::{Candidates, Index};
pub use orphans::SettledController;
pub use pods::PodFacts;
pub use proofs::Proofs;
pub use store::ObjectStore;
pub use tagwatch_k8s::key::WorkloadKey;
