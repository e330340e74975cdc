//! What is remembered, read and published by evaluations. The API server is one of our own making, which knows one report.

use std::cell::Cell;
use std::sync::Arc;

use http::header::DATE;
use http::{HeaderMap, Response};
use k8s_openapi::jiff::fmt::rfc2822::DateTimePrinter;
use k8s_openapi::jiff::{Timestamp, ToSpan};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::json;
use tagwatch_console::Source;
use tagwatch_core::issue::{Ending, Interval, Issue, ResultId, ResultKeys, Status};
use tagwatch_core::kinds::watched;
use tagwatch_core::rules::ids;
use tagwatch_k8s::report::{self, FirstSeen, History, PolicyReport, ReportInput, StoredReport};
use tagwatch_k8s::served::ServedKind;
use tagwatch_k8s::slim::{SlimObject, WireObject};

use super::*;
use crate::state::metrics::Metrics;
use crate::state::{DepartureLog, ReportMemory, TermLimits};
use crate::testing::{ReportServer, TestEnv, client};

const LONG_AGO: i64 = 1_700_000_000;

/// A client whose every answer is this report; without one, every request fails the test.
fn one_report(report: Option<PolicyReport>) -> Client {
    client(move |request| {
        let report = report.clone();
        async move {
            let report = report.unwrap_or_else(|| panic!("{} {}", request.method(), request.uri()));
            Response::new(Body::from(serde_json::to_vec(&report).unwrap()))
        }
    })
}

/// Applies a pod of its own with a tag that floats.
fn bare_pod(env: &TestEnv) -> WorkloadKey {
    env.apply_pod("nginx:latest")
}

/// The report of the pod as it was written long ago, in some version, with an interval that was over by then.
fn written_long_ago(version: &str, closed: &str) -> PolicyReport {
    let env = TestEnv::new(one_report(None));
    let key = bare_pod(&env);
    let workload = env.assemble(&key);
    let then = Timestamp::from_second(LONG_AGO).unwrap();
    let interval = Interval {
        id: ResultId::parse(closed).unwrap(),
        rule: ids::LATEST_TAG.into(),
        container: "web".into(),
        container_type: None,
        image: "i".into(),
        severity: None,
        pull_policy: None,
        message: "".into(),
        ending: Ending::default(),
        from: Timestamp::from_second(1).unwrap(),
        until: Timestamp::from_second(2).unwrap(),
    };
    let engine = env.parts.engine.current();
    let verdicts = engine.judge(&workload);
    let keys = ResultKeys::new(key.uid(), &workload.containers);
    let input = ReportInput {
        workload: &workload,
        instance: &env.parts.instance,
        uid: key.uid(),
        issues: &Issue::all(&workload, &verdicts, &keys, |_| then),
        policy: engine.policy(),
        first_seen: &FirstSeen::default(),
        history: &History { closed: [interval].into(), images: Box::default() },
        image_changes: &[],
        namespace_labels: &[],
        now: then,
    };
    let mut report = report::build(&input).report;
    report.metadata.resource_version = Some(version.to_owned());
    report.metadata.uid = Some("uid-of-the-report".to_owned());
    report
}

/// Since when `stale-pull-policy` of the pod is known, and the keys of what is over.
fn remembered_of(env: &TestEnv, key: &WorkloadKey) -> (i64, Vec<String>) {
    let workload = env.assemble(key);
    let verdicts = env.parts.engine.current().judge(&workload);
    let finding = verdicts[0].findings.iter().find(|finding| finding.rule.id == ids::STALE_PULL_POLICY);
    let keys = ResultKeys::new(key.uid(), &workload.containers);
    let id = keys.of(&workload.containers[0], finding.unwrap());
    let ReportMemory { first_seen, history, .. } = env.parts.states.lock().memory(key).unwrap().clone();
    let over = history.closed.iter().map(|interval| interval.id.to_string()).collect();
    (first_seen.get(id, env.reconciler.clock.now()).as_second(), over)
}

/// The API server's clock shows an hour later from now on.
fn pass_an_hour(env: &TestEnv) {
    let clock = &env.reconciler.clock;
    let later = clock.now().saturating_add(1.hour()).unwrap();
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&later).unwrap();
    let (headers, now) = (HeaderMap::from_iter([(DATE, date.parse().unwrap())]), Timestamp::now());
    clock.observe(&headers, now, now);
}

