//! Why the console shows nothing, by what the controller knows.

use std::collections::BTreeSet;

use serde_json::json;
use tagwatch_console::Absence;
use tagwatch_core::kinds::KindName;
use tagwatch_core::policy::Policy;
use tagwatch_core::workload::Namespace;
use tagwatch_k8s::slim::SlimPod;

use crate::serve::console::ConsoleState;
use crate::state::{WatchScope, WatchState, WatchedNamespaces};
use crate::testing::{ReportServer, TestEnv};

/// What the console of a controller without tasks reads.
fn begun(watched: WatchedNamespaces) -> ConsoleState {
    TestEnv::new(ReportServer::default().client()).parts.console_state(watched, None)
}

/// A controller that has checked everything, by a policy that leaves namespaces of the stage `test` out and declares
/// two kinds.
fn state() -> ConsoleState {
    let state = begun(WatchedNamespaces::AllExcept(vec!["ci".to_owned()]));
    let declared = |kind: &str| json!({ "group": "example.com", "version": "v1", "kind": kind, "templatePath": "spec.template" });
    let spec = json!({
        "scope": { "namespaceSelector": { "matchExpressions": [{ "key": "stage", "operator": "NotIn", "values": ["test"] }] } },
        "workloads": [declared("Widget"), declared("Gadget")],
    });
    let (_, policy) = Policy::read(&spec).unwrap();
    state.custom.declare(policy.workloads());
    state.engine.set_policy(policy);
    state.last_full_evaluation.set(1.0);
    for (name, stage) in [("shop", "live"), ("trial", "test")] {
        let labels = [("stage".to_owned(), stage.to_owned())].into();
        state.index.lock().apply_namespace(name, Namespace { labels, ..Namespace::default() });
    }
    state
}

#[tokio::test]
async fn the_first_reason_from_the_outside_in_is_said() {
    let state = state();
    for (namespace, kind, expected) in [
        ("ci", None, Absence::NamespaceNotWatched),
        ("gone", None, Absence::NamespaceNotKnown),
        ("gone", Some("Deployment"), Absence::NamespaceNotKnown),
        ("gone", Some("ConfigMap.core"), Absence::NamespaceNotKnown),
        ("trial", None, Absence::OutOfScope),
        ("trial", Some("Deployment"), Absence::OutOfScope),
        ("shop", None, Absence::NamespaceEmpty),
        ("shop", Some("Deployment"), Absence::NotKnown),
        ("shop", Some("Rollout.argoproj.io"), Absence::NotKnown),
        ("shop", Some("Widget.example.com"), Absence::NotKnown),
        ("shop", Some("ConfigMap.core"), Absence::KindWithoutPods),
        ("shop", Some("Service"), Absence::KindWithoutPods),
        ("shop", Some("deployment"), Absence::KindSpelledOtherwise("Deployment".into())),
        ("shop", Some("Deployment.apps"), Absence::KindSpelledOtherwise("Deployment".into())),
        ("shop", Some("deployments.apps"), Absence::KindSpelledOtherwise("Deployment".into())),
        ("shop", Some("Deployment.batch"), Absence::KindNotWatched),
        ("shop", Some("widget.example.com"), Absence::KindSpelledOtherwise("Widget.example.com".into())),
        ("shop", Some("Unknown.example.com"), Absence::KindNotWatched),
    ] {
        assert_eq!(state.absence(namespace, kind.map(|kind| (kind, "x"))), expected, "{namespace} {kind:?}");
    }
}

#[tokio::test]
async fn a_kind_without_a_right_or_a_definition_says_so() {
    let state = state();
    let kind = |kind: &str| KindName::new("example.com", kind);
    let scope = WatchScope { kind: kind("Widget"), namespace: None };
    state.custom.set(&scope, Some(WatchState::Forbidden));
    state.custom.set_absent(BTreeSet::from([kind("Gadget")]));
    assert_eq!(state.absence("shop", Some(("Widget.example.com", "x"))), Absence::KindForbidden);
    assert_eq!(state.absence("shop", Some(("Gadget.example.com", "x"))), Absence::KindNotServed);
    // The definition of the other one is deleted, too. Its watch goes on being refused for some seconds.
    state.custom.set_absent(BTreeSet::from([kind("Gadget"), kind("Widget")]));
    assert_eq!(state.absence("shop", Some(("Widget.example.com", "x"))), Absence::KindNotServed);
    assert_eq!(state.health().forbidden_kinds, [""; 0]);
}

#[tokio::test]
async fn a_pod_that_is_reported_under_its_controller_leads_to_that() {
    let env = TestEnv::new(ReportServer::default().client());
    env.apply_pod_named("bare", "nginx:latest");
    let controlled = json!({
        "metadata": {
            "name": "web-1-a", "namespace": "shop", "uid": "web-1-a",
            "ownerReferences": [{
                "apiVersion": "example.com/v1", "kind": "Website", "name": "web", "uid": "web", "controller": true,
            }],
        },
        "spec": { "containers": [{ "name": "web", "image": "nginx:latest" }] },
    });
    let pod: SlimPod = serde_json::from_value(controlled).unwrap();
    let state = env.parts.console_state(WatchedNamespaces::AllExcept(Vec::new()), None);
    state.last_full_evaluation.set(1.0);
    let mut index = state.index.lock();
    index.apply_namespace("shop", Namespace::default());
    index.apply_pod(&pod, state.clock.now());
    drop(index);
    let of = |kind: &str, name: &str| state.absence("shop", Some((kind, name)));
    let under = Absence::ReportedUnder("Website.example.com".into(), "web".into());
    for kind in ["Pod", "pod", "pods"] {
        assert_eq!(of(kind, "web-1-a"), under, "{kind}");
    }
    assert_eq!(of("Pod", "gone"), Absence::NotKnown);
    assert_eq!(of("Pod", "bare"), Absence::NotKnown, "it is reported as itself");
}

#[tokio::test]
async fn before_everything_was_checked_nothing_else_is_said() {
    let state = begun(WatchedNamespaces::AllExcept(Vec::new()));
    assert_eq!(state.absence("shop", None), Absence::Starting);
}

/// Whether a namespace exists is then not known: its name alone can put it out of scope.
#[tokio::test]
async fn where_namespaces_cannot_be_read_their_names_decide() {
    let state = state();
    state.status.set_namespaces_forbidden(true);
    let (_, policy) = Policy::read(&json!({ "scope": { "excludeNamespaces": ["kube-*"] } })).unwrap();
    state.engine.set_policy(policy);
    assert_eq!(state.absence("kube-system", None), Absence::OutOfScope);
    assert_eq!(state.absence("anything", None), Absence::NotKnown);
}
