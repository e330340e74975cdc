//! The pages of the profiles.

use std::fmt::Write as _;

use crate::policy::{Profile, ProfileMeta};

/// A profile's page for docs/profiles; `rules` is the path of the rules' pages, such as `../rules`.
pub fn render_profile_markdown(profile: Profile, rules: &str) -> String {
    let ProfileMeta { summary, about, .. } = profile.meta();
    let mut page = format!(
        "# Profile {profile}\n\n{summary}.\n\n{about}\n\n```yaml\nspec:\n  profile: {profile}\n```\n\n\
         `tagwatch scan --profile {profile} PATH` tries it without a policy.\n\n\
         | Rule | Policy | Severity | Result | What it finds |\n|---|---|---|---|---|\n"
    );
    for (meta, _) in profile.rules().enabled() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| [`{id}`]({rules}/{id}.md) | `{policy}` | {severity} | {result} | {summary} |",
            id = meta.id,
            policy = meta.group.as_str(),
            severity = meta.severity.as_str(),
            result = meta.outcome.as_str(),
            summary = meta.summary,
        );
    }
    page.push_str(
        "\nSeverity and result are the highest that a rule gives; its page says when it gives less.\n",
    );
    page
}

/// The page that lists all profiles.
pub fn render_profile_index() -> String {
    let mut page = String::from(
        "# Profiles\n\nA profile is a set of rules to start from. A policy names one and changes what it likes \
         (docs/policy.md).\n\n| Profile | What it asks for |\n|---|---|\n",
    );
    for profile in Profile::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| [`{profile}`]({profile}.md) | {} |", profile.meta().summary);
    }
    page
}