const ONE: &str = "00000000000000000001";
const TWO: &str = "00000000000000000002";

#[tokio::test]
async fn a_report_that_changed_since_it_was_listed_is_read_before_the_first_evaluation() {
    let (listed, edited) = (written_long_ago("1", ONE), written_long_ago("2", TWO));
    let env = TestEnv::new(one_report(Some(edited)));
    let key = bare_pod(&env);
    env.parts.reports.lock().apply_list(None, vec![StoredReport::new(listed, &env.parts.instance)]);
    assert!(env.parts.reports.lock().mark_changed(&ReportKey::of(&key), "2"));
    env.reconciler.evaluate(&key).await;
    assert_eq!(remembered_of(&env, &key), (LONG_AGO, vec![TWO.to_owned()]));
}

#[tokio::test]
async fn reports_that_can_be_read_only_later_are_remembered_then() {
    let env = TestEnv::new(one_report(Some(written_long_ago("2", ONE))));
    let key = bare_pod(&env);
    env.reconciler.evaluate(&key).await;
    let (since, over) = remembered_of(&env, &key);
    assert!(since > LONG_AGO && over.is_empty(), "{since} {over:?}");

    let mut report = written_long_ago("1", ONE);
    // This one was resolved while no report could be read.
    let gone = json!({
        "policy": "image-tag", "rule": "missing-tag", "result": "fail", "timestamp": { "seconds": 5, "nanos": 0 },
        "properties": { "resultID": TWO, "container": "web", "containerType": "container", "image": "nginx" },
    });
    report.results.get_or_insert_default().push(serde_json::from_value(gone).unwrap());
    env.parts.reports.lock().apply_list(None, vec![StoredReport::new(report, &env.parts.instance)]);
    env.reconciler.evaluate(&key).await;
    assert_eq!(remembered_of(&env, &key), (LONG_AGO, vec![ONE.to_owned(), TWO.to_owned()]));

    // From then on memory comes first: edits of the report are not taken over.
    let mut edited = written_long_ago("3", ONE);
    for result in edited.results.iter_mut().flatten() {
        result.timestamp.as_mut().unwrap().seconds = 7;
    }
    env.parts.reports.lock().apply_list(None, vec![StoredReport::new(edited, &env.parts.instance)]);
    env.reconciler.evaluate(&key).await;
    assert_eq!(remembered_of(&env, &key).0, LONG_AGO);
}

fn published(env: &TestEnv, key: &WorkloadKey) -> Option<Status> {
    let states = env.parts.states.lock().snapshot();
    states.iter().find(|(known, _)| *known == key).map(|(_, state)| state.status)
}

#[tokio::test]
async fn events_and_metrics_follow_the_stored_report() {
    let server = ReportServer::default();
    let mut env = TestEnv::with_events(server.client());
    let key = env.apply_pod("registry.example.com/web:1.27.3-build.7");
    env.reconciler.evaluate(&key).await;
    assert_eq!(published(&env, &key), Some(Status::Compliant));
    assert_eq!(env.pending_events(), 0);

    server.refuse(Some(500));
    bare_pod(&env);
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Retry(_)));
    assert_eq!(published(&env, &key), Some(Status::Compliant), "as the stored report says");
    assert_eq!(env.pending_events(), 0);
    let (since, _) = remembered_of(&env, &key);
    pass_an_hour(&env);
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Retry(_)));

    server.refuse(None);
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Wait));
    assert_eq!(published(&env, &key), Some(Status::Violating));
    assert_eq!(env.pending_events(), 2, "latest-tag and stale-pull-policy");
    assert_eq!(remembered_of(&env, &key).0, since, "the first try counts");

    while env.events.as_mut().unwrap().try_recv().is_ok() {}
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Wait));
    assert_eq!(env.pending_events(), 0, "once");
}

