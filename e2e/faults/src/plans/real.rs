//! Plans for a real API server, whose time passes as ours does.

use std::time::Duration;

use super::{Action, Family, FaultPlan};
use crate::fault::{Fault, FaultRule, StreamFault, Trigger};

/// How long a fault lasts at most.
const LONGEST: Duration = Duration::from_secs(5);
/// Families that a real server takes part in, with the number of their plans among 600.
const FAMILIES: [(Family, usize); 8] = [
    (Family::Kill, 230),
    (Family::View, 110),
    (Family::Server, 60),
    (Family::Expiry, 20),
    (Family::Requests, 80),
    (Family::Writers, 40),
    (Family::Leader, 40),
    (Family::Rights, 20),
];

/// So many plans for a real API server, mixed as those of [`sample`](super::sample) are.
pub fn sample_real(plans: usize, seed: u64) -> Vec<FaultPlan> {
    super::mixed(&FAMILIES, plans, seed, |family, seed| {
        // Most seeds make a plan that a real server can take part in; the name of each says which it was.
        (0..100u64)
            .map(|step| FaultPlan::new(family, seed.wrapping_add(step << 32)))
            .find_map(FaultPlan::on_real_server)
    })
}

impl FaultPlan {
    /// The plan with shorter times, and without what only the double can do; `None` where nothing else goes wrong.
    pub fn on_real_server(mut self) -> Option<Self> {
        if self.has_reports_server || !self.clocks.is_empty() {
            return None;
        }
        self.actions.retain(|(_, action)| match action {
            Action::EditReport(_) | Action::DeleteReport(_) | Action::Kill(_) | Action::Stop(_) => true,
            Action::Compact
            | Action::StopCache
            | Action::ResumeCache
            | Action::RemoveApi(_)
            | Action::RestoreApi(_)
            | Action::LookForRefusal(_)
            | Action::Redeploy(_) => false,
        });
        for (_, rule) in &mut self.rules {
            shorten(rule);
        }
        (!self.rules.is_empty() || !self.actions.is_empty()).then_some(self)
    }
}

fn shorten(rule: &mut FaultRule) {
    let mut latest = None;
    if let Trigger::Window { from, until, .. } = &mut rule.trigger {
        *until = (*until).min(*from + LONGEST);
        latest = Some(*until);
    }
    match &mut rule.fault {
        Fault::HoldUntil(until) => *until = latest.unwrap_or(*until),
        Fault::Delay(delay) | Fault::DelayAnswer(delay) => *delay = (*delay).min(LONGEST),
        Fault::Stream(StreamFault::Miss { lasts, .. }) => *lasts = (*lasts).min(LONGEST),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plan_for_a_real_server_does_what_only_the_double_can() {
        let plans = sample_real(600, 3);
        assert!(plans.len() >= 600, "{}", plans.len());
        for plan in plans {
            let again = plan.clone().on_real_server().map(|again| format!("{again:?}"));
            assert_eq!(again, Some(format!("{plan:?}")));
            let again = plan.to_string().parse::<FaultPlan>().ok().and_then(FaultPlan::on_real_server);
            assert_eq!(again.map(|again| format!("{again:?}")), Some(format!("{plan:?}")), "by its name");
        }
    }
}
