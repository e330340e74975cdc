//! Asks registries for the digest of a tag (`outdated-image`): only registries that the operator has listed, without
//! credentials, by a HEAD of the manifest. hyper follows no redirect; a name is resolved once, and the connection goes
//! to the address that was checked. `oci-client` takes no custom connector, so it cannot guarantee this.

mod allowed;
mod client;
mod resolve;
mod task;

pub use allowed::{InvalidNetwork, InvalidRegistry, Network, RegistryHost};
pub(crate) use task::RegistryTask;