#[tokio::test]
async fn a_report_that_could_not_be_written_is_wanted_all_the_same() {
    let server = ReportServer::default();
    let env = TestEnv::with_events(server.client());
    let key = bare_pod(&env);
    server.refuse(Some(500));
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Retry(_)));
    assert_eq!(published(&env, &key), None);
    assert_eq!(env.pending_events(), 0);
    assert_eq!(env.parts.states.lock().workload_of(&ReportKey::of(&key)), Some(&key));
    assert!(env.reconciler.queue.everything().contains(&key));
}

#[tokio::test]
async fn without_the_report_api_metrics_go_on_and_events_wait() {
    let server = ReportServer::default();
    let env = TestEnv::with_events(server.client());
    env.parts.reports.lock().mark_lost(None);
    let key = bare_pod(&env);
    env.reconciler.evaluate(&key).await;
    assert_eq!(published(&env, &key), Some(Status::Violating));
    assert_eq!((env.pending_events(), server.requests.lock().len()), (0, 0));
    // The report of an earlier process holds what was announced by it.
    env.parts
        .reports
        .lock()
        .apply_list(None, vec![StoredReport::new(written_long_ago("1", ONE), &env.parts.instance)]);
    env.reconciler.evaluate(&key).await;
    assert_eq!(env.pending_events(), 0);
    assert_eq!(published(&env, &key), Some(Status::Violating));
}

#[tokio::test]
async fn where_reports_are_refused_metrics_go_on_and_events_wait() {
    for code in [403, 422] {
        let server = ReportServer::default();
        let env = TestEnv::with_events(server.client());
        let key = bare_pod(&env);
        server.refuse(Some(code));
        assert!(matches!(env.reconciler.evaluate(&key).await, Next::Retry(_)));
        assert_eq!((published(&env, &key), env.pending_events()), (Some(Status::Violating), 0));
        server.refuse(None);
        assert!(matches!(env.reconciler.evaluate(&key).await, Next::Wait));
        assert_eq!(env.pending_events(), 2, "latest-tag and stale-pull-policy");
    }
}

#[tokio::test]
async fn a_standby_sends_nothing_and_shows_what_it_judges() {
    let server = ReportServer::default();
    let env = TestEnv::with_events(server.client());
    env.parts.leadership.give_up();
    let key = bare_pod(&env);
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Wait));
    assert_eq!((published(&env, &key), env.pending_events()), (Some(Status::Violating), 0));
    env.reconciler.writer.remove_unwanted().await;
    assert_eq!(*server.requests.lock(), [""; 0]);

    // What it could not write is due when it leads.
    lead(&env);
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Wait));
    assert_eq!((server.requests.lock().clone(), env.pending_events()), (vec!["POST".to_owned()], 2));
}

/// The report of the leader came first; its events were announced, and its times count.
#[tokio::test]
async fn a_standby_follows_the_report_of_the_leader_and_takes_over_without_a_write() {
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&requests);
    let env = TestEnv::with_events(client(move |request| {
        noted.lock().push(request.method().to_string());
        let report = written_long_ago("2", TWO);
        async move { Response::new(Body::from(serde_json::to_vec(&report).unwrap())) }
    }));
    env.parts.leadership.give_up();
    let key = bare_pod(&env);
    env.reconciler.evaluate(&key).await;
    let (since, over) = remembered_of(&env, &key);
    assert!(since > LONG_AGO && over.is_empty(), "{since} {over:?}");

    // The watch shows the report that the leader made.
    assert!(env.parts.reports.lock().mark_changed(&ReportKey::of(&key), "2"));
    env.reconciler.evaluate(&key).await;
    assert_eq!(remembered_of(&env, &key), (LONG_AGO, vec![TWO.to_owned()]));

    lead(&env);
    env.parts.reports.lock().begin_term();
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Wait));
    assert_eq!(remembered_of(&env, &key), (LONG_AGO, vec![TWO.to_owned()]));
    assert_eq!((requests.lock().clone(), env.pending_events()), (vec!["GET".to_owned()], 0));
}

fn lead(env: &TestEnv) {
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    env.parts.leadership.extend(TermLimits { begin_before: end, end_before: end });
}

#[test]
fn a_panic_is_counted() {
    let metrics = ControllerMetrics::register(&mut Metrics::default()).unwrap();
    assert_eq!(guarded(&metrics, || 7), Some(7));
    assert_eq!(metrics.panics.get(), 0);
    assert_eq!(guarded(&metrics, || -> u8 { panic!("on one object") }), None);
    assert_eq!(metrics.panics.get(), 1);
}

