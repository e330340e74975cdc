//! Asks registries which digest a tag has (`outdated-image`): registries that the operator has listed and no others,
//! without credentials, by a HEAD of the manifest. hyper follows no redirect; names are resolved once, and the
//! connection goes to the very address that was checked. `oci-client` takes no connector of ours, so it could promise
//! none of that.

mod allowed;
mod ask;
mod resolve;
mod task;

pub use allowed::{InvalidNetwork, InvalidRegistry, Network, RegistryHost};
pub(crate) use task::spawn;
