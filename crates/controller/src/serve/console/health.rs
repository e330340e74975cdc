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

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode, header};
    use serde_json::{Value, json};
    use tagwatch_console::{Options, router};
    use tagwatch_core::kinds::KindName;
    use tagwatch_k8s::report::{PolicyReport, ReportFailure, StoredReport};
    use tokio::time::{Instant, advance, sleep};
    use tower::ServiceExt;

    use super::super::ConsoleSource;
    use super::*;
    use crate::state::{Need, ReportKey, TermLimits, WatchScope, WatchState, WatchedNamespaces};
    use crate::testing::{ReportServer, TestEnv};

    /// What the console says of tagwatch itself, as each page and `/api/v1/overview` show it.
    struct Banner {
        env: TestEnv,
        console: Router,
    }

    impl Banner {
        /// Of a replica that leads and has checked everything just now.
        fn new() -> Self {
            let env = TestEnv::new(ReportServer::default().client());
            env.parts.observer.metrics.report_api_available.set(1);
            lead(&env);
            let state = env.parts.console_state(WatchedNamespaces::AllExcept(Vec::new()), None);
            let console = router(Arc::new(ConsoleSource::new(state)), None, Options::default());
            let banner = Self { env, console };
            banner.evaluate(0);
            banner
        }

        /// Everything was checked so many minutes ago.
        fn evaluate(&self, minutes: u32) {
            let now = self.env.parts.observer.clock.now().as_second();
            let now = f64::from(u32::try_from(now).unwrap());
            self.env.parts.observer.metrics.last_full_evaluation.set(now - 60.0 * f64::from(minutes));
        }

        /// The sentences on what is wrong, without those on what to do.
        async fn problems(&self) -> Vec<String> {
            // A snapshot is kept for a second.
            advance(Duration::from_secs(2)).await;
            let request = Request::get("/api/v1/overview").header(header::HOST, "localhost:8080");
            let request = request.body(Body::empty()).unwrap();
            let answer = self.console.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            let overview: Value = serde_json::from_slice(&body).unwrap();
            let problems = overview["problems"].as_array().unwrap().iter();
            problems.map(|problem| problem.as_str().unwrap().to_owned()).collect()
        }

        /// Nothing is wrong but one thing.
        #[track_caller]
        fn assert_one(problems: &[String], start: &str) {
            let [problem] = problems else { panic!("{start}: {problems:?}") };
            assert!(problem.starts_with(start), "{start}: {problem}");
        }
    }

    fn lead(TestEnv { parts, .. }: &TestEnv) {
        let term = |hours| Instant::now() + Duration::from_hours(hours);
        parts.leadership.extend(TermLimits { begin_before: term(1), end_before: term(2) });
    }

    /// Another client deletes the report again and again.
    fn contest(TestEnv { parts, .. }: &TestEnv) {
        let (key, now) = (ReportKey::new("shop", "web"), Instant::now());
        let stored = || {
            let report: PolicyReport = serde_json::from_value(json!({
                "apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
                "metadata": { "namespace": "shop", "name": "web", "resourceVersion": "11" },
            }))
            .unwrap();
            StoredReport::new(report, &parts.instance)
        };
        let mut reports = parts.reports.lock();
        reports.apply_list(None, vec![stored()]);
        assert!(reports.mark_deleted(&key, "12"));
        assert!(reports.try_restore(&key, now).is_ok());
        reports.begin(&key);
        reports.finish(&key, Some(stored()));
        assert!(reports.mark_deleted(&key, "13"));
        assert!(reports.try_restore(&key, now).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_leads_and_has_checked_everything_has_no_problem() {
        let banner = Banner::new();
        assert_eq!(banner.problems().await, [""; 0]);
        banner.evaluate(44);
        assert_eq!(banner.problems().await, [""; 0]);
        banner.evaluate(46);
        Banner::assert_one(
            &banner.problems().await,
            "Results are stale: everything was last checked 46 min ago",
        );
        banner.env.parts.observer.metrics.last_full_evaluation.set(0.0);
        Banner::assert_one(&banner.problems().await, "tagwatch has not checked everything yet");
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_without_reports_is_a_problem() {
        let banner = Banner::new();
        banner.env.parts.observer.metrics.report_api_available.set(0);
        Banner::assert_one(
            &banner.problems().await,
            "The API server does not serve policyreports of wgpolicyk8s.io/v1alpha2",
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_standby_says_that_it_is_one_and_nothing_of_reports_that_it_does_not_write() {
        let banner = Banner::new();
        contest(&banner.env);
        Banner::assert_one(&banner.problems().await, "Another client keeps changing or removing 1 report");
        banner.env.parts.leadership.give_up();
        Banner::assert_one(&banner.problems().await, "This replica is a standby");
        lead(&banner.env);
        Banner::assert_one(&banner.problems().await, "Another client keeps changing or removing 1 report");
    }

    #[tokio::test(start_paused = true)]
    async fn an_invalid_policy_is_named_with_what_applies_instead() {
        let banner = Banner::new();
        let apply = |generation: i64, profile: &str| {
            let object = json!({
                "metadata": { "name": "default", "generation": generation }, "spec": { "profile": profile },
            });
            banner.env.parts.policy.lock().update(Some(serde_json::from_value(object).unwrap()));
        };
        apply(1, "strikt");
        let never = "The policy default is invalid, and never was valid: the recommended profile applies.";
        Banner::assert_one(&banner.problems().await, never);
        apply(2, "strict");
        assert_eq!(banner.problems().await, [""; 0]);
        apply(3, "strikt");
        let last_good = "The policy default is invalid: its last valid spec applies (generation 2).";
        Banner::assert_one(&banner.problems().await, last_good);
    }

    #[tokio::test(start_paused = true)]
    async fn missing_rights_are_problems_until_they_are_granted() {
        let banner = Banner::new();
        let status = &banner.env.parts.observer.status;
        status.set_namespaces_forbidden(true);
        Banner::assert_one(&banner.problems().await, "tagwatch may not read namespaces");
        status.set_namespaces_forbidden(false);
        assert_eq!(banner.problems().await, [""; 0]);
        let scope = WatchScope { kind: KindName::new("argoproj.io", "Rollout"), namespace: None };
        banner.env.parts.custom.set(&scope, Some(WatchState::Forbidden));
        Banner::assert_one(&banner.problems().await, "tagwatch may not read Rollout.argoproj.io");
        banner.env.parts.custom.set(&scope, Some(WatchState::Watching));
        assert_eq!(banner.problems().await, [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_fails_is_named_until_it_follows_the_cluster() {
        let banner = Banner::new();
        let watches = &banner.env.parts.observer.watches;
        let watch = watches.begin(&Arc::from("pods"), Some("shop"), Need::Required);
        watch.mark_running();
        watches.mark_forbidden(&watch, "forbidden");
        watches.review();
        let problem = "tagwatch does not see changes of pods in shop (forbidden).";
        Banner::assert_one(&banner.problems().await, problem);
        watch.mark_settled();
        watches.review();
        assert_eq!(banner.problems().await, [""; 0]);
    }

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