thread_local! {
    /// How many guarded steps of this thread go well before one panics.
    static STEPS_UNTIL_PANIC: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs at the start of each guarded step.
pub(super) fn panic_if_planned() {
    let steps = STEPS_UNTIL_PANIC.get();
    STEPS_UNTIL_PANIC.set(steps.and_then(|steps| steps.checked_sub(1)));
    assert!(steps != Some(0), "planned by a test");
}

/// Whichever step it is, the console shows the workload with the status `error` and says why, and its stored report stays.
#[tokio::test(start_paused = true)]
async fn an_evaluation_that_panics_is_an_error_on_the_console() {
    for (steps, step) in ["judge", "build", "publish"].into_iter().enumerate() {
        let server = ReportServer::default();
        let env = TestEnv::with_events(server.client());
        let key = bare_pod(&env);
        let options = TestEnv::options_with_console();
        let (reconciler, _) = env.parts.reconciler(&options);
        let console = env.parts.console_source(&options);
        let shown = |status: Status| {
            let snapshot = console.snapshot();
            let [workload] = &snapshot.facts().workloads[..] else { panic!("{step}: one workload") };
            assert_eq!((workload.name.raw(), workload.status), ("web", status), "{step}");
            (workload.issues.len(), workload.reason.clone())
        };
        reconciler.evaluate(&key).await;
        let (issues, reason) = shown(Status::Violating);
        assert!(issues > 0 && reason.is_none(), "{step}: {reason:?}");
        server.requests.lock().clear();

        STEPS_UNTIL_PANIC.set(Some(steps));
        assert!(matches!(reconciler.evaluate(&key).await, Next::Wait), "{step}");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(STEPS_UNTIL_PANIC.get(), None, "{step} was reached");
        let (issues, reason) = shown(Status::Error);
        assert_eq!(issues, 0, "{step}");
        assert!(reason.is_some_and(|reason| reason.contains("panic")), "{step}");
        assert_eq!(env.parts.observer.metrics.panics.get(), 1, "{step}");
        assert!(!server.requests.lock().contains(&"DELETE".to_owned()), "{step}: the report stays");

        // Once it goes well, the workload is shown as it is.
        reconciler.evaluate(&key).await;
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(shown(Status::Violating).0 > 0, "{step}");
    }
}

#[tokio::test]
async fn the_report_of_a_workload_whose_evaluation_is_open_is_not_cleaned_up() {
    let server = ReportServer::default();
    let env = TestEnv::with_events(server.client());
    let key = bare_pod(&env);
    let report = ReportKey::of(&key);
    // Written by an earlier process, and edited since: it is to be read first, and the API server does not answer.
    env.parts
        .reports
        .lock()
        .apply_list(None, vec![StoredReport::new(written_long_ago("1", ONE), &env.parts.instance)]);
    assert!(env.parts.reports.lock().mark_changed(&report, "2"));
    server.refuse_reads(Some(500));
    let queue = &env.reconciler.queue;
    let stays = async |when: &str| {
        server.requests.lock().clear();
        env.reconciler.writer.remove_unwanted().await;
        assert_eq!(*server.requests.lock(), [""; 0], "{when}");
    };
    queue.request([key.clone()]);
    stays("while it waits for its first evaluation").await;
    assert_eq!(queue.next().await, key);
    let next = env.reconciler.evaluate(&key).await;
    assert!(matches!(next, Next::Retry(_)));
    stays("until the evaluation has ended").await;
    env.reconciler.schedule(&key, next);
    queue.finish(&key, Duration::ZERO);
    stays("until it was tried again").await;

    // Once nothing is open, a report that no workload wants goes.
    queue.request([key.clone()]);
    assert_eq!(queue.next().await, key);
    queue.finish(&key, Duration::ZERO);
    server.refuse_reads(None);
    env.reconciler.writer.remove_unwanted().await;
    assert!(!env.reconciler.writer.has_report(&report));
}

/// Anyone who may create objects has any number of them name one controller, and each change of one looks through all.
#[tokio::test]
async fn what_is_looked_through_for_a_workload_counts_as_its_work() {
    let env = TestEnv::new(one_report(None));
    let [small, large] = [("small", 1), ("large", 3_000)].map(|(name, count)| {
        let owner = WorkloadKey::new("example.com/v1", "App", "shop", name, name);
        for number in 0..count {
            apply_replica_set(&env, &format!("{name}-{number}"), &owner);
        }
        owner
    });
    let rest = async |key| {
        let effort = Effort::default();
        // No pod runs, so there is nothing to report.
        env.reconciler.evaluate_with(key, &effort).await;
        effort.rest()
    };
    let (small, large) = (rest(&small).await, rest(&large).await);
    assert!(large > 10 * small, "{small:?} {large:?}");
}

fn apply_replica_set(env: &TestEnv, name: &str, owner: &WorkloadKey) {
    let kind = watched().find(|known| known.kind() == "ReplicaSet").unwrap();
    let owner = json!({
        "apiVersion": owner.api_version(), "kind": owner.kind(), "name": owner.name(), "uid": owner.uid(), "controller": true,
    });
    let metadata = json!({ "namespace": "shop", "name": name, "uid": name, "ownerReferences": [owner] });
    let wire: WireObject = serde_json::from_str(&json!({ "metadata": metadata }).to_string()).unwrap();
    let object = SlimObject::read(&wire, &ServedKind::built_in(kind));
    env.parts.observer.index.lock().apply_object(object, None);
}

#[tokio::test]
async fn a_panic_is_an_error_of_its_workload_and_keeps_what_is_remembered() {
    let server = ReportServer::default();
    let mut env = TestEnv::with_events(server.client());
    env.reconciler.publisher.departures = Some(Arc::default());
    let key = bare_pod(&env);
    env.reconciler.evaluate(&key).await;
    let before = (remembered_of(&env, &key), env.pending_events());
    let report = ReportKey::of(&key);
    let now = env.reconciler.clock.now();
    let assembler = &env.reconciler.assembler;
    let workload =
        assembler.collect(&key, now).and_then(|collected| assembler.assemble(&key, collected, now));
    let workload = workload.unwrap_or_else(|absence| panic!("{absence:?}"));
    let evaluation = assembler.begin(&key, &report, workload, now);
    env.reconciler.panicked(&evaluation);
    assert_eq!(published(&env, &key), Some(Status::Error));
    assert_eq!((remembered_of(&env, &key), env.pending_events()), before);
    // The console shows it too.
    let states = env.parts.states.lock().snapshot();
    let shown = states.iter().find(|(known, _)| **known == key).and_then(|(_, state)| state.console.clone());
    let shown = shown.unwrap_or_else(|| panic!("the console does not show it"));
    assert_eq!((shown.name.raw(), shown.status), ("web", Status::Error));
    assert!(shown.reason.as_deref().is_some_and(|reason| reason.contains("panic")), "{shown:?}");
}

/// The report is deleted with its workload, so what was wrong with it is remembered apart.
#[tokio::test]
async fn a_workload_that_left_is_remembered_for_the_console() {
    let server = ReportServer::default();
    let mut env = TestEnv::with_events(server.client());
    let log: Arc<Mutex<DepartureLog>> = Arc::default();
    env.reconciler.publisher.departures = Some(Arc::clone(&log));
    let departed = || log.lock().departures(Timestamp::UNIX_EPOCH).workloads;
    let key = bare_pod(&env);
    env.reconciler.evaluate(&key).await;
    assert!(departed().is_empty());
    pass_an_hour(&env);
    env.delete_pod("nginx:latest");
    env.reconciler.evaluate(&key).await;
    env.reconciler.evaluate(&key).await;
    let [left] = &departed()[..] else { panic!("once: {:?}", departed()) };
    assert_eq!((left.namespace.raw(), left.kind.raw(), left.name.raw()), ("shop", "Pod", "web"));
    let mut rules: Vec<&str> = left.closed.iter().map(|closed| closed.rule.raw()).collect();
    rules.sort_unstable();
    assert_eq!(rules, [ids::LATEST_TAG, ids::STALE_PULL_POLICY]);
    for closed in &left.closed {
        assert_eq!(closed.until, left.at, "{closed:?}");
        // The clock of the API server has whole seconds.
        assert!(closed.until.duration_since(closed.from).as_secs() >= 3_590, "{closed:?}");
    }
}

/// A namespace of which not everything is listed, beside one that is followed.
#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_not_followed_is_not_judged_and_keeps_its_reports() {
    let server = ReportServer::default();
    let env = TestEnv::new(server.client());
    let (watches, ready) = (&env.parts.observer.watches, env.parts.readiness.expect("any"));
    watches.divide(["bank", "shop"].map(str::to_owned), ready);
    let [_bank, jobs] = ["bank", "shop"]
        .map(|scope| watches.begin(&"jobs".into(), Some(scope), crate::state::Need::Required));
    let stored = StoredReport::new(written_long_ago("7", ONE), &env.parts.instance);
    env.parts.reports.lock().apply_list(Some("shop"), vec![stored]);

    // A pod of another name, so that nothing wants the report.
    let key = env.apply_pod_named("other", "nginx:1.27.3");
    assert!(matches!(env.reconciler.evaluate(&key).await, Next::Wait));
    env.reconciler.writer.remove_unwanted().await;
    assert!(server.requests.lock().is_empty(), "{:?}", server.requests.lock());
    assert!(env.parts.states.lock().memory(&key).is_none());

    watches.mark_listed(&jobs);
    env.reconciler.evaluate(&key).await;
    assert_eq!(*server.requests.lock(), ["POST"]);
    env.reconciler.writer.remove_unwanted().await;
    assert_eq!(*server.requests.lock(), ["POST", "DELETE"]);
}

