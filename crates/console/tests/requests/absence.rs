//! Pages that say why something is not there, and say nothing about namespaces of others.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;

use super::support::{Answer, get, get_with, guarded, open};
use crate::fixture::{Tokens, demo};

#[tokio::test]
async fn a_page_that_is_not_there_says_why() {
    let console = open(demo());
    for (path, reason) in [
        ("/namespaces/kube-system", "The namespace kube-system is outside the scope of the policy"),
        ("/workloads/kube-system/Deployment/coredns", "outside the scope of the policy"),
        ("/namespaces/elsewhere", "This installation does not watch the namespace elsewhere."),
        ("/workloads/shop/Widget.example.com/a", "tagwatch does not watch the kind Widget.example.com."),
        ("/workloads/shop/Secret.example.com/a", "no right to list and watch the kind Secret.example.com."),
        (
            "/workloads/shop/Deployment/gone",
            "There is no Deployment gone with containers in the namespace shop.",
        ),
        ("/workloads/shop/Pod/gone", "A Pod that another object controls is reported under that object"),
        ("/namespaces/gone", "There is no namespace gone."),
        ("/workloads/gone/Deployment/x", "There is no namespace gone."),
        ("/namespaces/shop-next", "There is no workload in the namespace shop-next, or no such namespace."),
        ("/workloads/shop/Service/x", "A Service names no image, so tagwatch has nothing to check in it."),
        (
            "/workloads/shop/deployment/gone",
            "There is no Deployment gone with containers in the namespace shop.",
        ),
        (
            "/workloads/shop/deployment/gone",
            "deployment is Deployment in addresses, which are case-sensitive.",
        ),
        ("/workloads/shop/Pod/gone", "tagwatch reports no Pod gone in the namespace shop."),
        (
            "/workloads/shop/Pod/cart-5d8f-x2x",
            "Pod cart-5d8f-x2x is checked and reported under Deployment cart, which controls it.",
        ),
        ("/workloads/shop/Pod/cart-5d8f-x2x", "Look at /workloads/shop/Deployment/cart."),
        ("/namespaces/shop-empty", "There is no workload with containers in the namespace shop-empty."),
        ("/workloads/shop/Widget.example.com/a", "If its objects hold a pod template, declare the kind"),
    ] {
        let page = get(&console, path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.assert_holds(reason);
    }
}

#[tokio::test]
async fn a_kind_in_other_letters_leads_to_the_workload() {
    let console = open(demo());
    // As people type it, and as kubectl and `tagwatch issues -o name` print it.
    for kind in ["deployment", "deployment.apps", "Deployment.apps", "deployments", "deployments.apps"] {
        let page = get(&console, &format!("/workloads/shop/{kind}/cart")).await;
        assert_eq!(page.status, StatusCode::TEMPORARY_REDIRECT, "{kind}");
        assert_eq!(page.header("location"), "/workloads/shop/Deployment/cart");
    }
    let other = get(&console, "/workloads/shop/deployment.example.com/cart").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "a kind of another group");
    // Only those that the caller may see.
    let guarded = guarded(demo(), Arc::new(Tokens::new()));
    let bearer = [("authorization", "Bearer shopkeeper-token")];
    let theirs = get_with(&guarded, "/workloads/payments/deployment/gateway", &bearer).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
}

/// A page as the shopkeeper gets it, without the names that its address has.
async fn seen(console: &Router, namespace: &str) -> [String; 2] {
    let ask = async |path: &str| -> Answer {
        get_with(console, path, &[("authorization", "Bearer shopkeeper-token")]).await
    };
    let pages = [
        ask(&format!("/namespaces/{namespace}")).await,
        ask(&format!("/workloads/{namespace}/Deployment/receipts")).await,
    ];
    pages.map(|page| {
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{namespace}");
        page.text.replace(namespace, "NAMESPACE")
    })
}

#[tokio::test]
async fn a_namespace_of_others_answers_as_one_that_does_not_exist() {
    let console = guarded(demo(), Arc::new(Tokens::new()));
    let none = seen(&console, "no-such-namespace").await;
    assert!(none[0].contains("kubectl auth can-i list policyreports.wgpolicyk8s.io --namespace NAMESPACE"));
    // `payments` has workloads, and `elsewhere` is not watched: both are of others.
    for theirs in ["payments", "elsewhere"] {
        assert_eq!(seen(&console, theirs).await, none, "{theirs}");
    }
}

/// Nothing is known of it, so whether it may be seen was never asked before.
#[tokio::test]
async fn a_caller_learns_why_their_own_namespace_is_empty() {
    let console = guarded(demo(), Arc::new(Tokens::new()));
    let [namespace, workload] = seen(&console, "kube-system").await;
    for page in [namespace, workload] {
        assert!(page.contains("The namespace NAMESPACE is outside the scope of the policy"), "{page}");
    }
    assert!(seen(&console, "shop-next").await[0].contains("There is no workload in the namespace NAMESPACE"));
}
