//! What the console says of tagwatch itself.

use tagwatch_console::{FailingWatch, Health, InvalidPolicy};

use super::ConsoleState;
use crate::state::ActivePolicy;

impl ConsoleState {
    /// The state at this moment. Each lock is held for a copy.
    pub(super) fn health(&self) -> Health {
        Health {
            invalid_policy: invalid_policy(&self.policy.lock()),
            is_report_api_absent: self.report_api_available.get() == 0,
            are_namespaces_forbidden: self.status.namespaces_forbidden(),
            forbidden_kinds: self.custom.forbidden().into_iter().collect(),
            failing_watches: self
                .watches
                .failing()
                .into_iter()
                .map(|watch| FailingWatch {
                    resource: watch.resource.to_string(),
                    namespace: watch.scope.map(Into::into),
                    reason: watch.reason,
                })
                .collect(),
            is_standby: !self.leadership.may_write(),
        }
    }
}

fn invalid_policy(active: &ActivePolicy) -> Option<InvalidPolicy> {
    active.rejection.as_ref()?;
    Some(match &active.accepted {
        Some(accepted) => InvalidPolicy::LastGood(accepted.generation),
        None => InvalidPolicy::Recommended,
    })
}
