//! Pages of the documentation, rendered from the data of the code. Nothing else in this crate depends on them.

mod kinds;
mod profiles;
mod rules;

pub use kinds::render_kinds_markdown;
pub use profiles::{render_profile_index, render_profile_markdown};
pub use rules::{render_rule_markdown, render_rule_markdown_table, render_rule_table, render_rule_text};