/// Reports of these names and this version that no workload wants.
fn unwanted(env: &TestEnv, version: &str, names: &[&str]) -> Vec<StoredReport> {
    let report = |name: &&str| {
        let mut report = written_long_ago(version, ONE);
        report.metadata.name = Some((*name).to_owned());
        StoredReport::new(report, &env.parts.instance)
    };
    names.iter().map(report).collect()
}

/// Another installation of the same name wants the reports that this one does not.
#[tokio::test(start_paused = true)]
async fn where_a_report_comes_back_those_of_its_namespace_are_left_for_an_hour() {
    let server = ReportServer::default();
    let env = TestEnv::new(server.client());
    let (reports, writer) = (&env.parts.reports, &env.reconciler.writer);
    let round = async |requests: &[&str]| {
        server.requests.lock().clear();
        writer.remove_unwanted().await;
        assert_eq!(*server.requests.lock(), requests);
    };
    reports.lock().apply_list(None, unwanted(&env, "7", &["a"]));
    round(&["DELETE"]).await;
    reports.lock().apply_list(None, unwanted(&env, "9", &["a", "b"]));
    round(&[]).await;
    let written = writer.write(&ReportKey::new("shop", "a"), None).await.unwrap();
    assert_eq!(
        written,
        WriteOutcome::Returned(Duration::from_hours(1)),
        "whichever part of the policy excludes it"
    );
    tokio::time::advance(Duration::from_hours(1)).await;
    round(&["DELETE", "DELETE"]).await;
}

#[tokio::test(start_paused = true)]
async fn reports_that_may_not_be_removed_cost_one_request_a_round_and_go_once_that_is_allowed() {
    let server = ReportServer::default();
    let env = TestEnv::new(server.client());
    env.parts.reports.lock().apply_list(None, unwanted(&env, "7", &["a", "b", "c", "d", "e"]));
    let round = async |requests: &[&str]| {
        server.requests.lock().clear();
        env.reconciler.writer.remove_unwanted().await;
        assert_eq!(*server.requests.lock(), requests);
    };
    server.refuse(Some(403));
    round(&["DELETE"]).await;
    round(&[]).await;
    tokio::time::advance(Duration::from_mins(1)).await;
    round(&["DELETE"]).await;
    server.refuse(None);
    tokio::time::advance(Duration::from_mins(1)).await;
    // Those that were not tried come first; of the others it is not known whether they are still there, and they are not.
    round(&["DELETE", "DELETE", "DELETE", "GET", "GET"]).await;
    round(&[]).await;
}
