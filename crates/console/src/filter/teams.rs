//! The field `team` of every filter.

use form_urlencoded::Serializer;
use tagwatch_core::text::UntrustedText;

/// What stands for workloads without a team. No label has this value: parentheses are not allowed in one (Kubernetes,
/// "Labels and Selectors").
pub(crate) const NO_TEAM: &str = "(none)";

/// Whether a selection of teams admits a workload of this team. An empty selection admits all.
pub(super) fn admits_team(teams: &[UntrustedText], team: Option<&UntrustedText>) -> bool {
    let team = team.map_or(NO_TEAM, UntrustedText::raw);
    teams.is_empty() || teams.iter().any(|admitted| admitted.raw() == team)
}

pub(super) fn append_teams(query: &mut Serializer<'_, String>, teams: &[UntrustedText]) {
    query.extend_pairs(teams.iter().map(|team| ("team", team.raw())));
}
