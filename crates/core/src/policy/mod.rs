//! What an organisation decides: which rules count, for whom, and what is exempt from them.

mod profile;
mod profile_docs;

pub use profile::Profile;
pub use profile_docs::{ProfileMeta, render_profile_index, render_profile_markdown};
