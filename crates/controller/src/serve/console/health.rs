//! What the console says of tagwatch itself.

use tagwatch_console::{FailingWatch, Health, InvalidPolicy};

use super::ConsoleState;
use crate::state::ActivePolicy;

impl ConsoleState {
    /// The state at this moment. Each lock is held for a copy.
    pub(super) fn health(&self) -> Health {
        let is_standby = !self.leadership.may_write();
        Health {
            invalid_policy: invalid_policy(&self.policy.lock()),
            is_report_api_absent: self.report_api_available.get() == 0,
            // A standby writes none.
            unwritten: if is_standby { Vec::new() } else { self.unwritten.lock().by_namespace() },
            contested_reports: if is_standby { 0 } else { self.reports.lock().contested().len() },
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
            is_standby,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tagwatch_k8s::report::ReportFailure;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::state::{TermLimits, WatchedNamespaces};
    use crate::testing::{ReportServer, TestEnv};

    /// The workloads of the only namespace whose reports are not written, and why.
    fn unwritten(state: &ConsoleState) -> Option<(ReportFailure, usize)> {
        let unwritten = state.health().unwritten;
        assert!(unwritten.len() <= 1, "{unwritten:?}");
        unwritten.first().map(|of_shop| {
            assert_eq!(of_shop.namespace.raw(), "shop");
            (of_shop.failure, of_shop.workloads)
        })
    }

    #[tokio::test(start_paused = true)]
    async fn reports_that_are_refused_are_shown_by_the_replica_that_leads_until_they_are_written() {
        let server = ReportServer::default();
        server.refuse(Some(422));
        let env = TestEnv::new(server.client());
        env.parts.reports.lock().apply_list(None, Vec::new());
        for name in ["web", "api", "mail"] {
            env.apply_pod_named(name, "nginx:latest");
        }
        let TestEnv { parts, reconciler, .. } = env;
        let state = parts.console_state(WatchedNamespaces::AllExcept(Vec::new()), None);
        assert_eq!(unwritten(&state), None);
        let versions = || parts.observer.status.version();
        let before = versions();
        let running = tokio::spawn(Arc::new(reconciler).run());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(unwritten(&state), Some((ReportFailure::Invalid, 3)));
        assert!(versions() > before, "the status of the policy says it");
        parts.leadership.give_up();
        assert_eq!(unwritten(&state), None, "another replica writes");
        let term = |hours| Instant::now() + Duration::from_hours(hours);
        parts.leadership.extend(TermLimits { begin_before: term(1), end_before: term(2) });

        // The API server is away: that is reported once it has been for half a minute.
        server.refuse(Some(500));
        sleep(Duration::from_secs(70)).await;
        assert_eq!(unwritten(&state), Some((ReportFailure::Unavailable, 3)));
        server.refuse(None);
        let before = versions();
        sleep(Duration::from_secs(70)).await;
        assert_eq!(unwritten(&state), None);
        assert!(versions() > before, "the status of the policy says it");
        running.abort();
    }
}
